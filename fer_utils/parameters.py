"""What each chapter accepts: names, types, ranges and meanings. The defaults here are those of the notebook's
`parameters` cell (a test keeps them equal); `notebooks/profiles.yml` says what a profile changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class ParameterError(ValueError):
    """A parameter's name, type or value is not allowed; the message names it, its value and what is allowed."""


class ChapterParameters(BaseModel):
    """What every chapter accepts."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    profile: str = Field("default", description="name of the set of parameters, recorded in the result")
    data_root: str = Field("", description="folder with one subfolder per dataset; empty: the variable FER_BOOK_DATA")


class Fer2013CnnParameters(ChapterParameters):
    """The FER2013 chapter."""

    dataset: Literal["auto", "fer2013", "rendered_faces"] = Field(
        "auto", description="auto: fer2013 where the data folder has it, else the rendered faces"
    )
    training_images: int = Field(2500, ge=0, description="images to train on, drawn by class; 0: all")
    epochs: int = Field(12, ge=1, le=1000, description="passes over the training images")
    batch_size: int = Field(32, ge=1, le=4096, description="images per step; the paper's is 120")
    learning_rate: float = Field(0.001, gt=0, le=1, description="rate of the first epoch for Adam and AdamW; SGD: times 10")
    precision: Literal["float32", "mixed_bfloat16"] = Field("mixed_bfloat16", description="arithmetic of the network")
    augmentation_strength: float = Field(
        0.0, ge=0, le=1, description="share of the paper's shifts, scales and turns; 0: none, as suits a short run"
    )
    initializer: Literal["glorot_uniform", "he_normal"] = Field(
        "he_normal", description="initial weights; glorot_uniform is Keras's default and starts more slowly"
    )
    seeds: list[Annotated[int, Field(ge=0)]] = Field([0], min_length=1, max_length=20, description="one training per seed")
    experiments: list[Literal["inflation", "optimizers", "start"]] = Field(
        [], description="further trainings: with validation merged, the grid of optimisers, the start of training"
    )
    optimizers: list[Literal["sgd_nesterov", "adam", "adamw"]] = Field(
        ["sgd_nesterov", "adam", "adamw"], min_length=1, description="optimisers of the grid"
    )
    schedules: list[Literal["constant", "step", "plateau", "cosine"]] = Field(
        ["constant", "step", "plateau", "cosine"], min_length=1, description="learning-rate schedules of the grid"
    )
    start_epochs: int = Field(20, ge=1, le=1000, description="passes of the trainings about the start")
    duplicate_bits: int = Field(4, ge=0, le=16, description="differing bits up to which two perceptual hashes are a match")


class RenderedFacesParameters(ChapterParameters):
    """The data card of the rendered faces."""

    dataset: Literal["rendered_faces"] = Field("rendered_faces", description="name in the registry of datasets")
    epochs: int = Field(20, ge=1, le=1000, description="passes of the small network over its training frames")
    seeds: list[Annotated[int, Field(ge=0)]] = Field([0], min_length=1, max_length=20, description="one training per seed")
    training_frames: int = Field(0, ge=0, description="frames the small network is trained on; 0: all of half the persons")
    frames_checked: int = Field(0, ge=0, description="frames per collection given to the face detector; 0: all")


REAL_DATASET = {"fer2013_cnn": "fer2013", "rendered_faces": "rendered_faces"}
CHAPTERS: dict[str, type[ChapterParameters]] = {
    "fer2013_cnn": Fer2013CnnParameters,
    "rendered_faces": RenderedFacesParameters,
}


def check_parameters(chapter: str, values: Mapping[str, Any]) -> ChapterParameters:
    """The validated parameters of a chapter; what is not given has its default.

    Raises ParameterError naming the first parameter that is wrong, its value and what is allowed.
    """
    if chapter not in CHAPTERS:
        raise ParameterError(f"no chapter {chapter!r}; there are {', '.join(CHAPTERS)}")
    model = CHAPTERS[chapter]
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        if name not in model.model_fields:
            raise ParameterError(f"{chapter} has no parameter {name!r}; it has {', '.join(model.model_fields)}") from None
        raise ParameterError(f"parameter {name} = {values[name]!r} of {chapter}: {first['msg']}") from None


def from_notebook(chapter: str, namespace: Mapping[str, Any]) -> ChapterParameters:
    """The validated parameters out of a notebook's `globals()`. Raises ParameterError, also where one is missing."""
    names = list(CHAPTERS[chapter].model_fields)
    if missing := [name for name in names if name not in namespace]:
        raise ParameterError(f"the notebook does not set {missing[0]!r}; run its parameters cell")
    return check_parameters(chapter, {name: namespace[name] for name in names})
