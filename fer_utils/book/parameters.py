"""What each chapter accepts: names, types, ranges and meanings. The defaults here are those of the notebook's
`parameters` cell (a test keeps them equal); `notebooks/profiles.yml` says what a profile changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class ParameterError(ValueError):
    """A parameter's name, type or value is not allowed; the message names it, its value and what is allowed."""


class ChapterParameters(BaseModel):
    """What every chapter accepts."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    profile: str = Field("default", description="name of the set of parameters, recorded in the result")
    data_root: str = Field("", description="folder with one subfolder per dataset; empty: the variable FER_BOOK_DATA")


class Fer2013CnnParameters(ChapterParameters):
    """The FER2013 chapter."""

    dataset: Literal["auto", "fer2013", "rendered_faces"] = Field(
        "auto", description="auto: fer2013 where the data folder has it, else the rendered faces"
    )
    training_images: int = Field(2500, ge=0, description="images to train on, drawn by class; 0: all")
    epochs: int = Field(12, ge=1, le=1000, description="passes over the training images")
    batch_size: int = Field(32, ge=1, le=4096, description="images per step; the paper's is 120")
    learning_rate: float = Field(0.001, gt=0, le=1, description="rate of the first epoch for Adam and AdamW; SGD: times 10")
    precision: Literal["float32", "mixed_bfloat16"] = Field("mixed_bfloat16", description="arithmetic of the network")
    augmentation_strength: float = Field(
        0.0, ge=0, le=1, description="share of the paper's shifts, scales and turns; 0: none, as suits a short run"
    )
    initializer: Literal["glorot_uniform", "he_normal"] = Field(
        "he_normal", description="initial weights; glorot_uniform is Keras's default and starts more slowly"
    )
    seeds: list[Annotated[int, Field(ge=0)]] = Field([0], min_length=1, max_length=20, description="one training per seed")
    experiments: list[Literal["inflation", "optimizers", "start"]] = Field(
        [], description="further trainings: with validation merged, the grid of optimisers, the start of training"
    )
    optimizers: list[Literal["sgd_nesterov", "adam", "adamw"]] = Field(
        ["sgd_nesterov", "adam", "adamw"], min_length=1, description="optimisers of the grid"
    )
    schedules: list[Literal["constant", "step", "plateau", "cosine"]] = Field(
        ["constant", "step", "plateau", "cosine"], min_length=1, description="learning-rate schedules of the grid"
    )
    start_epochs: int = Field(20, ge=1, le=1000, description="passes of the trainings about the start")
    duplicate_bits: int = Field(4, ge=0, le=16, description="differing bits up to which two perceptual hashes are a match")


class RenderedFacesParameters(ChapterParameters):
    """The data card of the rendered faces."""

    dataset: Literal["rendered_faces"] = Field("rendered_faces", description="name in the registry of datasets")
    epochs: int = Field(20, ge=1, le=1000, description="passes of the small network over its training frames")
    seeds: list[Annotated[int, Field(ge=0)]] = Field([0], min_length=1, max_length=20, description="one training per seed")
    training_frames: int = Field(0, ge=0, description="frames the small network is trained on; 0: all of half the persons")
    frames_checked: int = Field(0, ge=0, description="frames per collection given to the face detector; 0: all")


class Bp4dVgg16HoldoutParameters(ChapterParameters):
    """The BP4D chapter."""

    dataset: Literal["auto", "bp4d", "rendered_faces"] = Field(
        "auto", description="auto: bp4d where the data folder has it, else the rendered faces"
    )
    people: int = Field(41, ge=0, description="people used, by their numbers; 0: all")
    frames_per_sequence: int = Field(4, ge=1, description="evenly spaced frames of each sequence; 12 make about 3000 of BP4D")
    side_pixels: int = Field(48, ge=32, le=512, description="side of the network's input")
    weights: str = Field("none", description="of the base: imagenet, none (random), or the path of a file")
    augmentation_strength: float = Field(0.0, ge=0, le=1, description="share of the ranges; 0: frozen features are kept")
    epochs: int = Field(200, ge=1, le=1000, description="of the protocol's trainings")
    batch_size: int = Field(32, ge=1, le=4096, description="images per step")
    learning_rate: float = Field(0.001, gt=0, le=1, description="of Adam")
    seeds: list[Annotated[int, Field(ge=0)]] = Field(
        [0, 1, 2, 3, 4], min_length=1, max_length=20, description="of the comparison of splits; the first is the protocol's"
    )
    comparison_epochs: int = Field(80, ge=1, le=1000, description="of each training of the comparison of splits")
    fine_tune_epochs: int = Field(3, ge=1, le=1000, description="of each cell of crop and fine-tuning")
    fine_tune_learning_rate: float = Field(0.0001, gt=0, le=1, description="of Adam in these cells")
    precision: Literal["float32", "mixed_bfloat16"] = Field("mixed_bfloat16", description="arithmetic of the convolutions")
    detector: Literal["haar", "yunet", "res10"] = Field("haar", description="of the face crop")
    crop_margin: float = Field(0.2, ge=0, le=2, description="added to the detector's box, as a share of its side")


FiveDatasets = Literal["kdef", "rafd", "rafdb", "sfew", "amfed"]


class MultiDatasetCnnsParameters(ChapterParameters):
    """The chapter on five datasets."""

    dataset: Literal["auto", "rendered_faces"] = Field(
        "auto", description="auto: each real dataset where the data folder has it; rendered_faces: none of them"
    )
    datasets_used: list[FiveDatasets] = Field(
        ["kdef", "rafd", "rafdb", "sfew", "amfed"], min_length=1, description="any of the five"
    )
    people: int = Field(24, ge=0, description="people used of datasets that name them; 0: all")
    side_pixels: int = Field(48, ge=0, le=512, description="side of the input, 75 at least for InceptionResNetV2; 0: as printed")
    weights: Literal["none", "imagenet"] = Field("none", description="of VGG16 and InceptionResNetV2; none: random")
    train_base: bool = Field(False, description="train the convolutions of these two as well")
    augmentation_strength: float = Field(0.0, ge=0, le=1, description="share of the augmentation's ranges")
    epochs: int = Field(12, ge=1, le=1000, description="of each dataset's network")
    head_epochs: int = Field(60, ge=1, le=1000, description="of a head on a base that is not trained")
    head_learning_rate: float = Field(0.0001, gt=0, le=1, description="of Adam for such a head")
    batch_size: int = Field(32, ge=1, le=4096, description="images per step")
    learning_rate: float = Field(0.001, gt=0, le=1, description="of Adam")
    precision: Literal["float32", "mixed_bfloat16"] = Field("mixed_bfloat16", description="arithmetic of the networks")
    comparison_network: Literal["vgg16_linear", "paper"] = Field(
        "vgg16_linear", description="of the comparison of splits: VGG16, frozen, or each dataset's own"
    )
    transfer_network: Literal["fer2013_features", "paper"] = Field(
        "fer2013_features", description="of the cross-dataset matrix: this book's FER2013 network, frozen, or each dataset's own"
    )
    seeds: list[Annotated[int, Field(ge=0)]] = Field(
        [0, 1, 2, 3, 4], min_length=1, max_length=20, description="of the comparison of splits; the first also of the networks"
    )


class CkplusOulu3dcnnParameters(ChapterParameters):
    """The chapter on CK+ and Oulu-CASIA."""

    dataset: Literal["auto", "rendered_faces"] = Field(
        "auto", description="auto: each real dataset where the data folder has it; rendered_faces: none of them"
    )
    people: int = Field(24, ge=0, description="people used of each dataset; 0: all")
    side_pixels: int = Field(24, ge=16, le=224, description="side of the frames")
    width: float = Field(0.0625, gt=0, le=1, description="share of the network's filters and units")
    activation: Literal["relu", "elu", "prelu", "leaky_relu", "mish"] = Field("elu", description="of the fixed architecture")
    pooling: Literal["average", "max"] = Field("max", description="of the fixed architecture")
    dropout: float = Field(0.0, ge=0, le=1, description="of the fixed architecture")
    pixel_range: Literal["zero_to_one", "minus_one_to_one"] = Field("minus_one_to_one", description="of the fixed architecture")
    augment: bool = Field(False, description="add the paper's copies of training clips, by class")
    epochs: int = Field(5, ge=1, le=1000, description="of each fold's training")
    batch_size: int = Field(14, ge=0, le=4096, description="clips per step; 0: one per class")
    learning_rate: float = Field(0.001, gt=0, le=1, description="of Adam")
    folds: int = Field(3, ge=2, le=100, description="subject-independent folds")
    held_out_people: int = Field(2, ge=0, description="people that leave-one-subject-out tests, by their numbers; 0: all")
    search_trials: int = Field(6, ge=1, description="configurations tried on CK+; importances need 6 complete ones")
    search_folds: int = Field(2, ge=0, le=100, description="of a trial, at least 2; 0: leave one subject out")
    search_epochs: int = Field(3, ge=1, le=1000, description="of each training of a trial")
    search_batch: int = Field(6, ge=1, description="trials proposed at a time, whatever the number of workers")
    prune_below: float = Field(0.0, ge=0, le=100, description="running accuracy in percent below which a trial is given up")
    prune_after_folds: int = Field(1, ge=1, description="folds scored before that")
    control_trials: int = Field(2, ge=1, description="configurations tried on permuted labels")
    nested_folds: int = Field(2, ge=2, le=100, description="outer folds of the nested search on Oulu-CASIA")
    nested_trials: int = Field(2, ge=1, description="configurations tried in each of them, and for the transfer")
    detector: Literal["haar", "yunet", "res10"] = Field("res10", description="of real faces; rendered ones come with boxes")
    crop_margin: float = Field(0.2, ge=0, le=2, description="added to the detector's box, as a share of its side")
    seed: int = Field(5, ge=0, description="of splits, weights, order and search")
    workers: int = Field(2, ge=0, le=1024, description="processes on this machine, one thread each; 0: this one")
    scheduler: str = Field("", description="address of a Dask scheduler; empty: processes on this machine")


Setup = Literal[
    "small_6", "small_7_no_neutral", "small_7_no_contempt", "small_8", "large_6", "large_7_no_neutral", "large_7_no_contempt", "large_8"
]  # fmt: skip


class MobilenetCenterLossParameters(ChapterParameters):
    """The chapter on MobileNet with centre loss."""

    dataset: Literal["auto", "rendered_faces"] = Field(
        "auto", description="auto: each real dataset where the data folder has it; rendered_faces: none of them"
    )
    people: int = Field(10, ge=0, le=123, description="people used of CK+; 0: all, of rendered ones 20 at most")
    width: float = Field(0.25, gt=0, le=1, description="share of MobileNet's filters")
    weights: Literal["none", "imagenet"] = Field("none", description="at the start of the first stage; imagenet with width 1")
    augmentation_strength: float = Field(0.0, ge=0, le=1, description="share of the random crop, with its flip; 0: none")
    stage_1_images: int = Field(512, ge=0, description="training images of the first stage, drawn by class; 0: all")
    stage_1_epochs: int = Field(8, ge=1, le=1000, description="of the first stage")
    stage_1_rates: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        [0.01], min_length=1, description="learning rates of the first stage; the first is gone on with"
    )
    stage_1_center_loss_weights: list[Annotated[float, Field(ge=0)]] = Field(
        [0.001, 0.0], min_length=1, description="lambda in the first stage; the first is gone on with"
    )
    stage_2_epochs: int = Field(4, ge=1, le=1000, description="of each training of the second stage")
    stage_2_rate: float = Field(0.045, gt=0, le=1, description="learning rate of the second stage")
    batch_size: int = Field(16, ge=1, le=4096, description="images per step")
    center_loss_weight: float = Field(0.001, ge=0, description="lambda in the second stage")
    center_rate: float = Field(0.001, ge=0, le=1, description="alpha")
    setups: list[Setup] = Field(list(get_args(Setup)), min_length=1, description="set-ups of CK+")
    folds: int = Field(5, ge=2, le=100, description="random groups")
    repeats: int = Field(1, ge=1, le=100, description="times that all folds are drawn for the ablation")
    detector: Literal["haar", "yunet", "res10"] = Field("haar", description="of real faces; rendered ones come with boxes")
    crop_margin: float = Field(0.0, ge=0, le=2, description="added to the detector's box, as a share of its side")
    timed_frames: int = Field(15, ge=2, description="frames that are timed per number of faces")
    seed: int = Field(0, ge=0, description="of splits, weights and order")
    workers: int = Field(2, ge=0, le=1024, description="processes on this machine, one thread each; 0: this one")
    scheduler: str = Field("", description="address of a Dask scheduler; empty: processes on this machine")


class ClaimsAuditParameters(ChapterParameters):
    """The audit of what the papers print; it uses no images."""

    search_limit: int = Field(400_000, ge=1000, description="partial tables of counts that a search keeps before it stops")


class ScoreboardParameters(ClaimsAuditParameters):
    """One table of all claims; it reads what the other chapters left behind."""


class MethodologyParameters(ChapterParameters):
    """The threats to a score, on rendered faces."""

    dataset: Literal["rendered_faces"] = Field("rendered_faces", description="name in the registry of datasets")
    people: int = Field(64, ge=8, le=64, description="rendered people used, by their numbers")
    seeds: list[Annotated[int, Field(ge=0)]] = Field(
        [0, 1, 2, 3, 4], min_length=2, max_length=50, description="one pair of scores, with a flaw and without it, per seed"
    )
    folds: int = Field(10, ge=2, le=64, description="of cross-validation by person")
    epochs: int = Field(16, ge=2, le=1000, description="of each small network")
    configurations: int = Field(40, ge=2, description="settings that the search tries")
    draws: int = Field(200, ge=10, description="hold-outs, halves and pairs of readers drawn per seed")
    timed_frames: int = Field(10, ge=2, description="frames timed per seed")


REAL_DATASETS: dict[str, tuple[str, ...]] = {
    "bp4d_vgg16_holdout": ("bp4d",),
    "claims_audit": (),
    "ckplus_oulu_3dcnn": ("ckplus", "oulu_casia"),
    "fer2013_cnn": ("fer2013",),
    "methodology": ("rendered_faces",),
    "mobilenet_center_loss": ("fer2013", "ckplus", "jaffe"),
    "rendered_faces": ("rendered_faces",),
    "scoreboard": (),
}
CHAPTERS: dict[str, type[ChapterParameters]] = {
    "bp4d_vgg16_holdout": Bp4dVgg16HoldoutParameters,
    "claims_audit": ClaimsAuditParameters,
    "ckplus_oulu_3dcnn": CkplusOulu3dcnnParameters,
    "fer2013_cnn": Fer2013CnnParameters,
    "methodology": MethodologyParameters,
    "mobilenet_center_loss": MobilenetCenterLossParameters,
    "multi_dataset_cnns": MultiDatasetCnnsParameters,
    "rendered_faces": RenderedFacesParameters,
    "scoreboard": ScoreboardParameters,
}
READS_RESULTS = {"scoreboard"}  # chapters that read what the others left behind, and so run after them


def check_parameters(chapter: str, values: Mapping[str, Any]) -> ChapterParameters:
    """The validated parameters of a chapter; what is not given has its default.

    Raises ParameterError naming the first parameter that is wrong, its value and what is allowed.
    """
    if chapter not in CHAPTERS:
        raise ParameterError(f"no chapter {chapter!r}; there are {', '.join(CHAPTERS)}")
    model = CHAPTERS[chapter]
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        if name not in model.model_fields:
            raise ParameterError(f"{chapter} has no parameter {name!r}; it has {', '.join(model.model_fields)}") from None
        raise ParameterError(f"parameter {name} = {values[name]!r} of {chapter}: {first['msg']}") from None


def from_notebook(chapter: str, namespace: Mapping[str, Any]) -> ChapterParameters:
    """The validated parameters out of a notebook's `globals()`. Raises ParameterError, also where one is missing."""
    names = list(CHAPTERS[chapter].model_fields)
    if missing := [name for name in names if name not in namespace]:
        raise ParameterError(f"the notebook does not set {missing[0]!r}; run its parameters cell")
    return check_parameters(chapter, {name: namespace[name] for name in names})
