"""Trees of the official datasets, filled with rendered faces: the folders, file names, label files and videos that loaders meet.

Every writer returns what a loader must find there. Kept from the datasets: names, numbering, file formats, grey or colour, the
proportions of the pictures, and what lies beside them (system files, landmarks, sequences nobody labelled). Made smaller: people
and frames (a few hundred pictures a tree) and pixels (a picture of 640 x 490 is written as 64 x 49).
Sources: the datasets' own descriptions; for the names of AM-FED's columns, SFEW's films, KDEF's two misnamed pictures and RaFD's
children, scripts that researchers published with their papers.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from fer_utils.datasets.loaders import rendered_faces

PEOPLE = 10  # rendered persons that are used
SIX = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
CKPLUS_CODES = dict(zip(("anger", "contempt", *SIX[1:]), range(1, 8), strict=True))
CKPLUS_PEOPLE = ("S005", "S010", "S011", "S014", "S022", "S026", "S999")
JAFFE_PEOPLE = ("KA", "KL", "KM", "KR", "MK", "NA", "NM", "TM", "UY", "YM")
JAFFE_NAMES = dict(zip((*SIX, "neutral"), ("AN", "DI", "FE", "HA", "SA", "SU", "NE"), strict=True))
BP4D_TASKS = {"T1": "happiness", "T2": "sadness", "T3": "surprise", "T5": "fear", "T7": "anger", "T8": "disgust"}
BP4D_UNUSED = {"T4": "happiness", "T6": "anger"}  # embarrassment and pain, shown here by other faces
BP4D_PEOPLE = ("F001", "F002", "F023", "M001", "M018")
KDEF_NAMES = dict(zip((*SIX, "neutral"), ("AN", "DI", "AF", "HA", "SA", "SU", "NE"), strict=True))
KDEF_ANGLES = {"FL": ("full left", -90), "HL": ("half left", -45), "S": ("straight", 0)} | {
    "HR": ("half right", 45), "FR": ("full right", 90),
}  # fmt: skip
KDEF_MISNAMED = {"AF31": "AF31V.JPG", "AM31": "AM31H.JPG"}
RAFD_NAMES = dict(zip(SIX, ("angry", "disgusted", "fearful", "happy", "sad", "surprised"), strict=True)) | {
    "neutral": "neutral", "contempt": "contemptuous",
}  # fmt: skip
RAFD_PEOPLE = (("01", "Caucasian", "female"), ("29", "Moroccan", "male"), ("41", "Kid", "female"))
RAFDB_CODES = dict(zip(("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"), range(1, 8), strict=True))
SFEW_NAMES = dict(zip((*SIX, "neutral"), ("Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"), strict=True))
SFEW_FILMS = {
    "Train": ("AlexEmma", "21", "HarryPotter_Deathly_Hallows_1", "OceansEleven"),
    "Val": ("CryingGame", "IAmSam"),
    "Test": ("Terminal", "Unstoppable"),
}
SFEW_SPLITS = {"Train": "train", "Val": "validation", "Test": "test"}
AMFED_FRAMES_PER_SECOND = 14
AMFED_COLUMNS = (
    "Smile", "AU04", "AU02", "AU15", "Trackerfail", "AU18", "AU09", "negAU12", "AU10", "Expressive", "Unilateral_LAU12",
    "Unilateral_RAU12", "AU14", "Unilateral_LAU14", "Unilateral_RAU14", "AU05", "AU17", "AU26", "Forward", "Backward",
)  # fmt: skip
AMFED_UNITS = {
    "happiness": ("Smile",),
    "surprise": ("AU02", "AU05", "AU26"),
    "sadness": ("AU04", "AU15"),
    "disgust": ("AU09",),
    "contempt": ("Unilateral_RAU14",),
    "anger": ("AU04", "AU05"),
    "fear": ("AU02", "AU04", "AU05", "AU26"),
}


@dataclass(frozen=True)
class Written:
    """What a loader must find in a tree.

    folder: what is given to the loader; table: a row per picture (path below the dataset's own root, label, subject, sequence,
    position, split and the dataset's own columns); images: uint8 (n, height, width, channels), RGB or grey, as they were
    before encoding, in the order of the table; skipped: how many things are there that a loader has to leave out.
    """

    folder: Path
    table: pd.DataFrame
    images: np.ndarray
    skipped: int


@dataclass
class Tree:
    """Collects what is written below a dataset's own root; width and height in pixels."""

    root: Path
    width: int
    height: int
    grey: bool = False
    rows: list[dict] = field(default_factory=list)
    images: list[np.ndarray] = field(default_factory=list)

    def add(self, path: str, face: np.ndarray, **columns: object) -> None:
        """Write an RGB face as the picture at `path` and expect it to be found with these columns."""
        image = fitted(face, self.width, self.height, self.grey)
        write_image(self.root / path, image)
        self.expect(path, image, **columns)

    def expect(self, path: str, image: np.ndarray, **columns: object) -> None:
        """Expect a picture that is already written."""
        common = {"path": path, "subject": None, "sequence": None, "position": None, "split": "all"}
        self.rows.append(common | columns)
        self.images.append(image)

    def beside(self, path: str, face: np.ndarray) -> None:
        """Write a picture that a loader must not return."""
        write_image(self.root / path, fitted(face, self.width, self.height, self.grey))

    def text(self, path: str, text: str) -> None:
        """Write a text file."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def written(self, folder: Path, skipped: int = 0) -> Written:
        """What was written so far; `folder` is the one to give to the loader."""
        return Written(folder, pd.DataFrame(self.rows), np.stack(self.images), skipped)


def fitted(face: np.ndarray, width: int, height: int, grey: bool = False) -> np.ndarray:
    """An RGB face in a picture of the given size, its proportions kept, its border repeated to the sides."""
    side = min(width, height)
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    left, top = (width - side) // 2, (height - side) // 2
    image = cv2.copyMakeBorder(small, top, height - side - top, left, width - side - left, cv2.BORDER_REPLICATE)
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None] if grey else image


def write_image(path: Path, image: np.ndarray) -> None:
    """Write an RGB or grey picture in the format that the ending names (JPEG at quality 95)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = image if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    path.write_bytes(cv2.imencode(path.suffix.lower(), pixels)[1].tobytes())


@cache
def expressions() -> dict[tuple[int, str], np.ndarray]:
    """(person, label) -> uint8 (10, 112, 112, 3), from neutral to the full expression, of PEOPLE persons."""
    dataset = rendered_faces.load(collection="sequences", persons=range(PEOPLE))
    groups = dataset.frame.sort_values("position").groupby(["person", "label"]).groups
    return {(int(person), label): dataset.read(rows) for (person, label), rows in groups.items()}


@cache
def views() -> dict[tuple[int, str, int], np.ndarray]:
    """(person, label, camera in degrees) -> uint8 (112, 112, 3), of PEOPLE persons."""
    dataset = rendered_faces.load(collection="angles", persons=range(PEOPLE))
    keys = zip(dataset.frame["person"], dataset.frame["label"], dataset.frame["camera"], strict=True)
    images = dataset.read(dataset.frame.index)
    return {(int(person), label, int(camera)): image for (person, label, camera), image in zip(keys, images, strict=True)}


@cache
def wild() -> dict[str, np.ndarray]:
    """label -> uint8 (40, 96, 96, 3), faces in free pose and light."""
    dataset = rendered_faces.load(collection="wild", classes=(*SIX, "neutral"))
    return {label: dataset.read(rows[:40]) for label, rows in dataset.frame.groupby("label").groups.items()}


def ckplus_sequences(people: int) -> list[tuple[str, str, str, np.ndarray]]:
    """(subject, number, label, frames) of CK+; sequences differ in length and their numbers have gaps."""
    faces = expressions()
    return [
        (
            subject,
            f"{1 + place + (place > 2):03d}",
            label,
            faces[person, label][np.linspace(0, 9, 6 + (person + place) % 5).astype(int)],
        )
        for person, subject in enumerate(CKPLUS_PEOPLE[:people])
        for place, label in enumerate(CKPLUS_CODES)
    ]


def write_ckplus(folder: Path, people: int = 5) -> Written:
    """CK+: grey 64 x 49; two sequences without a label, one of them with its empty label folder, as in the original."""
    tree = Tree(folder, 64, 49, grey=True)
    for subject, number, label, frames in ckplus_sequences(people):
        for position, face in enumerate(frames):
            name = f"{subject}_{number}_{position + 1:08d}"
            columns = {"subject": subject, "sequence": f"{subject}/{number}", "position": position, "frame_number": position + 1}
            tree.add(f"cohn-kanade-images/{subject}/{number}/{name}.png", face, label=label, **columns)
        tree.text(f"Landmarks/{subject}/{number}/{name}_landmarks.txt", "   1.3000000e+02   2.1000000e+02\n" * 68)
        tree.text(f"Emotion/{subject}/{number}/{name}_emotion.txt", f"   {CKPLUS_CODES[label]:.7e}\n")
        tree.text(f"FACS/{subject}/{number}/{name}_facs.txt", "   4.0000000e+00   5.0000000e+00\n")
    for subject in CKPLUS_PEOPLE[:2]:
        for position in range(6):
            path = f"cohn-kanade-images/{subject}/011/{subject}_011_{position + 1:08d}.png"
            tree.beside(path, expressions()[0, "anger"][0])
        tree.text(f"cohn-kanade-images/{subject}/.DS_Store", "system file")
    (folder / "Emotion" / CKPLUS_PEOPLE[0] / "011").mkdir()
    return tree.written(folder, skipped=2)


def write_ckplus_repackaged(folder: Path, people: int = 5) -> Written:
    """The repackaged CK+: a folder per class with the last three frames of every sequence, grey 48 x 48."""
    tree = Tree(folder, 48, 48, grey=True)
    for subject, number, label, frames in ckplus_sequences(people):
        for position, face in enumerate(frames[-3:]):
            frame_number = len(frames) - 2 + position
            columns = {"sequence": f"{subject}/{number}", "position": position, "frame_number": frame_number}
            tree.add(f"{label}/{subject}_{number}_{frame_number:08d}.png", face, label=label, subject=subject, **columns)
    return tree.written(folder)


def write_jaffe(folder: Path, people: int = 10) -> Written:
    """JAFFE: three takes of seven expressions, grey 64 x 64 TIFF, numbered through."""
    tree = Tree(folder, 64, 64, grey=True)
    faces = expressions()
    number = 0
    for person, subject in enumerate(JAFFE_PEOPLE[:people]):
        for label, name in JAFFE_NAMES.items():
            for take in (1, 2, 3):
                number += 1
                face = faces[person, SIX[take]][0] if label == "neutral" else faces[person, label][6 + take]
                tree.add(f"{subject}.{name}{take}.{number}.tiff", face, label=label, subject=subject, take=take)
    tree.text("README_FIRST.txt", "The Japanese Female Facial Expression database")
    return tree.written(folder)


def write_oulu_casia(folder: Path, people: int = 5, root: str = "OriginalImg") -> dict[tuple[str, str], Written]:
    """Oulu-CASIA: RGB 64 x 48; VL Strong of everybody, VL Dark and NI Weak (grey pictures saved in colour) of the first.

    Below PreProcess_Img, which holds the owners' crops, the cameras' folders are called VL_Acropped and NI_Acropped.
    """
    written = {}
    for camera, light, share in (("VL", "Strong", people), ("VL", "Dark", 1), ("NI", "Weak", 1)):
        tree = Tree(folder / root, 64, 48)
        lit = f"{camera}{'_Acropped' * ('PreProcess_Img' in root)}/{light}"
        for person in range(share):
            for label in SIX:
                for position, face in enumerate(expressions()[person, label]):
                    seen = face.mean(axis=2, keepdims=True).astype(np.uint8).repeat(3, axis=2) if camera == "NI" else face
                    subject, emotion = f"P{person + 1:03d}", label.capitalize()
                    path = f"{lit}/{subject}/{emotion}/{position:03d}.jpeg"
                    columns = {"subject": subject, "sequence": f"{subject}/{emotion}", "position": position}
                    tree.add(path, seen // 4 if light == "Dark" else seen, label=label, **columns)
        tree.text(f"{lit}/Thumbs.db", "system file")
        written[camera, light] = tree.written(folder)
    return written


def write_bp4d(folder: Path, people: int = 5, frames: int = 8, root: str = "") -> Written:
    """BP4D: RGB 52 x 70; names of three digits for women and four for men, a 3D model beside every first picture."""
    tree = Tree(folder / root, 52, 70)
    for person, subject in enumerate(BP4D_PEOPLE[:people]):
        digits = 3 if subject.startswith("F") else 4
        for task, label in sorted((BP4D_TASKS | BP4D_UNUSED).items()):
            for position in range(frames):
                face = expressions()[person, label][position]
                path = f"{subject}/{task}/{position + 1:0{digits}d}.jpg"
                columns = {"subject": subject, "sequence": f"{subject}/{task}", "position": position, "task": task}
                if task in BP4D_UNUSED:
                    tree.beside(path, face)
                else:
                    tree.add(path, face, label=label, **columns)
            tree.text(f"{subject}/{task}/{1:0{digits}d}.obj", "# a 3D model")
    return tree.written(folder, skipped=people * len(BP4D_UNUSED) * frames)


def write_kdef(folder: Path, pairs: int = 2) -> Written:
    """KDEF: RGB 56 x 76; as many women as men, in two sessions (the second a little brighter), and the two misnamed pictures."""
    tree = Tree(folder / "KDEF", 56, 76)
    people = [(sex, number) for number in range(1, pairs + 1) for sex in "FM"]
    for person, (sex, number) in enumerate(people):
        for session in "AB":
            for label, name in KDEF_NAMES.items():
                for letters, (angle, camera) in KDEF_ANGLES.items():
                    stem = f"{session}{sex}{number:02d}"
                    columns = {"subject": stem[1:], "session": session, "sex": {"F": "female", "M": "male"}[sex], "angle": angle}
                    face = cv2.add(views()[person, label, camera], (5.0 * (session == "B"),) * 3)
                    tree.add(f"{stem}/{stem}{name}{letters}.JPG", face, label=label, **columns)
    for stem, name in KDEF_MISNAMED.items():
        tree.beside(f"{stem}/{name}", views()[0, "sadness", -45])
    tree.text("AF01/Thumbs.db", "system file")
    return tree.written(folder, skipped=len(KDEF_MISNAMED))


def write_rafd(folder: Path, people: int = 3) -> Written:
    """RaFD: RGB 68 x 102; five cameras, eight expressions, three gazes (the same rendering, a little brighter) in one folder."""
    tree = Tree(folder, 68, 102)
    for person, (subject, group, sex) in enumerate(RAFD_PEOPLE[:people]):
        for label, name in RAFD_NAMES.items():
            for brighter, gaze in enumerate(("frontal", "left", "right")):
                for camera in (0, 45, 90, 135, 180):
                    columns = {"subject": subject, "camera": camera, "group": group, "sex": sex, "gaze": gaze}
                    face = cv2.add(views()[person, label, camera - 90], (5.0 * brighter,) * 3)
                    tree.add(f"Rafd{camera:03d}_{subject}_{group}_{sex}_{name}_{gaze}.jpg", face, label=label, **columns)
    return tree.written(folder)


def write_rafdb(folder: Path, train: int = 24, test: int = 6) -> Written:
    """RAF-DB: RGB 50 x 50, `train` and `test` pictures a class; the unaligned original of the first ones lies beside them."""
    tree = Tree(folder / "basic", 50, 50)
    faces = wild()
    lines = []
    for split, first, count, digits in (("train", 0, train, 5), ("test", train, test, 4)):
        for number in range(1, 7 * count + 1):
            label = tuple(RAFDB_CODES)[number % 7]
            face = faces[label][first + (number - 1) // 7]
            stem = f"{split}_{number:0{digits}d}"
            tree.add(f"Image/aligned/{stem}_aligned.jpg", face, label=label, split=split)
            lines.append(f"{stem}.jpg {RAFDB_CODES[label]}\n")
            if number < 4:
                tree.beside(f"Image/original/{stem}.jpg", face)
                tree.text(f"Annotation/manual/{stem}_manu_attri.txt", "20.0\t25.0\n0\n0\n1\n")
    tree.text("EmoLabel/list_patition_label.txt", "".join(lines))
    return tree.written(folder)


def write_sfew(folder: Path, per_class: int = 8) -> Written:
    """SFEW 2.0: RGB 90 x 72 PNG; films with digits and underscores in their names, two pictures of every second scene."""
    tree = Tree(folder, 90, 72)
    faces = wild()
    for place, (part, films) in enumerate(SFEW_FILMS.items()):
        for code, (label, name) in enumerate(SFEW_NAMES.items()):
            for number in range(per_class):
                film = films[number // 2 % len(films)]
                scene = f"{film}_{1_000_000 * code + 3_240 * (number // 4 + 1) + 10_000 * place:09d}"
                columns = {"split": SFEW_SPLITS[part], "film": film, "sequence": scene}
                face = faces[label][place * per_class + number]
                tree.add(f"{part}/{name}/{scene}_{11 * (number % 2) + 7:08d}.png", face, label=label, **columns)
    return tree.written(folder)


def amfed_frames(people: int) -> list[tuple[str, list[tuple[np.ndarray, tuple[str, ...], str | None]]]]:
    """(uuid, frames) of AM-FED; a frame is (face, its units, its label); the label is None where the units name no expression."""
    videos = []
    for person in range(people):
        first, second = (tuple(AMFED_UNITS)[(person + further) % len(AMFED_UNITS)] for further in (0, 1))
        frames = [(face, (), "neutral") for face in expressions()[person, first][:2]]
        for label in (first, second):
            frames += [(face, ("AU18",), None) for face in expressions()[person, label][2:5]]
            frames += [(face, AMFED_UNITS[label], label) for face in expressions()[person, label][5:]]
        videos.append((str(uuid.uuid5(uuid.NAMESPACE_URL, str(person))), frames))
    return videos


def write_amfed(folder: Path, people: int = 7, place: str = "Videos - FLV", agreed: int = 100) -> Written:
    """AM-FED: a video of 64 x 48 for each person at 14 frames a second, every frame labelled; a unit seen has the value `agreed`.

    place: the folder of the videos, which are Motion JPEG where its name says AVI and else Sorenson H.263 in FLV. A third of
    the frames shows AU18 alone and is to be left out.
    """
    container, code = ("avi", "MJPG") if "AVI" in place else ("flv", "FLV1")
    tree = Tree(folder, 64, 48)
    (folder / place).mkdir(parents=True)
    skipped = 0
    for name, frames in amfed_frames(people):
        path = f"{place}/{name}.{container}"
        images = [fitted(face, 64, 48) for face, _, _ in frames]
        write_video(folder / path, images, code)
        lines = [",".join(("Time", *AMFED_COLUMNS))]
        for position, (_, units, label) in enumerate(frames):
            time_s = position / AMFED_FRAMES_PER_SECOND
            lines.append(",".join((f"{time_s:.3f}", *(str(agreed * (column in units)) for column in AMFED_COLUMNS))))
            if label is None:
                skipped += 1
            else:
                columns = {"subject": name, "sequence": name, "position": position, "time_s": round(time_s, 3)}
                tree.expect(path, images[position], label=label, **columns)
        tree.text(f"AU Labels/{name}-label.csv", "\n".join(lines) + "\n")
        tree.text(f"Landmark Points/{name}-landmarks.txt", "10,10,20,10\n" * len(frames))
    return tree.written(folder, skipped)


def write_video(path: Path, images: Sequence[np.ndarray], code: str) -> None:
    """Write RGB frames as a video; `code` is the codec's four letters."""
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), AMFED_FRAMES_PER_SECOND, (width, height))
    for image in images:
        writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    writer.release()
    if not path.is_file() or not path.stat().st_size:
        raise RuntimeError(f"{path}: this OpenCV writes no {code} video")
