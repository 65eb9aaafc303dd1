"""From the figures of a sound's falls to one time: a small network, which may only rise with their times."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from pathlib import Path

import numpy as np

COEFFICIENTS = Path(__file__).with_name("coefficients.json")
_LIMIT = 3.5
_WIDTHS = (-1.8, 2.0)
_FACTOR = 1.5


def heard_time(figures: np.ndarray) -> tuple[float, float]:
    r"""Time in seconds, and how likely it is to be right within a factor of 1.5.

    .. math:: \ln T = v \cdot h + a \cdot x + c, \quad h = \tanh(W x + b), \quad x = (f - \bar f) / \sigma

    with no negative weight between a time among the figures f and the result. The error of ln T is taken as
    Laplacian, of width :math:`e^{u \cdot h + d}`.

    Parameters
    ----------
    figures : (COUNT,) of `falls`
    """
    known = coefficients()
    inputs = standardised(figures, known["usual"], known["scale"])
    hidden = np.tanh(known["W"] @ inputs + known["b"])
    log_time = hidden @ known["v"] + inputs @ known["a"] + known["c"]
    width = math.exp(min(max(float(hidden @ known["u"] + known["d"]), _WIDTHS[0]), _WIDTHS[1]))
    return math.exp(float(log_time)), 1.0 - math.exp(-math.log(_FACTOR) / width)


def standardised(figures: np.ndarray, usual: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Figures (…, COUNT) in standard deviations from the usual, at most 3.5."""
    return np.clip((figures - usual) / scale, -_LIMIT, _LIMIT)


@lru_cache(maxsize=1)
def coefficients() -> dict[str, np.ndarray]:
    """Weights by name, made by ``benchmarks/timbre_reverb_fit.py``."""
    known = json.loads(COEFFICIENTS.read_text(encoding="utf-8"))
    return {name: np.array(value) for name, value in known.items() if name != "note"}
