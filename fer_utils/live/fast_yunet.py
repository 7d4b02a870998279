"""YuNet run by ONNX Runtime: the boxes of `detection.YuNetDetector` in less than half of OpenCV's time."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ClassVar

import cv2
import joblib
import numpy as np

from fer_utils.live.export import onnx_session, required
from fer_utils.preprocessing.detection import YUNET, YUNET_LONGEST_SIDE_PIXELS, YUNET_SCORE, YuNetDetector, model_path
from fer_utils.preprocessing.images import to_three_channels
from fer_utils.results.paths import cache_folder, write_renamed

STRIDES = (8, 16, 32)
OUTPUTS = tuple(f"{kind}_{stride}" for stride in STRIDES for kind in ("cls", "obj", "bbox"))
OVERLAP = 0.3  # of two boxes of one face, OpenCV's default


class FastYuNet:
    """A `detection.Detector`; its boxes equal those of `YuNetDetector` but for rounding.

    Raises MissingModel where the network's file is not to be had and LiveError where ONNX Runtime is missing.
    """

    settings: ClassVar[str] = YuNetDetector.settings

    def __init__(self, threads: int | None = None) -> None:
        self._session = onnx_session(_of_any_size(), threads or joblib.cpu_count())

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(boxes, scores), as `detectors` says, of a uint8 image (height, width, 1 or 3)."""
        image = to_three_channels(image) if image.shape[-1] == 1 else image
        height, width = image.shape[:2]
        shrink = min(1.0, YUNET_LONGEST_SIDE_PIXELS / max(height, width))
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if shrink < 1 else image
        planes = np.zeros((1, 3, size[1] + -size[1] % 32, size[0] + -size[0] % 32), np.float32)  # the network halves five times
        for plane, channel in zip(planes[0], cv2.split(small)[::-1], strict=True):  # blue, green, red
            plane[: size[1], : size[0]] = channel
        found = self._session.run(OUTPUTS, {"input": planes})
        boxes, scores = _decoded(found, planes.shape[3])
        boxes *= np.tile([width / size[0], height / size[1]], 2)
        limit = np.array([width, height])
        start, end = np.clip(boxes[:, :2], 0, limit), np.clip(boxes[:, :2] + boxes[:, 2:], 0, limit)
        boxes = np.hstack([start, end - start])
        inside = (boxes[:, 2:] >= 1).all(axis=1)
        return boxes[inside], scores[inside]


def _decoded(outputs: list[np.ndarray], width: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (n, 4) and scores (n,), best first, of the network's outputs for a padded image of that width in pixels."""
    boxes, scores = [], []
    for stride, (face, there, offsets) in zip(STRIDES, zip(*[iter(outputs)] * 3, strict=True), strict=True):
        squared = face[0, :, 0] * there[0, :, 0]
        cells = np.flatnonzero(squared >= YUNET_SCORE**2)
        line, column = np.divmod(cells, width // stride)
        centre = (offsets[0, cells, :2] + np.stack([column, line], axis=1)) * stride
        extent = np.exp(offsets[0, cells, 2:]) * stride
        boxes.append(np.hstack([centre - extent / 2, extent]).astype(np.float64))
        scores.append(np.sqrt(squared[cells].astype(np.float64)))
    every_box, every_score = np.concatenate(boxes), np.concatenate(scores)
    kept = np.asarray(cv2.dnn.NMSBoxes(every_box.tolist(), every_score.tolist(), YUNET_SCORE, OVERLAP), np.int64).ravel()
    return every_box[kept], every_score[kept]


def _of_any_size() -> Path:
    """A copy of the network's file, in the cache, with boxes and scores for an input of any size, not of 640 x 640."""
    source = model_path(YUNET)
    path = cache_folder() / "exports" / f"yunet-{hashlib.sha256(source.read_bytes()).hexdigest()[:20]}.onnx"
    if path.exists():
        return path
    onnx = required("onnx")
    network = onnx.load(source)
    shape = network.graph.input[0].type.tensor_type.shape.dim
    shape[2].dim_param, shape[3].dim_param = "height", "width"
    outputs = [output for output in network.graph.output if output.name in OUTPUTS]  # without the points of a face
    for output in outputs:
        output.type.tensor_type.shape.dim[1].dim_param = "cells"
    del network.graph.output[:], network.graph.value_info[:]
    network.graph.output.extend(outputs)
    write_renamed(path, lambda partial: partial.write_bytes(network.SerializeToString()))
    return path
