"""Which images train, select and test, and whether anything leaks between them.

Splits come from scikit-learn; ours is the check that no subject, sequence or copy crosses.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[],
    submod_attrs={
        "fer2013_split": ["fer2013_faces", "fer2013_splits"],
        "leaks": ["Fold", "leak_report", "nearest_in_training"],
        "splits": [
            "every_tenth",
            "grouped_folds",
            "grouped_holdout",
            "leave_one_subject_out",
            "NO_ROWS",
            "official",
            "Protocol",
            "random_folds",
            "random_holdout",
            "subset",
            "with_inner_validation",
        ],
    },
)
