"""Direct fits beside SciPy's optimisers and a greedy equaliser, on the same targets.

Every method is judged by the same weighted error in dB on the same points. SciPy's get our compiled residuals
with their derivatives, our bounds, and the evenly spread first guess. Fitting tries several first guesses, so
that beside its whole time there stands the time after which it was as good as the other.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from scipy import optimize
from scipy.signal import find_peaks

from harness import Row, say
from tonewright.filters.fitting import kernels, search, starts
from tonewright.filters.fitting.matching import target_of_match
from tonewright.filters.fitting.problem import problem_of
from tonewright.filters.fitting.target import points_for, target_of_sound

FILTERS, STEP = 16, 1.02
SUFFIXES = (".wav", ".flac", ".ogg")
FIRST = """
import time
from tonewright import filters
import numpy as np
from tonewright.audio.clips import Clip
noise = Clip(np.random.default_rng(0).standard_normal((1, 44100)).astype(np.float32) * 0.1, 44100)
begun = time.process_time()
filters.fit(noise, kind={kind!r})
print(time.process_time() - begun)
"""


class Functions:
    """Residuals of a problem and their derivatives, as SciPy wants them."""

    def __init__(self, problem) -> None:
        self.problem = problem
        self.free = problem.high > problem.low
        self.low, self.high = problem.low[self.free], problem.high[self.free]
        points = problem.points
        self._found, self._slopes = np.zeros(2 * points), np.zeros((problem.low.size, 2 * points))
        self._spare, self._last = np.zeros((2, points)), np.zeros(0)

    def whole(self, x: np.ndarray) -> np.ndarray:
        """All values of the problem, with those that are fixed."""
        values = self.problem.low.copy()
        values[self.free] = np.clip(x, self.low, self.high)
        return values

    def residuals(self, x: np.ndarray) -> np.ndarray:
        if not np.array_equal(x, self._last):
            kernels.residuals(self.problem, self.whole(x), self._found, self._slopes, self._spare)
            self._last = np.array(x)
        return self._found[: self.problem.points].copy()

    def slopes(self, x: np.ndarray) -> np.ndarray:
        self.residuals(x)
        return self._slopes[self.free, : self.problem.points].T.copy()

    def cost(self, x: np.ndarray) -> float:
        found = self.residuals(x)
        return float(found @ found)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        return 2 * self.slopes(x).T @ self.residuals(x)


def fitted(problem) -> float:
    """Error of ours in dB."""
    return error_of(problem, search.best_values(problem, draw=np.random.default_rng(0)))


def error_of(problem, values: np.ndarray) -> float:
    found, _ = search.residuals_of(problem, values)
    found = found[: problem.points]
    return float(np.sqrt(found @ found))


def with_scipy(method: str) -> Callable[..., float]:
    """Error of one of SciPy's optimisers."""

    def run(problem) -> float:
        f = Functions(problem)
        guess = starts.first_guesses(problem, 1, np.random.default_rng(0))[0][f.free]
        guess, bounds = np.clip(guess, f.low + 1e-6, f.high - 1e-6), list(zip(f.low, f.high, strict=True))
        if method == "least_squares":
            x = optimize.least_squares(f.residuals, guess, f.slopes, (f.low, f.high), x_scale="jac").x
        else:
            options = {"maxiter": 2000, "maxfun": 4000}
            x = optimize.minimize(
                f.cost, guess, jac=f.gradient, method="L-BFGS-B", bounds=bounds, options=options
            ).x
        return error_of(problem, f.whole(x))

    return run


def levels_of_bells(frequencies_hz: np.ndarray, x: np.ndarray, rate: float) -> np.ndarray:
    """Level in dB of bells whose log₁₀ frequency, Q and gain in dB are the thirds of `x`."""
    centre, q, gain = np.split(x, 3)
    place = np.tan(np.pi * frequencies_hz / rate)[:, None] / np.tan(np.pi * 10**centre / rate)
    square, power = (q * (place - 1 / place)) ** 2, 10 ** (gain / 20)
    return (10 * np.log10((square + power) / (square + 1 / power))).sum(1)


