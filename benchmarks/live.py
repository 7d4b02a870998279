"""The live program beside what a user would take instead, on two cores and rendered faces.

    python benchmarks/live.py

One face classified by the exported networks, by `model.predict` and by a compiled `tf.function`; frames of 640 x 480 from
picture to probabilities by the live program and by the package `fer`, which gets an environment of its own in the cache
folder (once); the time of each stage for one to five faces; the memory held over 10,000 frames. Ways that are compared take
turns, a few calls each, so that what else the machine does meets them alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path

CORES = 2
if hasattr(os, "sched_setaffinity"):  # before anything counts the cores
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])

import numpy as np
import psutil
from ratios import Ratio

from fer_utils.live import loop, recognition
from fer_utils.live.export import exported, model_file, open_classifier, rendered_crops
from fer_utils.live.rendered_video import multi_face_frames
from fer_utils.live.sources import Frame
from fer_utils.results.paths import cache_folder

ROUNDS = 15
FRAMES = 10  # of each round
MEMORY_FRAMES = 10_000
FER = "fer==25.10.3"
# fer asks for any OpenCV, but 5 loads no cascade; its detector MTCNN, which needs PyTorch, is not used by default.
FER_NEEDS = (
    "tensorflow", "opencv-contrib-python<5", "pandas", "matplotlib", "requests", "tqdm", "moviepy<2", "ffmpeg-python", "Pillow",
    "setuptools<81",
)  # fmt: skip
FER_PROGRAM = """
import json, sys, time
import numpy as np
from fer.fer import FER
recogniser = FER()
for line in sys.stdin:
    times, faces = [], 0
    for frame in np.load(line.strip()):
        began = time.perf_counter()
        found = recogniser.detect_emotions(frame)
        times.append(time.perf_counter() - began)
        faces += len(found)
    print("done", json.dumps([times, faces]), flush=True)
"""


def milliseconds(work: Callable[[], object], calls: int) -> list[float]:
    """What each of some calls takes."""
    times = []
    for _ in range(calls):
        began = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - began))
    return times


def in_turns(works: dict[str, Callable[[], object]], calls: int) -> dict[str, float]:
    """Median milliseconds of a call of each, without a first round and without the first call of each turn."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(ROUNDS + 1):
        for name, work in works.items():
            taken = milliseconds(work, 1 + calls)[1:]
            times[name] += taken if turn else []
    return {name: float(np.median(taken)) for name, taken in times.items()}


def classification() -> list[Ratio]:
    """One face and five through the same network, by five ways to run it; the ratios for one face and int8."""
    import tensorflow as tf

    from fer_utils.models.registry import published

    model = published("fer2013_cnn")
    compiled = tf.function(lambda images: model(images, training=False))
    exports = {
        "LiteRT int8": open_classifier(model_file("fer2013_cnn", "int8")),
        "LiteRT float32": open_classifier(model_file("fer2013_cnn", "float32")),
        "ONNX Runtime float32": open_classifier(exported("fer2013_cnn", ".onnx")),
    }
    ratios = []
    for count in (1, 5):
        faces = rendered_crops(48)[:count]
        tensor = tf.constant(faces)
        works = {
            "model.predict": lambda faces=faces: model.predict(faces, verbose=0),
            "tf.function": lambda tensor=tensor: compiled(tensor).numpy(),
        } | {name: lambda run=run, faces=faces: run(faces) for name, run in exports.items()}
        times = in_turns(works, FRAMES)
        print(f"classify {count} face{'s' * (count > 1)}:")
        for name, taken in times.items():
            ratios = f"predict / this {times['model.predict'] / taken:.1f}, tf.function / this {times['tf.function'] / taken:.1f}"
            print(f"  {name:22} {taken:7.2f} ms   {ratios}")
        if count == 1:
            ours = times["LiteRT int8"]
            ratios += [
                Ratio("one face, model.predict / LiteRT int8", times["model.predict"] / ours, least=50),
                Ratio("one face, tf.function / LiteRT int8", times["tf.function"] / ours, least=8),
            ]
    return ratios


