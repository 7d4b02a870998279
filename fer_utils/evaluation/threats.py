"""Small experiments on what inflates a score: each scores the same faces with a flaw and without it, once per seed.

Scores are percentages, an effect is the flawed score minus the sound one in percentage points. The classifiers are of
scikit-learn, so that an experiment takes seconds; subjects, splits and copies are drawn by `numpy` generators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from fer_utils.evaluation.metrics import mean_over, wilson_interval
from fer_utils.results.records import Metric, Result

HOG = cv2.HOGDescriptor((48, 48), (16, 16), (8, 8), (8, 8), 9)
COMPONENTS = 80
EPOCH_BATCH = 32
RIDGE = 1.0


@dataclass(frozen=True)
class Effect:
    """Scores in percent with a flaw and without it, a pair per seed, or per what `over` says. `scored_on`: what was scored."""

    name: str
    flawed: tuple[float, ...]
    sound: tuple[float, ...]
    scored_on: str
    over: str = "seeds"

    @property
    def differences(self) -> tuple[float, ...]:
        """Flawed minus sound, in percentage points, per seed."""
        return tuple(one - other for one, other in zip(self.flawed, self.sound, strict=True))

    @property
    def metric(self) -> Metric:
        """The mean difference with its 95 % t-interval over seeds."""
        return mean_over(self.name, self.differences, self.scored_on, unit="percentage_points", over=self.over)


def gain_between(name: str, first: Metric, second: Metric, scored_on: str) -> Metric:
    """Percentage points by which `first` is above `second`, two independent accuracies.

    The interval is Newcombe's hybrid of theirs (1998, method 10). Raises ValueError where one has none.
    """
    low_1, high_1, low_2, high_2 = first.low, first.high, second.low, second.high
    if low_1 is None or high_1 is None or low_2 is None or high_2 is None:
        raise ValueError(f"{first.name} or {second.name} has no interval")
    gain = first.value - second.value
    return Metric(
        name=name,
        value=gain,
        unit="percentage_points",
        low=gain - float(np.hypot(first.value - low_1, high_2 - second.value)),
        high=gain + float(np.hypot(high_1 - first.value, second.value - low_2)),
        n=(first.n or 0) + (second.n or 0),
        interval_method="Newcombe 95 %",
        scored_on=scored_on,
    )


def hog_features(images: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients (Dalal, Triggs 2005), float32 (n, 900), of grey faces uint8 (n, 48, 48, 1)."""
    return np.stack([HOG.compute(image[..., 0]).ravel() for image in images])


