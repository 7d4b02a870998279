"""Expressions in a camera's picture or a film: frames in, faces found and classified, results out.

It runs without Keras, on networks exported to one file each.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[],
    submod_attrs={
        "drawing": ["annotated"],
        "export": ["model_file", "open_classifier"],
        "loop": ["stage_times"],
        "recognition": ["live_detector", "Recogniser", "STAGES", "Tracker"],
        "rendered_video": ["multi_face_frames"],
    },
)
