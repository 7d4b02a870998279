"""The papers' networks, one module per family, with pretrained bases and a look inside.

Rescaling and augmentation are layers: the input is uint8. A model never knows a file of images.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[],
    submod_attrs={
        "fer2013": ["fer2013_cnn"],
        "inspection": ["grad_cam", "operations", "parameter_table", "skeleton", "weight_layers"],
        "mobilenet": ["features"],
        "pretrained": ["imagenet_weights"],
        "registry": ["layer_table", "published"],
    },
)
