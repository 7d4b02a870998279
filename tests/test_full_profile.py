"""`make full`: the profile `full` of every paper's chapter, for one epoch on small trees in the datasets' official layout."""

import pytest
from test_publication import data_of

from fer_utils.book import execution
from fer_utils.results import store

WITHOUT_DOWNLOAD = {"weights": "none"}
SHORT = {
    "fer2013_cnn": {"epochs": 1, "seeds": [0]},
    "bp4d_vgg16_holdout": {"epochs": 1, "comparison_epochs": 1, "fine_tune_epochs": 1, "seeds": [0], **WITHOUT_DOWNLOAD},
    "ckplus_oulu_3dcnn": {
        "epochs": 1, "search_epochs": 1, "folds": 2, "held_out_people": 1, "search_trials": 1, "search_folds": 2,
        "control_trials": 1, "nested_folds": 2, "nested_trials": 1,
    },
    "mobilenet_center_loss": {
        "stage_1_epochs": 1, "stage_2_epochs": 1, "setups": ["large_6"], "folds": 2, "repeats": 1, "timed_frames": 2,
        **WITHOUT_DOWNLOAD,
    },
    "multi_dataset_cnns": {"epochs": 1, "head_epochs": 1, "seeds": [0], **WITHOUT_DOWNLOAD},
}  # fmt: skip


@pytest.mark.parametrize("chapter", SHORT)
def test_a_chapter_runs_at_full_scale_on_official_trees(chapter, tmp_path, monkeypatch):
    data = data_of(chapter, tmp_path / "data")
    monkeypatch.setattr(execution, "BUILD", tmp_path / "build")
    run = execution.plan(chapter, "full", data | SHORT[chapter] | {"data_root": str(tmp_path / "data")})
    assert execution.execute(run, progress=False) is None
    result = store.read_result(run.folder / "result.json")
    assert result.profile == "full" and result.dataset.real and result.trainings
