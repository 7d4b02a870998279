"""From images to what a network sees: faces found and cropped, images converted, clips of a fixed length.

Pixels stay uint8.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[],
    submod_attrs={
        "clip_augmentation": ["augmented_clips", "CKPLUS_COPIES", "Copies", "OULU_CASIA_COPIES"],
        "clips": ["evenly_spaced", "last_frames", "onset_as_neutral"],
        "cropping": ["BOX_COLUMNS", "crop_faces", "crop_to_boxes", "keep_classes", "keep_subjects", "keep_rows", "whole_images"],
        "detection": ["detect_faces", "haar_boxes", "HaarDetector"],
        "images": ["clahe", "to_grey"],
    },
)