def svm_predictions(features: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Class numbers (test rows,) of a support vector machine with a radial kernel on principal components.

    It is trained on the rows `train` of features (n, d) and labels (n,) and asked about the rows `test`.
    """
    return make_pipeline(_components(features[train]), SVC(C=10.0)).fit(features[train], labels[train]).predict(features[test])


def subject_known(features: np.ndarray, labels: np.ndarray, subjects: np.ndarray, seed: int) -> tuple[float, float]:
    """Accuracy in percent where the subjects of the test images are those of the training images, and where they are others.

    The subjects are halved, and of each half one half of the images is tested; the training images, as many in both cases,
    are the other images of the same subjects, or images of the other subjects. The tested images are the same.
    """
    random = np.random.default_rng(seed)
    halves = np.array_split(random.permutation(np.unique(subjects)), 2)
    tested = random.random(len(labels)) < 0.5
    right: list[list[np.ndarray]] = [[], []]
    for mine, others in (halves, halves[::-1]):
        test = np.flatnonzero(np.isin(subjects, mine) & tested)
        same, other = np.flatnonzero(np.isin(subjects, mine) & ~tested), np.flatnonzero(np.isin(subjects, others))
        size = min(len(same), len(other))
        for answers, train in zip(right, (same, other), strict=True):
            answers.append(svm_predictions(features, labels, random.choice(train, size, replace=False), test) == labels[test])
    known, unknown = (100 * float(np.concatenate(answers).mean()) for answers in right)
    return known, unknown


def near_copies(images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The faces uint8 (n, side, side, 1) as another website shows them: brighter or darker by up to 15 %, JPEG 75."""
    copies = []
    for image in images:
        lit = np.clip(image[..., 0] * random.uniform(0.85, 1.15), 0, 255).astype(np.uint8)
        jpeg = cv2.imencode(".jpg", lit, [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
        copies.append(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE)[..., None])
    return np.stack(copies)


def augmented(images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The faces uint8 (n, side, side, 1), each mirrored by a coin, turned by up to 10 degrees and moved by up to 5 %."""
    side, versions = images.shape[1], []
    for image in images:
        turn = cv2.getRotationMatrix2D((side / 2, side / 2), random.uniform(-10, 10), 1.0)
        turn[:, 2] += random.uniform(-0.05, 0.05, 2) * side
        turned = cv2.warpAffine(image[..., 0], turn, (side, side), borderMode=cv2.BORDER_REPLICATE)
        versions.append((turned[:, ::-1] if random.random() < 0.5 else turned)[..., None])
    return np.stack(versions)


def epoch_scores(
    features: np.ndarray, labels: np.ndarray, train: np.ndarray, tests: Sequence[np.ndarray], epochs: int, seed: int
) -> np.ndarray:
    """Accuracy in percent (tests, epochs) of a small network after each epoch on each of the given sets of rows."""
    prepared = make_pipeline(_components(features[train]), StandardScaler()).fit(features[train])
    inputs = prepared.transform(features)
    batch = min(EPOCH_BATCH, len(train))
    network = MLPClassifier((32,), learning_rate_init=0.01, batch_size=batch, random_state=seed)
    scores = np.empty((len(tests), epochs))
    for epoch in range(epochs):
        network.partial_fit(inputs[train], labels[train], classes=np.unique(labels))
        scores[:, epoch] = [100 * np.mean(network.predict(inputs[rows]) == labels[rows]) for rows in tests]
    return scores


def searched(
    features: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, configurations: int, seed: int
) -> np.ndarray:
    """Right answers, bool (configurations, test rows), of classifiers with settings drawn at random: components, C and gamma."""
    random = np.random.default_rng(seed)
    inputs = _components(features[train]).fit(features[train]).transform(features)
    right = np.empty((configurations, len(test)), bool)
    for number in range(configurations):
        kept = inputs[:, : random.integers(15, inputs.shape[1] + 1)]
        spread = kept[train].var() * kept.shape[1]
        machine = SVC(C=10 ** random.uniform(0, 2), gamma=10 ** random.uniform(-1, 0.5) / spread)
        right[number] = machine.fit(kept[train], labels[train]).predict(kept[test]) == labels[test]
    return right


def best_found(right: np.ndarray, groups: np.ndarray, tried: Sequence[int], draws: int, seed: int) -> np.ndarray:
    """What the best of k configurations scores where it was chosen and where it was not; percent (len(tried), 2).

    right is bool (configurations, items), groups (items,). In each draw half of the groups choose, the other half is
    fresh, and the k are drawn too; means over draws. Without a choice (k = 1) both halves have the same expectation.
    """
    random = np.random.default_rng(seed)
    names = np.unique(groups)
    scores = np.zeros((len(tried), 2))
    for _ in range(draws):
        chosen = np.isin(groups, random.permutation(names)[: len(names) // 2])
        seen, fresh = right[:, chosen].mean(axis=1), right[:, ~chosen].mean(axis=1)
        order = random.permutation(len(right))
        for row, k in enumerate(tried):
            best = order[:k][seen[order[:k]].argmax()]
            scores[row] += seen[best], fresh[best]
    return 100 * scores / draws


def hold_outs(right: np.ndarray, images: int, draws: int, seed: int) -> np.ndarray:
    """Accuracies in percent (draws,) of hold-outs of so many images, drawn from the right answers bool (n,)."""
    random = np.random.default_rng(seed)
    return 100 * np.array([right[random.choice(len(right), images, replace=False)].mean() for _ in range(draws)])


def expected_distance(accuracy: float, images: int) -> float:
    """Mean distance of a hold-out's accuracy from the true one, in percentage points, by the normal law of a proportion."""
    return 100 * float(np.sqrt(2 / np.pi * accuracy * (1 - accuracy) / images))


def fold_accuracies(features: np.ndarray, labels: np.ndarray, fold_of: np.ndarray) -> np.ndarray:
    """Accuracy in percent (folds,) of ridge regression on class indicators, trained on all folds but the one scored."""
    inputs = np.hstack([features, np.ones((len(features), 1))])
    targets = np.eye(labels.max() + 1)[labels]
    tests = [fold_of == fold for fold in np.unique(fold_of)]
    squares = np.stack([inputs[rows].T @ inputs[rows] for rows in tests])
    products = np.stack([inputs[rows].T @ targets[rows] for rows in tests])
    weights = np.linalg.solve(squares.sum(axis=0) - squares + RIDGE * np.eye(inputs.shape[1]), products.sum(axis=0) - products)
    guesses = [(inputs[rows] @ weight).argmax(axis=1) for rows, weight in zip(tests, weights, strict=True)]
    return 100 * np.array([np.mean(guess == labels[rows]) for guess, rows in zip(guesses, tests, strict=True)])


def half_faces(images: np.ndarray) -> np.ndarray:
    """Principal components, float (2, n, 20), of what two equal classifiers see of faces uint8 (n, 48, 48, 1).

    The first sees the left half, the second the right half mirrored; the components are those of both together.
    """
    halves = np.concatenate([images[:, :, :24, 0], images[:, :, :23:-1, 0]])
    small = np.stack([cv2.resize(half, (12, 24), interpolation=cv2.INTER_AREA).ravel() for half in halves]) / 255
    return StandardScaler().fit_transform(PCA(20, random_state=0).fit_transform(small)).reshape(2, len(images), -1)


def differences_of_equals(
    halves: np.ndarray, labels: np.ndarray, subjects: np.ndarray, *, folds: int, repeats: int, seed: int
) -> np.ndarray:
    """Differences in percentage points (repeats, folds) between two classifiers that are equally good, in folds by subject.

    Each repeat draws half of the subjects and mirrors every face by a coin, so that neither half face (2, n, d) can be the
    better one.
    """
    random = np.random.default_rng(seed)
    names, numbers = np.unique(subjects, return_inverse=True)
    differences = np.empty((repeats, folds))
    for repeat in range(repeats):
        places = random.permutation(len(names))
        rows = np.flatnonzero(places[numbers] < max(folds, len(names) // 2))
        fold_of = places[numbers[rows]] % folds
        mirrored = random.integers(0, 2, len(rows))
        first, second = (fold_accuracies(halves[side, rows], labels[rows], fold_of) for side in (mirrored, 1 - mirrored))
        differences[repeat] = first - second
    return differences


def p_values(differences: np.ndarray) -> dict[str, np.ndarray]:
    """P-values (repeats,) of differences (repeats, folds) by three tests, as `significance.paired_tests` has them.

    Student's one-sided in the direction of the difference, two-sided, and corrected by Nadeau and Bengio. Where all folds are
    equal: 1.
    """
    folds = differences.shape[1]
    spread = differences.std(axis=1, ddof=1)
    mean = np.abs(differences.mean(axis=1))
    t = np.divide(mean, spread / np.sqrt(folds), out=np.zeros_like(mean), where=spread > 0)
    corrected = t * np.sqrt((1 / folds) / (1 / folds + 1 / (folds - 1)))
    two_sided = 2 * stats.t.sf(t, folds - 1)
    one_sided = np.where(t > 0, two_sided / 2, 1.0)
    return {"one-sided": one_sided, "two-sided": two_sided, "Nadeau and Bengio": 2 * stats.t.sf(corrected, folds - 1)}


def fer2013_effects(published: Result) -> dict[str, Metric]:
    """Effects on real faces, in percentage points, out of the published result of the FER2013 chapter, by threat.

    copies: all of PrivateTest against the images without a near copy in Training. epoch: the best epoch on PublicTest
    against the last. search: the setting that is best on PrivateTest there against PublicTest, less what all settings
    differ by. merged: training on PublicTest too, scored on both test sets against PrivateTest, less the same difference
    without that training.
    """
    scores = {(row["training"], row["scored_on"]): row["accuracy"] for row in published.tables["scores"]}
    row = next(row for row in published.tables["duplicates"] if row["copy in Training"] != "identical")
    copied = round(row["images"] * row["accuracy on copies (%)"] / 100)
    low, high = wilson_interval(copied, row["images"])
    on_copies = Metric(name="on copies", value=row["accuracy on copies (%)"], low=100 * low, high=100 * high, n=row["images"])
    gain = gain_between("copies", on_copies, published.metric("test_without_copies"), "real PrivateTest")
    share = row["share (%)"] / 100
    scaled = {"value": gain.value * share, "low": gain.low * share, "high": gain.high * share}
    seeds = published.parameters["seeds"]
    grid = [one for one in published.trainings if one.experiment == "optimizers"]
    curves = [100 * np.array(one.history["val_accuracy"]) for one in grid]
    chosen = []
    for seed in seeds:
        names = [one.name for one in grid if one.recipe["seed"] == seed]
        private, public = (np.array([scores[name, part] for name in names]) for part in ("PrivateTest", "PublicTest"))
        apart = private - public
        chosen.append(float(apart[private.argmax()] - apart.mean()))
    inflated = [
        scores[f"merged, seed {seed}", "merged"]
        - scores[f"merged, seed {seed}", "PrivateTest"]
        - scores[f"protocol, seed {seed}", "merged"]
        + scores[f"protocol, seed {seed}", "PrivateTest"]
        for seed in seeds
    ]
    reordered, aligned = published.metric("merged_test_shuffled"), published.metric("merged_test")
    shuffled = gain_between("shuffled", reordered, aligned, "real PublicTest and PrivateTest")
    points = "percentage_points"
    return {
        "shuffled": shuffled.model_copy(update={"n": aligned.n}),
        "copies": gain.model_copy(update=scaled),
        "epoch": mean_over("epoch", [curve.max() - curve[-1] for curve in curves], "real PublicTest", points, "trainings"),
        "search": mean_over("search", chosen, "real PrivateTest", points),
        "merged": mean_over("merged", inflated, "real PublicTest and PrivateTest", points),
    }


def _components(features: np.ndarray) -> PCA:
    return PCA(min(COMPONENTS, *features.shape), svd_solver="randomized", random_state=0)
