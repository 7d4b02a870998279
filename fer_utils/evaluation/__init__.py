"""Scores with intervals, significance, chance, and what inflates a score.

Rows of a matrix are true classes; intervals are 95 % unless they say otherwise.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["threats"],
    submod_attrs={
        "chance": ["agreement_with_chance", "class_z_scores", "permutation_p_value", "right_by_chance"],
        "embedding": ["class_distances"],
        "metrics": [
            "accuracy",
            "cluster_bootstrap_accuracy",
            "confusion",
            "cluster_bootstrap_difference",
            "mean_over",
            "paired_gain",
            "report",
            "shuffled_accuracies",
            "shuffled_pairs",
            "wilson_interval",
        ],
        "significance": [
            "class_balance",
            "exact_interval",
            "expected_best",
            "fisher_p_value",
            "mcnemar",
            "p_value_text",
            "paired_tests",
            "PairedTests",
        ],
        "threats": ["Effect"],
    },
)
