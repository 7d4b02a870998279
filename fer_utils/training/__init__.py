"""Seeded, resumable training: a recipe, one `fit`, frozen features, folds, hyper-parameter search, many processes.

A training is named by the digest of its recipe and data, and is never done twice.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[],
    submod_attrs={
        "cross_validation": [
            "ImageStack",
            "configured",
            "evaluate_trial",
            "fold_table",
            "FoldPredictions",
            "FoldTask",
            "predictions",
            "inner_folds",
            "keep_images",
            "nested_search",
            "Rule",
            "RULES",
            "score_fold",
            "search_on_folds",
            "train_fold",
            "TrialTask",
        ],
        "epochs": ["predict"],
        "fer2013_trainings": ["plan_trainings", "PlannedTraining", "training_rows"],
        "fit": ["frozen_features", "store", "train", "Trained"],
        "hyperparameters": ["best_configuration", "best_of_k", "history", "importances", "PruningRule", "search"],
        "parallel": ["fan_out", "start_workers", "stop_workers"],
        "recipes": ["Recipe"],
        "search_space": ["Configuration", "PAPER_CKPLUS", "SearchError"],
    },
)
