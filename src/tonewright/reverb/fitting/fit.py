"""`fit`: from a measured response to a network, step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tonewright.reverb.fitting.result import Fit

if TYPE_CHECKING:
    from tonewright.audio.files import Clip


def fit(
    clip: Clip,
    *,
    size: int = 16,
    quality: str = "standard",
    budget_s: float | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Fit:
    """A network that decays and sounds as a measured room does.

    Parameters
    ----------
    clip : impulse response of the room; a channel becomes an output
    size : number of delay lines
    quality : "draft", "standard" or "best": how many early reflections, and how many rounds of correction
    budget_s : no new round of correction begins later than this; without it the result depends on nothing
        but the sound and the seed
    seed : of the delays and gains that are drawn
    progress : called with (done, total)
    """
    raise NotImplementedError
