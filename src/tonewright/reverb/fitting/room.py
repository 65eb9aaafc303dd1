"""A measured response made ready for a fit: trimmed, its silent channels known, what is odd said in words."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.errors import AudioError
from tonewright.reverb.analysis import RoomAnalysis, analyse

# What is kept before the direct sound: the ringing of converters and microphones.
LEAD_S = 0.0005
NAME = "the response"
# Quieter sound is silence: its energy is lost in the rounding of what is added to it.
LEAST_PEAK = 1e-10
_OFFSET_DB = -20.0
_PAUSE_S = 0.001
# Fewer samples tell nothing of an offset.
_ENOUGH = 64


@dataclass(eq=False)
class Room:
    """A response that is to be fitted.

    Attributes
    ----------
    samples : (channels, time), from shortly before the first direct sound
    sample_rate : in Hz
    silent : (channels,) which channels hold nothing
    analysis : of `samples`
    assumptions : in words
    """

    samples: np.ndarray
    sample_rate: int
    silent: np.ndarray
    analysis: RoomAnalysis
    assumptions: list[str] = field(default_factory=list)

    @property
    def ends_s(self) -> np.ndarray:
        """(channels, bands) when the decay ends in noise or with the sound, from the first sample on."""
        return self.analysis.truncation_s + self.analysis.onset_s[:, None]

    @property
    def noise(self) -> np.ndarray:
        """(channels, bands) mean square of the noise."""
        return np.nan_to_num(10 ** (self.analysis.noise_floor_db / 10), nan=0.0)


def prepare(clip: Clip) -> Room:
    """A response ready for a fit.

    Raises
    ------
    AudioError
        If nothing can be fitted: it is empty, silent, constant, or holds numbers that are not finite.
    """
    if not clip.frames:
        raise AudioError(NAME, "is empty; a room response holds at least its direct sound")
    broken = clip.samples.size - int(np.isfinite(clip.samples).sum())
    if broken:
        raise AudioError(NAME, f"holds {broken} samples that are NaN or infinite; mend or export it anew")
    samples = clip.samples.astype(np.float64)
    assumptions: list[str] = []
    if clip.frames >= _ENOUGH:
        samples = _centred(samples, assumptions)
    if not samples.any():
        raise AudioError(NAME, "is silent throughout or constant; there is no room in it")
    if np.abs(samples).max() < LEAST_PEAK:
        raise AudioError(NAME, "stays under -200 dB of full scale; amplify it, or record it anew")
    samples = _trimmed(samples, clip.sample_rate, assumptions)
    silent = np.array([np.abs(row).max() < LEAST_PEAK for row in samples])
    samples[silent] = 0.0
    for channel in np.flatnonzero(silent):
        assumptions.append(f"channel {channel + 1} is silent; its output is silent too")
    analysis = analyse(Clip(samples[~silent].astype(np.float32), clip.sample_rate), name=NAME)
    assumptions += analysis.warnings
    return Room(samples, clip.sample_rate, silent, analysis, assumptions)


def _centred(samples: np.ndarray, assumptions: list[str]) -> np.ndarray:
    """Without a constant offset where that is more than a tenth of the whole."""
    offset = np.median(samples, axis=1, keepdims=True)
    size = np.sqrt(np.mean(np.square(samples), axis=1, keepdims=True))
    large = np.abs(offset) > 10 ** (_OFFSET_DB / 20) * size
    if large.any():
        assumptions.append(f"a constant offset of {float(offset[large][0]):.3g} was taken away")
    return samples - np.where(large, offset, 0.0)


def _trimmed(samples: np.ndarray, sample_rate: int, assumptions: list[str]) -> np.ndarray:
    size = np.abs(samples)
    peaks = size.max(axis=1, keepdims=True)
    heard = (size >= 0.1 * peaks) & (peaks > 0)
    start = max(0, int(np.argmax(heard.any(axis=0))) - round(LEAD_S * sample_rate))
    if start > _PAUSE_S * sample_rate:
        assumptions.append(f"the {1e3 * start / sample_rate:.1f} ms before the direct sound were left out")
    return samples[:, start:]
