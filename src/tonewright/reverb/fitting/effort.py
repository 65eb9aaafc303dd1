"""How much work a quality stands for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """What is spent on a fit.

    Attributes
    ----------
    taps : early reflections, shared by the outputs
    rounds : how often the late sound is rendered, compared and corrected
    draws : networks that are drawn and corrected, of which the best is kept
    polish : steps of the search for the reflections' gains
    longest_s : of the response that is compared in each round
    """

    taps: int
    rounds: int
    draws: int
    polish: int
    longest_s: float


EFFORTS = {
    "draft": Effort(taps=256, rounds=4, draws=1, polish=60, longest_s=4.0),
    "standard": Effort(taps=640, rounds=6, draws=3, polish=150, longest_s=8.0),
    "best": Effort(taps=1024, rounds=10, draws=8, polish=400, longest_s=16.0),
}
