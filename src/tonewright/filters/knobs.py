"""What each of a model's numbers does: how much it explains, which way it turns, what it is called."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.files import atomic_output
from tonewright.errors import RunError
from tonewright.filters.network import Turning
from tonewright.filters.spectra import Grid
from tonewright.filters.spectra.grids import erb_rate

FORMAT = 1
KNOBS_FILE = "knobs.json"
LOW, HIGH = -2.0, 2.0
QUALITIES = ("brightness", "warmth", "width", "level")
NAMELESS = "shape"
_LEAST_CORRELATION = 0.3  # below it a name would promise what the knob does not do
_WARM_HZ = (200.0, 2000.0)
# ERB, dB, ERB, dB
_HARDLY_HEARD = (0.2, 0.5, 0.2, 0.5)
_DRAWS, _SETTINGS = 48, 9
_MOST_MEANS = 512
_LEAST_SPREAD = 0.05

DecodeDB = Callable[[np.ndarray], np.ndarray]
"""Numbers (n, latent) to the level of the response they stand for, (n, points) in dB."""


@dataclass(frozen=True)
class Knob:
    """One of the numbers that steer a bank.

    Attributes
    ----------
    name : the quality that it moves most; "shape" where it moves none of them
    low, high : where it can be turned; beyond, the model knows little
    share : of the variance of the responses to training sounds that this number explains alone
    correlations : of the number with each quality while it alone is turned, the others anywhere
    """

    name: str
    low: float = LOW
    high: float = HIGH
    share: float = math.nan
    correlations: Mapping[str, float] = field(default_factory=dict)

    @property
    def correlation(self) -> float:
        """With the quality that gave the name; NaN where none did."""
        return self.correlations.get(self.name, math.nan)


def qualities(response_db: np.ndarray, grid: Grid) -> dict[str, np.ndarray]:
    r"""What is said of a response p = |H|² in words, with integrals over the ear's scale E(f).

    - brightness, the centroid: :math:`C = \int E p \, dE / \int p \, dE`, in ERB
    - width, the spread about it: :math:`\sqrt{\int (E - C)^2 p \, dE / \int p \, dE}`, in ERB
    - warmth: :math:`10 \log_{10} \int_{200 Hz}^{2 kHz} p \, dE / \int p \, dE`, in dB
    - level of white noise through it: :math:`10 \log_{10} \int p \, df / \int df`, in dB

    Parameters
    ----------
    response_db : (…, points)

    Returns
    -------
    (…) for each name of `QUALITIES`
    """
    rate = erb_rate(grid.frequencies_hz)
    steps = np.gradient(rate)
    bands = np.gradient(grid.frequencies_hz)
    power_of = 10 ** (np.maximum(response_db, -200.0) / 10)
    power = power_of * steps
    whole = power.sum(axis=-1)
    centroid = power @ rate / whole
    square = power @ rate**2 / whole - centroid**2
    warm = (grid.frequencies_hz >= _WARM_HZ[0]) & (grid.frequencies_hz <= _WARM_HZ[1])
    return {
        "brightness": centroid,
        "warmth": 10 * np.log10(np.maximum(power @ warm / whole, 1e-20)),
        "width": np.sqrt(np.maximum(square, 0.0)),
        "level": 10 * np.log10(np.maximum(power_of @ bands / bands.sum(), 1e-20)),
    }


def explained_variance(decode_db: DecodeDB, means: np.ndarray, grid: Grid) -> np.ndarray:
    r"""Variance of the response that each number brings about alone, (latent,) in dB².

    :math:`V_k = \sum_p w_p \operatorname{Var}_i d_p(\bar z + (\mu_{ik} - \bar z_k) e_k)`, over training
    sounds i with the means μ.

    Parameters
    ----------
    means : (sounds, latent) what the encoder says of training sounds
    """
    chosen = means[np.linspace(0, len(means) - 1, min(len(means), _MOST_MEANS)).astype(int)]
    centre = means.mean(axis=0)
    found = np.empty(means.shape[1])
    for number in range(means.shape[1]):
        turned = np.repeat(centre[None], len(chosen), axis=0)
        turned[:, number] = chosen[:, number]
        found[number] = decode_db(turned).var(axis=0) @ grid.weights
    return found


def correlations(decode_db: DecodeDB, latent: int, grid: Grid) -> np.ndarray:
    r"""Correlation of each number with each quality while it alone is turned, (latent, qualities).

    From draws c of the others, and settings t of the number in equal steps over the knob's range,

    .. math:: r = \frac{\sum_{ct} (t - \bar t)(q_{ct} - \bar q_c)}
        {\sqrt{\sum_{ct} (t - \bar t)^2 \sum_{ct} ((q_{ct} - \bar q_c)^2 + \epsilon^2)}},

    where ε is a change that is hardly heard, so that what hardly moves correlates with nothing.
    """
    settings = np.linspace(LOW, HIGH, _SETTINGS)
    others = np.clip(np.random.default_rng(0).standard_normal((_DRAWS, latent)), LOW, HIGH)
    found = np.empty((latent, len(QUALITIES)))
    for number in range(latent):
        z = np.repeat(others[:, None], _SETTINGS, axis=1)
        z[:, :, number] = settings
        moved = qualities(decode_db(z.reshape(-1, latent)), grid)
        for column, (name, least) in enumerate(zip(QUALITIES, _HARDLY_HEARD, strict=True)):
            values = moved[name].reshape(_DRAWS, _SETTINGS)
            values = values - values.mean(axis=1, keepdims=True)
            size = _DRAWS * np.sum(settings**2) * np.sum(values**2 + least**2)
            found[number, column] = np.sum(values @ settings) / np.sqrt(size)
    return found


def names_of(correlated: np.ndarray) -> list[str]:
    """A name for each knob: each quality once, so that the sum of absolute correlations is greatest.

    Parameters
    ----------
    correlated : (latent, qualities)
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(-np.abs(correlated))
    given = {
        int(row): QUALITIES[column]
        for row, column in zip(rows, columns, strict=True)
        if abs(correlated[row, column]) >= _LEAST_CORRELATION
    }
    names, nameless = [], 0
    for row in range(len(correlated)):
        if row not in given:
            nameless += 1
        names.append(given.get(row) or (NAMELESS if nameless == 1 else f"{NAMELESS} {nameless}"))
    return names


