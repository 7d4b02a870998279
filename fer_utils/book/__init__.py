"""From notebooks to a site: parameters, runs, results, publishing, pages, and the `fer-book` command.

It never imports a model.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[],
    submod_attrs={
        "chapter": ["keep", "lacking", "settings"],
    },
)
