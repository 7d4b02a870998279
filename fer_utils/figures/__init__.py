"""The book's figures and tables, one module per family, in one visual language.

A figure draws numbers and changes none.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[],
    submod_attrs={
        "curves": [
            "architecture",
            "learning_curves",
            "losses",
            "optimizer_grid",
            "scores_by_training",
            "training_curves_by_option",
        ],
        "effects": ["arms", "bars", "beside_effect", "best_of_k", "forest", "histogram", "KINDS", "shares"],
        "embedding": ["scatter"],
        "faces": ["contact_sheet", "overlay", "picture", "softmax_bars"],
        "matrices": ["confusion_matrices", "heat", "shuffled_scores"],
        "printed_numbers": [
            "against_independence",
            "class_hits",
            "fold_differences",
            "outcome_bars",
            "possible_sizes",
            "printed_among_possible",
            "two_readings",
        ],
        "scoreboard": ["accuracies", "as_svg", "ratios", "verdict_bars"],
        "scores": ["intervals", "label_noise", "literature"],
        "search": ["importances_and_best_of_k", "search_history"],
        "style": ["finished", "INK", "use_style"],
        "tables": [
            "badge",
            "data_notice",
            "environment_table",
            "findings_html",
            "notice",
            "provenance",
            "table",
            "verdict_box",
            "verdict_html",
            "weights_notice",
        ],
    },
)
