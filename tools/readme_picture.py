"""Draws book/static/readme.png from the claims and the published result."""

from __future__ import annotations

from fer_utils.claims.schema import load_claims
from fer_utils.figures import style
from fer_utils.figures.matrices import confusion_panel
from fer_utils.results.paths import CHECKOUT
from fer_utils.results.records import Confusion
from fer_utils.results.store import published_result

ORDER = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


def main() -> None:
    """Write the picture of the README: three matrices side by side."""
    result = published_result("fer2013_cnn")
    if result is None:
        raise SystemExit("no published result; run: fer-book run fer2013_cnn --profile full, then fer-book publish fer2013_cnn")
    style.use_style()
    matrices = {
        "the paper's test matrix": Confusion(
            name="printed", labels=ORDER, counts=load_claims("fer2013_cnn")["confusion_test"].value
        ),
        "ours, shuffled": result.confusion("merged_test_shuffled").in_order(ORDER),
        "ours, aligned": result.confusion("merged_test").in_order(ORDER),
    }
    figure, axes = style.panels(len(matrices), width=4.6, height=4.9)
    for panel, (title, matrix) in zip(axes, matrices.items(), strict=True):
        confusion_panel(panel, matrix, title)
    figure.savefig(CHECKOUT / "book" / "static" / "readme.png", dpi=90)


if __name__ == "__main__":
    main()
