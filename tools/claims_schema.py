"""Writes the schema of claims files for editors, `book/static/claims.schema.json`, from the models in `claims/schema.py`.

python tools/claims_schema.py
"""

from pathlib import Path

from fer_utils.claims.schema import json_schema
from fer_utils.results.paths import write_text_atomically

if __name__ == "__main__":
    write_text_atomically(Path(__file__).parents[1] / "book/static/claims.schema.json", json_schema())
