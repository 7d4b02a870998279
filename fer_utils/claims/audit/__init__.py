"""What printed numbers say of each other, without any data: one module per kind of table.

A finding is a fact of arithmetic; verdicts are made of findings and measurements in `claims.verdicts`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[],
    submod_attrs={
        "arithmetic": [
            "check_fold_mean",
            "compare_layers",
            "fold_denominators",
            "possible_counts",
            "possible_denominators",
            "restore_column",
            "transposed_digits",
        ],
        "findings": ["Finding", "Grade", "Outcome"],
        "rounded_tables": ["AVERAGES", "chance_ranges", "check_averages", "one_cell_moved", "possible_matrices", "report_counts"],
        "tables": ["exact_folds"],
        "checks": ["audit_claims", "findings_table", "outcome_counts"],
    },
)