def greedy(problem, target) -> float:
    """Error of an equaliser that lays bells onto the largest peaks, then moves all of them by SLSQP.

    The approach of AutoEq (J. Pasanen), in our own words: peaks by width times height, derivatives by
    differences, a grid of equal ratios.
    """
    rate, ends = target.sample_rate, target.frequencies_hz[[0, -1]]
    grid = ends[0] * STEP ** np.arange(int(np.log(ends[1] / ends[0]) / np.log(STEP)) + 1)
    level = np.average(target.shape_db, weights=target.weights)
    wanted = np.interp(np.log(grid), np.log(target.frequencies_hz), target.shape_db) - level
    count, most_db = problem.filters, problem.high[2 * problem.filters + 1]
    x = bells_on_peaks(grid, wanted, count, most_db, rate)
    low, high = np.log10(max(grid[0] * 0.7, 10)), np.log10(min(grid[-1] * 1.1, 0.48 * rate))
    bounds = [(low, high)] * count + [(0.18, 20.0)] * count + [(-most_db, most_db)] * count
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = optimize.fmin_slsqp(
            lambda values: np.mean((levels_of_bells(grid, values, rate) - wanted) ** 2),
            np.clip(x, *np.array(bounds).T),
            bounds=bounds,
            iter=150,
            iprint=0,
        )
    found = levels_of_bells(target.frequencies_hz, x, rate) + level
    found += np.average(target.shape_db - found, weights=target.weights)
    apart = found - problem.target
    apart = problem.roots * np.where(problem.one_sided, np.maximum(apart, 0), apart)
    return float(np.sqrt(apart @ apart))


def bells_on_peaks(
    grid: np.ndarray, wanted: np.ndarray, count: int, most_db: float, rate: float
) -> np.ndarray:
    """Bells laid one by one onto the peak that is largest by width times height."""
    rest, x = wanted.copy(), np.zeros((3, count))
    for number in range(count):
        best = (-1.0, 0, 1.0, 0.0)
        for sign in (1, -1):
            up = np.concatenate([[0.0], np.maximum(sign * rest, 0), [0.0]])
            peaks, about = find_peaks(up, width=0, height=0, rel_height=0.5)
            for peak, width, height in zip(peaks - 1, about["widths"], about["peak_heights"], strict=True):
                best = max(best, (width * height, peak, width, sign * height))
        _, place, width, gain = best
        octaves = max(width * np.log2(STEP), 0.02)
        q = np.clip(np.sqrt(2**octaves) / (2**octaves - 1), 0.18, 20)
        x[:, number] = np.log10(grid[place]), q, np.clip(gain, -most_db, most_db)
        rest -= levels_of_bells(grid, x[:, number], rate)
    return x.ravel()


def targets(paths: Sequence[Path], kind: str) -> Iterator[tuple[str, object]]:
    """Spectra of sounds, or of the way from each sound to another."""
    points = points_for(FILTERS)
    if kind == "matching":
        for path, other in zip(paths, [*paths[7:], *paths[:7]], strict=True):
            yield path.name, target_of_match(path, other, points=points, sample_rate=None)
    else:
        for path in paths:
            yield path.name, target_of_sound(path, points=points, sample_rate=None)


def course_of(problem) -> tuple[np.ndarray, np.ndarray]:
    """After how many CPU seconds a fit had reached which error."""
    plain, seconds, errors = search.descend, [], []
    begun = time.process_time()

    def watched(*given):
        cost, rounds = plain(*given)
        seconds.append(time.process_time() - begun)
        errors.append(min(np.sqrt(cost), *errors[-1:], np.inf))
        return cost, rounds

    search.descend = watched
    try:
        fitted(problem)
    finally:
        search.descend = plain
    return np.array(seconds), np.array(errors)


