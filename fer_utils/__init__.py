"""The FER Reproducibility Book's helpers, in eleven rooms.

Data flows one way, and imports go down only:

    datasets -> preprocessing -> protocols -> models -> training -> evaluation -> results     an image's way
    claims.schema -> claims.audit -> claims.verdicts <- results -> claims.ledger -> figures   a claim's way

`book` runs the notebooks and builds the site, `live` reads faces in a camera's picture. `book/design.md` draws the rooms.

Conventions: rows of a matrix are true classes; images are RGB or grey uint8, height x width x channels, until they enter a
model; intervals are 95 % unless they say otherwise.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notices; errors of Python are unaffected

__version__ = "0.1.0"
