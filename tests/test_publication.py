"""No face that may not be shown gets into a notebook: the one function that draws faces, and a look at what was drawn."""

import base64

import cv2
import layouts
import nbformat
import numpy as np
import pytest
from conftest import csv_text, fer2013_rows

from fer_utils.book import execution
from fer_utils.datasets import registry
from fer_utils.datasets.loaders import rendered_faces
from fer_utils.figures.faces import contact_sheet, stand_in
from fer_utils.preprocessing.detection import YuNetDetector
from fer_utils.results import store

RENDERED_FILM = "mobilenet-live"  # a figure of rendered faces whatever data there is


def drawn(notebook):
    """Every picture of an executed notebook, uint8 BGR, but that of the rendered film."""
    for cell in notebook.cells:
        if cell.metadata.get("mystnb", {}).get("figure", {}).get("name") == RENDERED_FILM:
            continue
        for output in cell.get("outputs", []):
            for kind, content in output.get("data", {}).items():
                if kind.startswith("image/") and kind != "image/svg+xml":
                    yield cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)


def faces_in(picture):
    """How many faces OpenCV's Haar cascade sees in a picture, at its own size or enlarged, that YuNet sees as well: the cascade
    takes the numbers in a cell of a matrix for a face now and then."""
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    second = YuNetDetector()

    def is_face(image, box):
        x, y, side, _ = box
        around = image[max(0, y - side // 2) : y + 3 * side // 2, max(0, x - side // 2) : x + 3 * side // 2]
        return len(second.detect(cv2.cvtColor(around, cv2.COLOR_BGR2RGB))[0]) > 0

    sizes = [picture, cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)]
    return max(sum(is_face(image, box) for box in cascade.detectMultiScale(image, 1.1, 6, minSize=(30, 30))) for image in sizes)


def picture_of(figure, tmp_path):
    figure.savefig(tmp_path / "figure.png")
    return cv2.imread(str(tmp_path / "figure.png"))


@pytest.fixture(scope="module")
def sheet():
    dataset = rendered_faces.load(collection="sequences", persons=range(6), classes=["happiness", "surprise"])
    return dataset.read(np.flatnonzero(dataset.frame["position"] == 9)).reshape(2, 6, 112, 112, 3)


def test_faces_that_may_be_shown_are_drawn(sheet, tmp_path):
    figure = contact_sheet(sheet, ["one", "two"], "faces", publishable=True)
    assert faces_in(picture_of(figure, tmp_path)) >= 8


def test_faces_that_may_not_be_shown_become_crossed_out_tiles(sheet, tmp_path):
    figure = contact_sheet(sheet, ["one", "two"], "faces", publishable=False)
    assert faces_in(picture_of(figure, tmp_path)) == 0
    assert "may not be shown" in figure.axes[0].get_title()


def test_the_stand_in_keeps_nothing_of_the_images(sheet):
    assert np.array_equal(stand_in(sheet), stand_in(255 - sheet))
    assert stand_in(sheet).shape == sheet.shape


def data_of(chapter, root):
    """The chapter's datasets written out in their official trees, all of rendered faces."""
    if chapter == "fer2013_cnn":
        faces = registry.load("rendered_faces")
        cropped = [cv2.resize(face, (48, 48)) for face in cv2_grey(faces.read(range(210)))]
        rows = [(label, face.ravel(), usage) for (label, _, usage), face in zip(fer2013_rows(210), cropped, strict=True)]
        (root / "fer2013").mkdir(parents=True)
        (root / "fer2013" / "fer2013.csv").write_text(csv_text(rows))
        return {}
    if chapter == "bp4d_vgg16_holdout":
        layouts.write_bp4d(root / "bp4d")
        return {"dataset": "bp4d"}
    if chapter == "ckplus_oulu_3dcnn":
        layouts.write_ckplus(root / "ckplus")
        layouts.write_oulu_casia(root / "oulu_casia")
        return {"dataset": "auto", "detector": "haar"}
    if chapter == "mobilenet_center_loss":
        data_of("fer2013_cnn", root)
        layouts.write_ckplus(root / "ckplus")
        layouts.write_jaffe(root / "jaffe")
        return {"dataset": "auto", "stage_1_images": 48}
    layouts.write_kdef(root / "kdef", pairs=5)
    layouts.write_rafd(root / "rafd")
    layouts.write_sfew(root / "sfew", per_class=13)
    layouts.write_amfed(root / "amfed", people=10)
    layouts.write_rafdb(root / "rafdb", train=33, test=6)
    for path in (root / "rafdb").rglob("*_aligned.jpg"):  # the official size, at which faces are found in these crops
        cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), (100, 100), interpolation=cv2.INTER_CUBIC))
    return {"dataset": "auto", "datasets_used": ["kdef", "rafd", "rafdb", "sfew", "amfed"]}


def cv2_grey(images):
    return [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]


@pytest.mark.parametrize(
    "chapter", ["fer2013_cnn", "bp4d_vgg16_holdout", "ckplus_oulu_3dcnn", "mobilenet_center_loss", "multi_dataset_cnns"]
)
def test_a_chapter_runs_on_official_trees_and_shows_no_face_of_them(chapter, tmp_path, monkeypatch):
    overrides = data_of(chapter, tmp_path / "data") or {"dataset": "fer2013"}
    monkeypatch.setattr(execution, "BUILD", tmp_path / "build")
    run = execution.plan(chapter, "ci", overrides | {"data_root": str(tmp_path / "data")})
    assert "rendered_faces" not in run.dataset
    assert execution.execute(run, progress=False) is None
    result = store.read_result(run.folder / "result.json")
    assert result.dataset.real and not result.dataset.official and not result.dataset.publishable
    scored = [name for name in result.measurements if "accuracy" in name and "examples" not in name]
    assert scored and {result.measurements[name].lacking for name in scored} == {"data"}
    pictures = list(drawn(nbformat.read(run.notebook, as_version=4)))
    assert len(pictures) >= 5 and sum(faces_in(picture) for picture in pictures) == 0


def test_the_look_for_faces_finds_those_of_a_chapter_that_may_show_them(ci_run_of):
    notebook = nbformat.read(ci_run_of("bp4d_vgg16_holdout").notebook, as_version=4)
    assert sum(faces_in(picture) for picture in drawn(notebook)) >= 3
