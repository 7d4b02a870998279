"""Distances within and between classes, and their drawing."""

import numpy as np
import pytest

from fer_utils.evaluation.embedding import class_distances
from fer_utils.figures.matrices import feature_scatter

SQUARES = np.array([[0, 0], [2, 0], [0, 10], [2, 10]], np.float32)  # two classes, one unit around (1, 0) and (1, 10)


def test_distances_of_two_classes_are_those_worked_out_by_hand():
    found = class_distances(SQUARES, np.array([0, 0, 1, 1]))
    assert (found.within, found.between, found.ratio) == pytest.approx((1.0, 10.0, 0.1))


def test_the_ratio_does_not_change_with_the_scale_of_the_features():
    labels = np.array([3, 3, 5, 5])
    assert class_distances(7 * SQUARES, labels).ratio == pytest.approx(class_distances(SQUARES, labels).ratio)


def test_features_that_are_all_equal_separate_no_classes():
    assert class_distances(np.zeros((4, 3)), np.array([0, 0, 1, 1])).ratio == np.inf


def test_one_class_has_no_distance_to_another():
    with pytest.raises(ValueError, match="1 class, distances between classes need two"):
        class_distances(SQUARES, np.zeros(4, int))


def test_every_class_is_drawn_with_one_colour_in_every_panel():
    figure = feature_scatter(
        {"with": (SQUARES, np.array([0, 0, 1, 1])), "without": (SQUARES, np.array([1, 0, 1, 0]))}, ("anger", "fear")
    )
    first, second = figure.axes
    colours = [[tuple(points.get_facecolor()[0]) for points in panel.collections] for panel in (first, second)]
    assert colours[0] == colours[1] and len(set(colours[0])) == 2
    assert [len(points.get_offsets()) for points in first.collections] == [2, 2]
