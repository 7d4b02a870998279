"""Networks exported from Keras to one file each, and run without Keras: by LiteRT (`.tflite`) or ONNX Runtime (`.onnx`).

An exported network takes grey faces, uint8 (n, side, side, 1), and gives probabilities, float32 (n, classes). Its file also
holds its card: `card.json` in a ZIP archive behind a `.tflite`, as TensorFlow Lite attaches files, and the metadata `card`
of an `.onnx`. A file is written under a temporary name, compared with its Keras model on rendered faces, then renamed.
"""

from __future__ import annotations

import hashlib
import importlib
import tempfile
import zipfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, Protocol, get_args

import joblib
import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from fer_utils.datasets.loaders import fer2013, rendered_faces
from fer_utils.preprocessing.cropping import crop_to_boxes
from fer_utils.results.paths import asset, cache_folder, digest_of, write_renamed

if TYPE_CHECKING:
    import keras
    import onnxruntime

Precision = Literal["float32", "int8"]
Ending = Literal[".tflite", ".onnx"]

ENDINGS = (".tflite", ".onnx")
CARD = "card.json"
COMPARED_FACES = 256
LARGEST_DIFFERENCE = 1e-4  # of a probability, in float32
LEAST_AGREEMENT = 0.95  # of the class, in int8


class LiveError(ValueError):
    """What the live program cannot go on with; the message says what to do."""


class ExportCard(BaseModel):
    """What an exported network is, and how well it agrees with the Keras model on `compared_faces` rendered faces.

    `agreement` is the share (0 to 1) of faces that get the same class, `largest_difference` that of any probability.
    """

    model_config = ConfigDict(frozen=True)

    network: str
    classes: tuple[str, ...]
    precision: Precision
    weights_sha256: str
    compared_faces: int
    agreement: float
    largest_difference: float


class Classifier(Protocol):
    """An exported network at work, on faces of `side_pixels`; used by one thread at a time."""

    card: ExportCard
    side_pixels: int

    def __call__(self, faces: np.ndarray) -> np.ndarray:
        """Probabilities, float32 (n, classes), of grey faces, uint8 (n, side_pixels, side_pixels, 1), n at least 1."""


