"""Delays in whole samples: rounded, and moved one by one as long as that lowers the loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# A line may jump over a neighbour that is worse; the pre-delay moves all late sound alike, and so may go far.
STRIDES = {"delays": (1, 2, 3), "pre_delay": (1, 2, 4, 8, 16, 32, 64)}
LEAST = {"delays": 1.0, "pre_delay": 0.0}

Whole = dict[str, np.ndarray]


def rounded(name: str, values: np.ndarray) -> np.ndarray:
    """Delays or pre-delay in whole samples."""
    return np.maximum(np.round(values), LEAST[name])


def settled(whole: Whole, loss: Callable[[Whole], float], *, most_trials: int) -> Whole:
    """Whole delays from which no single move lowers the loss.

    Parameters
    ----------
    whole : "delays" (lines,), "pre_delay" (1,), or both
    loss : at some whole delays
    most_trials : after which it ends anyway, once every delay has had its turn

    Returns
    -------
    delays as they were given
    """
    best, trials = loss(whole), 0
    moved = True
    while moved and trials < most_trials:
        moved = False
        for name, index in [(part, place) for part in whole for place in range(whole[part].size)]:
            found = [(loss(near), near) for near in _near(whole, name, index)]
            trials += len(found)
            least, near = min(found, key=lambda pair: pair[0])
            if least < best:
                best, whole, moved = least, near, True
    return whole


def _near(whole: Whole, name: str, index: int) -> list[Whole]:
    places = []
    for step in (sign * stride for stride in STRIDES[name] for sign in (1, -1)):
        values = whole[name].copy()
        values[index] = max(values[index] + step, LEAST[name])
        places.append({**whole, name: values})
    return places