def standardised(means: np.ndarray) -> Turning:
    """The turning that gives training sounds mean 0 and deviation 1, without another order or direction.

    A number that hardly moves keeps its scale.
    """
    latent = means.shape[1]
    deviation = means.std(axis=0)
    spread = np.where(deviation > _LEAST_SPREAD, deviation, 1.0)
    return Turning(np.arange(latent), np.ones(latent), means.mean(axis=0), spread)


def ordered(decode_db: DecodeDB, means: np.ndarray, grid: Grid) -> Turning:
    """The turning to knobs: most explained variance first, names with positive correlations, deviation 1.

    Parameters
    ----------
    decode_db : of the model as it was trained
    means : (sounds, latent)
    """
    scale = standardised(means)
    order = np.argsort(-explained_variance(decode_db, means, grid), kind="stable")
    correlated = correlations(lambda z: decode_db(z * scale.spread + scale.centre), means.shape[1], grid)[
        order
    ]
    # A knob without a name turns up what it is most akin to.
    columns = [
        QUALITIES.index(name) if name in QUALITIES else int(np.argmax(np.abs(row)))
        for name, row in zip(names_of(correlated), correlated, strict=True)
    ]
    sign = np.where(correlated[np.arange(len(order)), columns] < 0, -1.0, 1.0)
    return Turning(order, sign, scale.centre[order], scale.spread[order])


def describe(decode_db: DecodeDB, means: np.ndarray, grid: Grid) -> tuple[Knob, ...]:
    """The knobs of a model as it is.

    Parameters
    ----------
    means : (sounds, latent)
    """
    variance = explained_variance(decode_db, means, grid)
    shares = variance / max(float(variance.sum()), 1e-12)
    correlated = correlations(decode_db, means.shape[1], grid)
    return tuple(
        Knob(
            name,
            share=round(float(share), 4),
            correlations={quality: round(float(r), 3) for quality, r in zip(QUALITIES, row, strict=True)},
        )
        for name, share, row in zip(names_of(correlated), shares, correlated, strict=True)
    )


def save_knobs(path: Path, knobs: Sequence[Knob]) -> None:
    """Write knobs as JSON."""
    data = {"format": FORMAT, "kind": "knobs of filters", "knobs": [asdict(knob) for knob in knobs]}
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def load_knobs(path: Path, latent: int) -> tuple[Knob, ...]:
    """The knobs of a JSON file, checked; nameless ones where there is no file."""
    if not path.is_file():
        return nameless(latent)
    try:
        if path.stat().st_size > 1 << 20:
            raise ValueError("too long")
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] > FORMAT:
            raise RunError(
                f"{path}: has format {data['format']}, this Tonewright reads up to {FORMAT}; upgrade"
            )
        knobs = tuple(_knob(item) for item in data["knobs"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RunError(
            f"{path}: is no file of knobs; restore it, or remove it to go without names"
        ) from error
    if len(knobs) != latent:
        raise RunError(f"{path}: holds {len(knobs)} knobs, the model has {latent}; restore both from one run")
    return knobs


def nameless(latent: int) -> tuple[Knob, ...]:
    """Knobs of which nothing is known."""
    return tuple(Knob(f"{NAMELESS} {number + 1}") for number in range(latent))


def _knob(item: Mapping[str, Any]) -> Knob:
    low, high = float(item["low"]), float(item["high"])
    if not -100 <= low < high <= 100:
        raise ValueError("limits")
    related = {str(name): float(value) for name, value in item["correlations"].items()}
    return Knob(str(item["name"])[:40], low, high, float(item["share"]), related)
