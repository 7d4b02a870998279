"""Helpers of the FER Reproducibility Book. Data flows one way through the modules:

    datasets -> faces -> clips -> protocols -> models -> training -> evaluation -> claims -> figures, tables

Each step's helpers carry its subject in their name: `images` and `detectors` serve `faces`; `clip_preparation` serves
`clips`; `duplicates` and `leaks` serve `protocols`; `pretrained` and `c3d` serve `models`; `recipes`, `frozen` and `epochs`
serve `training`; `explain` looks into trained models; `audit`, `rounded_tables` and `fold_statistics` are the arithmetic on
what `claims` hold. On top of training: `cross_validation` (folds of clips), `search` over `configurations` (with
`search_figures`), both through `scale_out` (processes here, or a cluster). Beside the way: `book` (plan, execute, publish),
`parameters` (what a chapter accepts), `results` (what a run leaves behind), `data_check` (is a copy of a dataset sound),
`cli` (the `fer-book` command); `live` with its sources, sinks and drawing (webcam and films), on networks that `export`
made a file of, `fast_yunet`, and `rendered_video` to try it on.

Conventions: rows of a matrix are true classes; images are RGB or grey uint8, height x width x channels,
until they enter a model; intervals are 95 % unless they say otherwise.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notices; errors of Python are unaffected

__version__ = "0.1.0"
