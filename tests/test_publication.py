"""No face that may not be shown gets into a notebook: the one function that draws faces, and a look at what was drawn."""

import base64

import cv2
import nbformat
import numpy as np
import pytest

from fer_utils import book, datasets, figures, protocols


def drawn(notebook):
    """Every picture of an executed notebook, uint8 BGR."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for kind, content in output.get("data", {}).items():
                if kind.startswith("image/") and kind != "image/svg+xml":
                    yield cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)


def faces_in(picture):
    """How many faces OpenCV's Haar cascade sees in a picture, at its own size and enlarged."""
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    sizes = [picture, cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)]
    return max(len(cascade.detectMultiScale(image, 1.1, 6, minSize=(30, 30))) for image in sizes)


def picture_of(figure, tmp_path):
    figure.savefig(tmp_path / "figure.png")
    return cv2.imread(str(tmp_path / "figure.png"))


@pytest.fixture(scope="module")
def sheet():
    dataset = datasets.rendered_faces.load(collection="sequences", persons=range(6), classes=["happiness", "surprise"])
    return dataset.read(np.flatnonzero(dataset.frame["position"] == 9)).reshape(2, 6, 112, 112, 3)


def test_faces_that_may_be_shown_are_drawn(sheet, tmp_path):
    figure = figures.contact_sheet(sheet, ["one", "two"], "faces", publishable=True)
    assert faces_in(picture_of(figure, tmp_path)) >= 8


def test_faces_that_may_not_be_shown_become_crossed_out_tiles(sheet, tmp_path):
    figure = figures.contact_sheet(sheet, ["one", "two"], "faces", publishable=False)
    assert faces_in(picture_of(figure, tmp_path)) == 0
    assert "may not be shown" in figure.axes[0].get_title()


def test_the_stand_in_keeps_nothing_of_the_images(sheet):
    assert np.array_equal(figures.stand_in(sheet), figures.stand_in(255 - sheet))
    assert figures.stand_in(sheet).shape == sheet.shape
