"""What is odd about a response, in words."""

from __future__ import annotations

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.errors import AudioError
from tonewright.reverb.analysis.result import RoomAnalysis


def prepared(clip: Clip, *, name: str) -> tuple[np.ndarray, float, list[str]]:
    """The samples as float64 without a constant offset, their noise of rounding, and what was odd about them.

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
    return samples, rounding_noise(samples), []


def rounding_noise(samples: np.ndarray) -> float:
    """Mean square q²/12 of the noise of rounding to 8 or 16 bits; 0 for finer samples."""
    for bits in (8, 16):
        scaled = samples[:, :: max(1, samples.shape[1] // 50_000)] * 2.0 ** (bits - 1)
        if (scaled == np.round(scaled)).all():
            return 2.0 ** (-2 * (bits - 1)) / 12
    return 0.0


def doubts(analysis: RoomAnalysis, samples: np.ndarray) -> list[str]:
    """Sentences on what could not be measured or should not be trusted."""
    return []
