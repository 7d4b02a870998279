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
            "importances_and_best_of_k",
            "learning_curves",
            "losses",
            "optimizer_grid",
            "scores_by_training",
            "search_history",
            "training_curves_by_option",
        ],
        "effects": [
            "draw_best_of_k",
            "draw_grouped_bars",
            "draw_histogram",
            "draw_paired_scores",
            "draw_stacked_shares",
            "EFFECT_KINDS",
            "forest_plot",
            "threat_figure",
        ],
        "faces": ["contact_sheet", "overlay", "picture", "softmax_bars"],
        "matrices": ["confusion_matrices", "feature_scatter", "heat", "shuffled_scores"],
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