def fer_python() -> Path:
    """The interpreter of an environment with fer, made on the first call."""
    folder = cache_folder() / FER.replace("==", "-")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "ready").exists():
        print(f"installing {FER} into {folder}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        for packages in (FER_NEEDS, ("--no-deps", FER)):
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        (folder / "ready").touch()
    return python


def end_to_end() -> list[Ratio]:
    """Frames with one and five faces, from pixels to probabilities, by the live program and by fer; fer / int8."""
    ratios = []
    recognisers = {precision: recogniser(precision) for precision in ("int8", "float32")}
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen([fer_python(), "-c", FER_PROGRAM], stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True) as other,
    ):

        def of_fer(path: Path) -> tuple[list[float], int]:
            other.stdin.write(f"{path}\n")
            other.stdin.flush()
            answer = next((line for line in other.stdout if line.startswith("done ")), None)
            if answer is None:
                sys.exit(f"fer ended with status {other.wait()}")
            times, faces = json.loads(answer.removeprefix("done "))
            return [1000 * taken for taken in times], faces

        for count in (1, 5):
            frames = list(multi_face_frames(count, 10 * FRAMES))[::10]
            path = Path(folder) / f"{count}.npy"
            np.save(path, np.stack(frames)[..., ::-1])
            times: dict[str, list[float]] = {name: [] for name in (*recognisers, "fer")}
            found = dict.fromkeys(times, 0)
            for turn in range(ROUNDS + 1):
                for name, ours in recognisers.items():
                    done = [ours.recognise(frame) for frame in frames]
                    times[name] += [sum(each.stage_ms) for each in done] if turn else []
                    found[name] = sum(len(each.faces) for each in done)
                taken, found["fer"] = of_fer(path)
                times["fer"] += taken if turn else []
            theirs = np.median(times["fer"])
            print(f"a frame of 640 x 480 with {count} face{'s' * (count > 1)}:")
            for name, taken in times.items():
                middle, high = np.percentile(taken, (50, 95))
                title = name if name == "fer" else f"live, YuNet, {name}"
                print(
                    f"  {title:22} {middle:7.2f} ms (p95 {high:.2f})   fer / this {theirs / middle:.1f}; "
                    f"{found[name] / FRAMES:.1f} faces found"
                )
            ratios.append(
                Ratio(f"a frame with {count} face{'s' * (count > 1)}, fer / live", theirs / np.median(times["int8"]), least=6)
            )
        other.stdin.close()
    return ratios


def recogniser(precision: str) -> recognition.Recogniser:
    """The live program's, with YuNet."""
    return recognition.Recogniser(recognition.live_detector("yunet"), open_classifier(model_file("fer2013_cnn", precision)))


class Endless:
    """A source of frames with one to five faces that never ends by itself."""

    consecutive, waits, frames_per_second = True, False, 25.0

    def __iter__(self) -> Iterator[Frame]:
        images = list(chain.from_iterable(islice(multi_face_frames(count, 100), 0, 100, 10) for count in (1, 2, 3, 4, 5)))
        for number in range(MEMORY_FRAMES):
            yield Frame(images[number % len(images)], number, number / 25)

    def close(self) -> None:
        pass


class MemorySink:
    """Notes the resident memory every 100 frames."""

    draws = True

    def __init__(self) -> None:
        self.mebibytes: list[float] = []

    def write(self, frame: Frame, faces: object, picture: np.ndarray) -> None:
        if frame.number % 100 == 0:
            self.mebibytes.append(psutil.Process().memory_info().rss / 2**20)

    def close(self) -> None:
        pass


def memory() -> list[Ratio]:
    """The whole loop, drawing included, over many frames: the slope of the memory held after the first thousand."""
    noted = MemorySink()
    done = loop.watch(Endless(), recogniser("int8"), [noted], None, 0.3, labels_only=False)
    held = np.array(noted.mebibytes[10:])
    slope = np.polyfit(np.arange(len(held)) / 10, held, 1)[0]
    print(" ".join(f"{value:.1f}" for value in noted.mebibytes[::10]), "MiB every 1,000 frames")
    print(
        f"{done.frames:,} frames, {done.frames_per_second:.0f} a second; memory {held[0]:.1f} MiB after 1,000 frames, "
        f"{held[-1]:.1f} MiB at the end"
    )
    return [Ratio("MiB more per 1,000 frames", slope, most=0.1)]


def main() -> list[Ratio]:
    """Print the times; the ratios."""
    ratios = [*classification(), *end_to_end()]
    table = loop.stage_times(recogniser("int8"))
    wide = table.pivot(index="faces", columns="stage", values=["median_ms", "p95_ms"])
    print(wide.reindex(columns=[*recognition.STAGES, "total"], level=1).round(2).to_string())
    return [*ratios, *memory()]


if __name__ == "__main__":
    main()