def error_rows(parts: Sequence[Path], every: int = 9) -> list[Row]:
    """Errors and times of all methods, on one sound of so many."""
    paths = sorted(path for part in parts for path in part.rglob("*") if path.suffix in SUFFIXES)[::every]
    return [row for kind in ("parallel", "series", "matching") for row in kind_rows(paths, kind)]


def kind_rows(paths: Sequence[Path], kind: str) -> list[Row]:
    say(f"fitting: {kind}, {len(paths)} sounds")
    arrangement = "parallel" if kind == "parallel" else "series"
    made: dict[str, list[tuple[float, float]]] = {}
    courses = []
    for _, target in targets(paths, kind):
        problem = problem_of(target, filters=FILTERS, kind=arrangement, order=1)
        methods: dict[str, Callable[..., float]] = {
            "ours": fitted,
            "least_squares": with_scipy("least_squares"),
            "L-BFGS-B": with_scipy("L-BFGS-B"),
        }
        if arrangement == "series":
            methods["greedy + SLSQP"] = lambda problem, target=target: greedy(problem, target)
        if not made:
            fitted(problem)  # compiles
        courses.append(course_of(problem))
        for name, method in methods.items():
            begun = time.process_time()
            error = method(problem)
            made.setdefault(name, []).append((error, time.process_time() - begun))
    ours = np.array(made.pop("ours"))
    return [compared_row(kind, name, ours, np.array(found), courses) for name, found in made.items()]


def compared_row(kind: str, name: str, ours: np.ndarray, theirs: np.ndarray, courses: list) -> Row:
    error_db, other_db = float(np.median(ours[:, 0])), float(np.median(theirs[:, 0]))
    sooner = [
        bool(((errors <= error) & (seconds <= taken)).any())
        for (seconds, errors), (error, taken) in zip(courses, theirs, strict=True)
    ]
    lower = np.mean(ours[:, 0] < theirs[:, 0])
    met = error_db < other_db and float(np.mean(sooner)) > 0.5
    note = (
        f"{'met' if met else 'MISSED'}; lower in {lower:.0%} of {len(ours)}, as good in less time in "
        f"{np.mean(sooner):.0%}; worst {ours[:, 0].max():.2f} against {theirs[:, 0].max():.2f} dB; median "
        f"{np.median(ours[:, 1]):.2f} against {np.median(theirs[:, 1]):.2f} s"
    )
    what = f"error of a fit, {FILTERS} filters, {kind}, median"
    return Row(what, "dB", error_db, name, other_db, "less, sooner", met, note, less_is_better=True)


def time_rows() -> list[Row]:
    """CPU seconds of a fit of 16 filters to half a second of sound, warm; and the first in a process."""
    from tonewright.audio.clips import Clip
    from tonewright.filters import fit

    rows = []
    rng = np.random.default_rng(0)
    hiss = np.cumsum(rng.standard_normal((1, 22050)), axis=1) * 0.002 + 0.02 * rng.standard_normal((1, 22050))
    clip = Clip(hiss.astype(np.float32), 44100)
    for kind in ("parallel", "series"):
        taken = []
        for _ in range(4):
            begun = time.process_time()
            fit(clip, filters=FILTERS, kind=kind)
            taken.append(time.process_time() - begun)
        best = min(taken[1:])
        what = f"fit, {FILTERS} filters, {kind}, warm"
        rows.append(Row(what, "s", best, required="≤ 1 s", met=best <= 1, less_is_better=True))
    with tempfile.TemporaryDirectory():
        for kind in ("parallel", "series"):
            command = [sys.executable, "-c", FIRST.format(kind=kind)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            rows.append(
                Row(f"fit, {kind}, the first in a process", "s", float(done.stdout), less_is_better=True)
            )
    return rows
