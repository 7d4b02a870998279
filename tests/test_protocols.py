"""Splits, plans and leak checks."""

import numpy as np
import pytest

from fer_utils import datasets, protocols

SETTINGS = {"epochs": 60, "batch_size": 120, "learning_rate": 1e-3, "precision": "float32"}


def plan(*experiments, seeds=(0, 1), **changes):
    return protocols.fer2013_trainings(experiments=experiments, seeds=seeds, **SETTINGS | changes)


def test_training_trains_public_selects_private_tests(fer2013_folder):
    dataset = datasets.load("fer2013", fer2013_folder.parent)
    splits = protocols.fer2013_splits(dataset)
    assert (splits.selected_on, splits.tested_on) == ("PublicTest", "PrivateTest")
    parts = [splits.train, splits.validation, splits.test]
    assert sorted(np.concatenate(parts)) == list(range(len(dataset.frame)))
    assert set(splits.merged_test) == set(splits.validation) | set(splits.test)


def test_rendered_persons_do_not_cross_the_split():
    dataset = protocols.fer2013_faces(datasets.load("rendered_faces"))
    splits = protocols.fer2013_splits(dataset)
    persons = [set(dataset.frame["subject"].iloc[rows]) for rows in (splits.train, splits.validation, splits.test)]
    assert not (persons[0] & persons[1] or persons[0] & persons[2] or persons[1] & persons[2])


def test_a_cap_keeps_the_shares_of_the_classes():
    labels = np.repeat([0, 1], [80, 20])
    rows = protocols.subset(np.arange(100), labels, 50, seed=0)
    assert len(rows) == 50 and np.bincount(labels[rows]).tolist() == [40, 10]


def test_the_grid_shares_its_adam_cosine_cell_with_the_protocol():
    recipes = [planned.recipe for planned in plan("optimizers")]
    assert len(recipes) == 2 + 12 * 2 and len({recipe.key("") for recipe in recipes}) == 12 * 2


def test_validation_data_is_trained_on_only_in_the_inflation_experiment(fer2013_folder):
    splits = protocols.fer2013_splits(datasets.load("fer2013", fer2013_folder.parent))
    for planned in plan("inflation", "start"):
        rows, selecting = protocols.training_rows(splits, planned)
        leaks = bool(set(rows) & set(splits.validation))
        assert leaks == (planned.experiment == "inflation") == (selecting is None)
        assert not set(rows) & set(splits.test)


def test_exact_and_near_copies_are_found_and_strangers_are_not():
    random = np.random.default_rng(0)
    faces = random.integers(0, 256, (6, 12, 12)).repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)[..., None]
    brighter = np.clip(faces[1].astype(int) + 6, 0, 255).astype(np.uint8)
    queries = np.stack([faces[4], brighter, 255 - faces[2]])
    exact, near = protocols.copies_in_training(queries, faces[:5], bits=4)
    assert exact.tolist() == [4, -1, -1]
    assert near.tolist() == [4, 1, -1]


def test_hash_distance_counts_differing_bits():
    nearest, distance = protocols.nearest_by_hash(np.array([0b1011], np.uint64), np.array([0b0000, 0b1000, 0b1111], np.uint64))
    assert (nearest.tolist(), distance.tolist()) == ([2], [1])


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_augmentation_strength_is_part_of_the_recipe(strength):
    (planned,) = plan(seeds=(0,), augmentation_strength=strength)
    assert planned.recipe.options["augmentation_strength"] == strength
