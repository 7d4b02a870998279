"""`fer-book live`: expressions in a camera's picture, a film or images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def live(
    source: Annotated[str, typer.Argument(help="camera index such as 0, video, image, folder of images, or address rtsp://...")],
    out: Annotated[Path | None, typer.Option(help="annotated .mp4 or .avi; an image or a folder where the source is one")] = None,
    stream: Annotated[Path | None, typer.Option(help="a row per face and frame, as .jsonl or .csv")] = None,
    headless: Annotated[bool, typer.Option("--headless", help="no window, even where there is a display")] = False,
    detector: Annotated[str | None, typer.Option(help="yunet or haar; else yunet where its file is at hand")] = None,
    model: Annotated[str, typer.Option(help="a network of the book, or an exported file (.tflite, .onnx)")] = "fer2013_cnn",
    precision: Annotated[str, typer.Option(help="of a network of the book: int8 or float32")] = "int8",
    smoothing_s: Annotated[float, typer.Option(min=0, help="time constant, in seconds, of a face's probabilities")] = 0.3,
    labels_only: Annotated[bool, typer.Option("--labels-only", help="no bars")] = False,
) -> None:
    """Recognise the expressions of everyone in a picture.

    Example: fer-book live film.mp4 --out annotated.mp4 --stream faces.jsonl

    In the window q quits, p pauses, and s saves the frame to the current folder.

    Exit status: 0 done, 1 a part of the source could not be read, or the output not written, 2 a source that cannot be opened,
    or bad input.
    """
    from fer_utils.live import export, loop, recognition, sinks, sources

    started = False
    try:
        shows = not headless and sinks.has_display()
        if not (headless or shows or out or stream):
            raise export.LiveError("no display for a window: give --out or --stream, or --headless to see the speed only")
        frames = sources.open_source(source)
        kept = [sinks.picture_sink(out, frames, source)] if out else []
        found_by = recognition.live_detector(detector)
        classifier = export.open_classifier(export.model_file(model, precision))  # type: ignore[arg-type]  # which refuses others
        kept += [sinks.stream_sink(stream, classifier.card.classes)] if stream else []
        window = sinks.Window(frames) if shows else None
        recogniser, started = recognition.Recogniser(found_by, classifier), True
        done = loop.watch(frames, recogniser, kept, window, smoothing_s, labels_only)
    except (export.LiveError, OSError) as error:
        typer.echo(f"fer-book: {error}", err=True)
        raise typer.Exit(1 if started else 2) from None
    stages = ", ".join(f"{stage} {ms:.1f} ms" for stage, ms in zip(recognition.STAGES, done.stage_ms, strict=True))
    typer.echo(f"{done.frames} frames, {done.faces} faces; {done.frames_per_second:.1f} frames/s; {stages} (medians)")
    typer.echo(f"detector {found_by.settings}; network {classifier.card.network} in {classifier.card.precision}")
    for path in (out, stream):
        if path is not None:
            typer.echo(f"written: {path}")
    for fault in frames.faults:
        typer.echo(f"fer-book: {fault}", err=True)
    if frames.faults:
        raise typer.Exit(1)
