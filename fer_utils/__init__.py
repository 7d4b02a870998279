"""Helpers of the FER Reproducibility Book. Data flows one way through the modules:

    datasets -> faces -> protocols -> models -> training -> evaluation -> claims -> figures, tables

Beside the way: `book` (plan, execute, publish), `parameters` (what a chapter accepts), `results` (what a run
leaves behind), `audit` (arithmetic on printed numbers), `cli` (the `fer-book` command).

Conventions: rows of a matrix are true classes; images are RGB or grey uint8, height x width x channels,
until they enter a model; intervals are 95 % unless they say otherwise.
"""

import logging
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notices; errors of Python are unaffected
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of every second network that is built

__version__ = "0.1.0"
