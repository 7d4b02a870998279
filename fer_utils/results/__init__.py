"""What a run leaves behind: records, how they are stored, where they were made and what they depend on.

The lowest room: every other one may use it, and it uses none.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[],
    submod_attrs={
        "paths": ["cache_folder"],
        "predictions": ["Predictions"],
        "records": ["Confusion", "Metric", "Result", "together"],
        "store": ["published_result"],
    },
)
