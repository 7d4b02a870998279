"""What the papers print, as data; the audit of printed numbers; the rules for a verdict; the ledger of all claims.

It works on numbers alone: no image and no network.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["audit"],
    submod_attrs={
        "ledger": [
            "all_verdicts",
            "as_csv",
            "as_json",
            "ledger_rows",
            "result_of_run",
            "runs_folder",
            "verdict_counts",
            "verdicts_of",
        ],
        "schema": ["load_claims", "papers"],
        "verdicts": ["judge", "judge_all", "Judgement", "Measurement", "PaperVerdicts", "Verdict"],
    },
)