def required(module: str) -> ModuleType:
    """A module of the extra `live`. Raises LiveError saying how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise LiveError(f"the package {module.split('.')[0]} is missing ({error}): pip install 'fer-utils[live]'") from error


def model_file(model: str, precision: Precision) -> Path:
    """The file of a network by name, as shipped or else exported into the cache; a path with an ending stays as it is.

    Raises LiveError for another precision and for a name without published weights.
    """
    if Path(model).suffix:
        return Path(model)
    if precision not in get_args(Precision):
        raise LiveError(f"precision {precision!r}; there are {', '.join(get_args(Precision))}")
    try:
        return asset(f"models/{model}{'.int8' if precision == 'int8' else ''}.tflite")
    except FileNotFoundError:
        return exported(model, ".tflite", precision)


def exported(network: str, ending: Ending = ".tflite", precision: Precision = "float32") -> Path:
    """The published network as a file in the cache, named by the SHA-256 of its weights; exported when it is not there.

    Raises LiveError for a network without published weights, and as `export`.
    """
    try:
        weights = asset(f"models/{network}.weights.h5")
    except FileNotFoundError:
        there = sorted(path.name.removesuffix(".weights.h5") for path in asset("models").glob("*.weights.h5"))
        raise LiveError(
            f"no network {network!r} has published weights; there are {', '.join(there)}, or give a file {' or '.join(ENDINGS)}"
        ) from None
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:20]
    path = cache_folder() / "exports" / f"{network}-{precision}-{digest}{ending}"
    if not path.exists():
        from fer_utils.models.registry import published

        export(published(network), fer2013.CLASSES, path, precision)
    return path


def export(model: keras.Model, classes: tuple[str, ...], path: Path, precision: Precision = "float32") -> ExportCard:
    """Write a Keras model whose input is grey uint8 to a `.tflite` or `.onnx` file.

    `int8` (LiteRT only) keeps weights in 8 bits, and rounds activations to 8 bits by the range that each image gives them.
    Raises LiveError for another ending, precision or input, a Keras backend other than TensorFlow, and an export that does
    not agree with the model: float32 within 1e-4 of every probability, int8 on the class of 95 % of the faces.
    """
    import keras

    if path.suffix not in ENDINGS or (path.suffix, precision) == (".onnx", "int8"):
        raise LiveError(f"{path.name} in {precision}: expected {' or '.join(ENDINGS)}; int8 is for .tflite only")
    if keras.backend.backend() != "tensorflow":
        raise LiveError(f"KERAS_BACKEND is {keras.backend.backend()}; networks are exported with KERAS_BACKEND=tensorflow")
    if model.input_shape[1] != model.input_shape[2] or model.input_shape[3] != 1:
        raise LiveError(f"{model.name} takes images of shape {model.input_shape[1:]}, but it is given square grey faces")
    faces = rendered_crops(model.input_shape[1])
    expected = model.predict(faces, batch_size=64, verbose=0)
    weights = digest_of(*model.get_weights())
    card = ExportCard(
        network=model.name, classes=classes, precision=precision, weights_sha256=weights, compared_faces=len(faces),
        agreement=1.0, largest_difference=0.0,
    )  # fmt: skip

    def write(partial: Path) -> None:
        nonlocal card
        content = _litert(model, precision) if path.suffix == ".tflite" else _onnx(model)
        _write_with_card(partial, path.suffix, content, card)
        found = _runner(path.suffix)(partial, card)(faces)
        agreement = float((found.argmax(axis=1) == expected.argmax(axis=1)).mean())
        card = card.model_copy(update={"agreement": agreement, "largest_difference": float(np.abs(found - expected).max())})
        agrees = card.agreement >= LEAST_AGREEMENT if precision == "int8" else card.largest_difference <= LARGEST_DIFFERENCE
        if not agrees:
            raise LiveError(f"{path.name} was not kept, as it does not agree with its Keras model: {card}")
        _write_with_card(partial, path.suffix, content, card)

    write_renamed(path, write)
    return card


def open_classifier(path: Path) -> Classifier:
    """The exported network in a file, run by one thread per core.

    Raises LiveError for a file that is missing or no exported network, without its card, or whose input or number of classes
    is not what its card says.
    """
    if path.suffix not in ENDINGS:
        raise LiveError(f"{path} is no exported network: expected a file {' or '.join(ENDINGS)}")
    if not path.is_file():
        raise LiveError(f"the model file {path} does not exist")
    classifier = _runner(path.suffix)(path, _read_card(path))
    side = classifier.side_pixels
    try:
        width = classifier(np.zeros((1, side, side, 1), np.uint8)).shape[1]
    except Exception as error:  # what a foreign network raises depends on its runtime
        raise LiveError(f"{path} does not take grey faces, uint8 (n, {side}, {side}, 1): {error}") from error
    if width != len(classifier.card.classes):
        raise LiveError(f"{path} gives {width} classes, but its card names {', '.join(classifier.card.classes)}")
    return classifier


def rendered_crops(side_pixels: int) -> np.ndarray:
    """256 rendered faces cut to their boxes, as they are compared: grey uint8 (256, side_pixels, side_pixels, 1)."""
    faces = crop_to_boxes(rendered_faces.load(collection="wild"), side_pixels=side_pixels, grey=True)
    return faces.read(np.linspace(0, len(faces.frame) - 1, COMPARED_FACES).astype(np.int64))


class LiteRtClassifier:
    """A `.tflite` file run by LiteRT; as `Classifier`. The batch may have any size."""

    def __init__(self, path: Path, card: ExportCard) -> None:
        litert = required("ai_edge_litert.interpreter")
        self.card = card
        try:
            self._interpreter = litert.Interpreter(str(path), num_threads=joblib.cpu_count())
        except ValueError as error:
            raise LiveError(f"{path} is no LiteRT file: {error}") from error
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self.side_pixels = int(self._interpreter.get_input_details()[0]["shape"][1])
        self._allocated: tuple[int, ...] = ()

    def __call__(self, faces: np.ndarray) -> np.ndarray:
        """Probabilities, as `Classifier` says."""
        if faces.shape != self._allocated:
            self._interpreter.resize_tensor_input(self._input, faces.shape)
            self._interpreter.allocate_tensors()
            self._allocated = faces.shape
        self._interpreter.set_tensor(self._input, faces)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)


class OnnxClassifier:
    """An `.onnx` file run by ONNX Runtime on the CPU; as `Classifier`."""

    def __init__(self, path: Path, card: ExportCard) -> None:
        self.card = card
        self._session = onnx_session(path, joblib.cpu_count())
        self._input = self._session.get_inputs()[0].name
        self.side_pixels = int(self._session.get_inputs()[0].shape[1])

    def __call__(self, faces: np.ndarray) -> np.ndarray:
        """Probabilities, as `Classifier` says."""
        return self._session.run(None, {self._input: faces})[0]


def onnx_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """An inference session of ONNX Runtime on the CPU. Raises LiveError where the file is no ONNX network."""
    runtime = required("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.force_spinning_stop", "1")  # idle threads would slow what comes next
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a dozen kinds and no public base class
        raise LiveError(f"{path} is no ONNX network that can be run: {error}") from error


def _runner(ending: str) -> type[LiteRtClassifier | OnnxClassifier]:
    return LiteRtClassifier if ending == ".tflite" else OnnxClassifier


def _read_card(path: Path) -> ExportCard:
    try:
        if path.suffix == ".tflite":
            with zipfile.ZipFile(path) as archive:
                return ExportCard.model_validate_json(archive.read(CARD))
        return ExportCard.model_validate_json(onnx_session(path, 1).get_modelmeta().custom_metadata_map["card"])
    except (zipfile.BadZipFile, KeyError, ValidationError) as error:
        raise LiveError(
            f"{path} has no card that names its classes, so it was not exported by this book or is incomplete; "
            "export its Keras model with fer_utils.live.export.export"
        ) from error


def _write_with_card(path: Path, ending: str, content: bytes, card: ExportCard) -> None:
    if ending == ".tflite":
        path.write_bytes(content)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(zipfile.ZipInfo(CARD), card.model_dump_json(indent=1))
        return
    onnx = required("onnx")
    network = onnx.load_model_from_string(content)
    network.metadata_props.add(key="card", value=card.model_dump_json())
    path.write_bytes(network.SerializeToString())


def _litert(model: keras.Model, precision: Precision) -> bytes:
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    images = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8)
    call = tf.function(lambda images: model(images, training=False), input_signature=[images]).get_concrete_function()
    frozen = convert_variables_to_constants_v2(call)  # the converter itself leaves the weights of some networks out
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if precision == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


def _onnx(model: keras.Model) -> bytes:
    """The network without its augmentation, whose operations ONNX lacks."""
    import keras

    from fer_utils.models.augmentation import augmentation
    from fer_utils.models.mobilenet import RandomCropAndFlip

    required("tf2onnx")

    def copied(layer: keras.Layer) -> keras.Layer:
        if layer.name == "augmentation":
            return augmentation(0.0, seed=0)
        if isinstance(layer, RandomCropAndFlip):
            return keras.layers.Identity()
        return type(layer).from_config(layer.get_config())

    plain = keras.Model(model.inputs, model.outputs)
    bare = keras.models.clone_model(plain, clone_function=copied)
    bare.set_weights(plain.get_weights())
    bare(np.zeros((1, *model.input_shape[1:]), np.uint8))  # Keras exports what has been called
    with tempfile.TemporaryDirectory() as folder:
        bare.export(Path(folder) / "network.onnx", format="onnx", verbose=False)
        return (Path(folder) / "network.onnx").read_bytes()
