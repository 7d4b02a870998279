"""From files to a `FaceDataset`: one loader per dataset in `loaders/`, a registry, duplicates, and the check of a copy.

Everything leaves this room as RGB or grey uint8, height x width x channels.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[],
    submod_attrs={
        "base": ["FaceDataset", "find"],
        "duplicates": ["copies", "copies_in_training", "fingerprints"],
        "loaders": [
            "amfed",
            "bp4d",
            "ckplus",
            "fer2013",
            "jaffe",
            "kdef",
            "oulu_casia",
            "rafd",
            "rafdb",
            "rendered_faces",
            "sfew",
        ],
        "registry": ["card", "choose", "load", "load_or_stand_in", "STAND_INS"],
    },
)
