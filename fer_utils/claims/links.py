"""How the printed numbers of a paper hang together: the optional `links` of a claim.

A link is data beside a claim that says which other numbers it can be checked against; `claims.audit` holds the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

NAMES_OF_CLAIMS = {"claim", "matrix", "precision", "recall", "folds"}


class Part(BaseModel):
    """What all links share: no unknown keys, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def claims_named(self) -> Iterator[str]:
        """The identifiers of all claims that this refers to."""
        for name, value in self:
            if name in NAMES_OF_CLAIMS and value is not None:
                yield value
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Part):
                    yield from part.claims_named()
                elif name == "times" and isinstance(part, str):
                    yield part


class Amount(Part):
    """A number: (a claim's value, or a known number, times `times`, plus `plus`) divided by `parts`.

    Of a table it is the cell at `row` and `column`, or the sum of the column without the rows of `without`.
    """

    claim: Identifier | None = Field(default=None, description="claim that prints it")
    row: str | None = None
    column: str | None = None
    without: tuple[str, ...] = Field(default=(), description="rows that the sum of the column leaves out")
    number: float | None = Field(default=None, description="a number that no claim prints")
    source: str = Field(default="", description="where `number` comes from")
    times: tuple[int | Identifier, ...] = Field(default=(), description="numbers or claims to multiply by")
    plus: tuple[Amount, ...] = ()
    parts: int = Field(default=1, ge=1, description="it is one of so many equal parts, such as a fold")

    @model_validator(mode="after")
    def _has_one_origin(self) -> Amount:
        if (self.claim is None) == (self.number is None) or (self.number is not None and len(self.source) < 3):
            raise ValueError("an amount is either {claim: ID} or {number: N, source: TEXT}")
        return self


class Trials(Part):
    """The percentage (of a table: the cell) counts right answers out of one of these numbers.

    `readings` are those that the paper leaves open: pooled over the items, or a mean of folds, runs, classes or subjects.
    """

    kind: Literal["trials"]
    n: tuple[Amount, ...] = Field(min_length=1)
    readings: tuple[Literal["pooled", "folds", "runs", "classes", "subjects"], ...] | None = Field(
        None, min_length=1, description="none given: pooled, and where an amount has parts a mean of folds or runs too"
    )
    row: str | None = None
    column: str | None = None


class ClassCounts(Part):
    """The numbers of items of the classes of a matrix, in the order of its labels, or the one number that all have."""

    kind: Literal["class_counts"]
    counts: tuple[int, ...] = ()
    each: Amount | None = None
    source: str = Field(min_length=3)

    @model_validator(mode="after")
    def _one_of_both(self) -> ClassCounts:
        if bool(self.counts) == (self.each is not None) or any(count < 1 for count in self.counts):
            raise ValueError("class_counts need either counts: [N, ...], each above 0, or each: AMOUNT")
        return self


class Sum(Part):
    """The value, or a column of a table added up, is the sum of these amounts; a formula as text names them."""

    kind: Literal["sum"]
    column: str | None = None
    parts: tuple[Amount, ...] = Field(min_length=1)


class Difference(Part):
    """The value is `of` minus `minus`."""

    kind: Literal["difference"]
    of: Amount
    minus: Amount


class Folds(Part):
    """The value is the mean of one row of a fold table, or the p-value of a test between two of its rows."""

    kind: Literal["folds"]
    claim: Identifier
    rows: tuple[str, ...] = Field(min_length=1, max_length=2)


class SameAs(Part):
    """The value (of a table: the cell) stands for the same thing as this amount, matrix, report, column or list."""

    kind: Literal["same_as"]
    amount: Amount
    row: str | None = None
    column: str | None = None


class ComparedWith(Part):
    """The accuracy is compared with that of another claim; both have trials."""

    kind: Literal["compared_with"]
    claim: Identifier


class F1(Part):
    """The value is an F1 score beside this precision and recall."""

    kind: Literal["f1"]
    precision: Identifier
    recall: Identifier


class Scores(Part):
    """The matrix was scored in this row (columns accuracy, precision, recall, f1) of a table with trials."""

    kind: Literal["scores"]
    claim: Identifier
    row: str


class BestOf(Part):
    """The accuracy is the best of so many choices, made once, or in each fold of a fold table."""

    kind: Literal["best_of"]
    choices: Amount
    folds: Identifier | None = None


class Size(Part):
    """The report, or the matrix of counts, is of one of these numbers of items.

    Where the classes are of one size, `each` of them.
    """

    kind: Literal["size"]
    of: tuple[Amount, ...] = Field(min_length=1)
    each: Amount | None = None
    assumed: str = Field("", description="what these numbers assume, where the paper does not print it")


class Extreme(Part):
    """The class named by the value has the highest or the lowest recall of a matrix."""

    kind: Literal["extreme"]
    matrix: Identifier
    rank: Literal["highest", "lowest"]


class Below(Part):
    """Every number of a table's row `row` lies below that of its row `than`, in these columns (none: in all)."""

    kind: Literal["below"]
    claim: Identifier
    row: str
    than: str
    columns: tuple[str, ...] = ()


class Convolutions(Part):
    """Convolutions of one kernel size; `widths` begins with the channels of their input."""

    kernel: tuple[int, ...] = Field(min_length=1)
    widths: tuple[int, ...] = Field(min_length=2)


class Network(Part):
    """A network whose parameters should be the value: what is given, convolutions, then dense layers by width."""

    kind: Literal["network"]
    reading: str = Field(min_length=3, description="the network in words, and what of it is printed")
    given: int = Field(0, ge=0, description="parameters that are not counted here, such as those of a base network")
    convolutions: tuple[Convolutions, ...] = ()
    dense: tuple[int, ...] = Field((), description="widths, beginning with the input's")


class Siblings(Part):
    """Items are split at random into `groups`, one of them for testing, though `per_source` come from one source."""

    kind: Literal["siblings"]
    groups: int = Field(ge=2)
    per_source: Amount


Link = Annotated[
    Trials | ClassCounts | Sum | Difference | Folds | SameAs | ComparedWith | F1 | Scores | BestOf | Size | Extreme | Below
    | Network | Siblings,
    Field(discriminator="kind"),
]  # fmt: skip
