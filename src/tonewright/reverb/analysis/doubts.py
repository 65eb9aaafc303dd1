"""What is odd about a response, in words."""

from __future__ import annotations

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.errors import AudioError
from tonewright.reverb.analysis.result import DecayFigures


def prepared(clip: Clip, *, name: str) -> tuple[np.ndarray, list[str]]:
    """The samples as float64 without a constant offset, and what was odd about them.

    Raises
    ------
    AudioError
        If there is nothing to measure.
    """
    samples = clip.samples.astype(np.float64)
    if not clip.frames:
        raise AudioError(name, "is empty; a room response holds at least its direct sound")
    broken = int(np.size(samples) - np.isfinite(samples).sum())
    if broken:
        raise AudioError(name, f"holds {broken} samples that are NaN or infinite; mend or export it anew")
    if not samples.any():
        raise AudioError(name, "is silent throughout; there is no response in it")
    return samples, []


def doubts(
    clip: Clip, centers_hz: np.ndarray, per_band: dict[str, np.ndarray], whole: DecayFigures
) -> list[str]:
    """Sentences on what could not be measured or should not be trusted."""
    return []
