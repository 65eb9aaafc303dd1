"""A sound as the models hear it; what several of them need is computed once, when it is first asked for."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tonewright.errors import UsageError
from tonewright.timbre.names import Mode, UnmeasurableError, checked_mode

if TYPE_CHECKING:
    from tonewright.timbre.branches import Branches
    from tonewright.timbre.front import Normalised
    from tonewright.timbre.percussion import Parts
    from tonewright.timbre.specific_loudness import SpecificLoudness

RATE_HZ = 44100
LOWEST_HEARING_RATE_HZ = 1000
ENVELOPE_DECAY_S = 0.1


class Hearing:
    """A sound as the models hear it: mono, at −24 LUFS, at 44.1 kHz (classic: or above).

    Parameters
    ----------
    samples : (channels, time), floating point
    sample_rate : in Hz
    mode : "corrected", or "classic", which repeats the reference implementation
    gain : normalising gain that was measured elsewhere, for pieces of a long sound; their silent ends are
        then kept

    Attributes
    ----------
    corrected : whether the mode is "corrected"
    notes : what was done that the reader of a value should know

    Raises
    ------
    UsageError
        If the array is no sound.
    UnmeasurableError
        If the sound is empty, silent, or holds NaN or infinite samples.
    """

    def __init__(
        self,
        samples: np.ndarray,
        sample_rate: int,
        *,
        mode: Mode = "corrected",
        gain: float | None = None,
    ) -> None:
        self.corrected = checked_mode(mode) == "corrected"
        samples = _checked(samples, sample_rate)
        self.notes: list[str] = []
        self._raw, self._raw_rate, self._gain = samples, int(sample_rate), gain
        from tonewright.timbre.front import mixed

        self._mono = mixed(samples, corrected=self.corrected)
        if self._mono.note:
            self.notes.append(self._mono.note)

    @cached_property
    def _normalised(self) -> Normalised:
        from tonewright.timbre.front import normalised

        return normalised(self._mono, self._raw_rate, corrected=self.corrected, gain=self._gain)

    @property
    def samples(self) -> np.ndarray:
        """(time,) float64, contiguous: mono, −24 LUFS, no peak above 1."""
        return self._normalised.samples

    @property
    def sample_rate(self) -> int:
        """Of `samples`, in Hz."""
        return self._normalised.sample_rate

    @property
    def loudness_lufs(self) -> float:
        """Integrated loudness of the mono sound before it was normalised."""
        return self._normalised.loudness_lufs

    @cached_property
    def programme_lufs(self) -> float:
        """Integrated loudness of all channels, as a meter shows it; NaN at rates below 4 kHz."""
        if len(self._raw) == 1 and not self.corrected:
            return self.loudness_lufs
        from tonewright.timbre.front import LOWEST_LOUDNESS_RATE_HZ
        from tonewright.timbre.loudness import loudness

        if self._raw_rate < LOWEST_LOUDNESS_RATE_HZ:
            return math.nan
        return loudness(self._raw.astype(np.float64), sample_rate=self._raw_rate)

    @property
    def peak(self) -> float:
        """Largest absolute sample of the mono sound before it was normalised."""
        return self._normalised.peak

    @property
    def crest_db(self) -> float:
        """Peak over root mean square of the mono sound as it came, about its mean; NaN of silence."""
        found = self._mono.moments
        return 20 * math.log10(found.peak) - 10 * math.log10(found.power) if found.power > 0 else math.nan

    @property
    def gain(self) -> float:
        """What the mono sound was multiplied by."""
        return self._normalised.gain

    @cached_property
    def channels(self) -> np.ndarray:
        """(1 or 2, time), the first channels, not normalised, at `channels_rate`."""
        first = self._raw[:2]
        if self.channels_rate == self._raw_rate:
            return first
        from tonewright.audio.clips import resample

        return resample(first, from_rate=self._raw_rate, to_rate=self.channels_rate)

    @property
    def channels_rate(self) -> int:
        """Of `channels`, in Hz; in the classic mode as the sound came."""
        return RATE_HZ if self.corrected else self._raw_rate

    @cached_property
    def specific(self) -> SpecificLoudness:
        """Specific loudness of frames of 4096 samples."""
        from tonewright.timbre.specific_loudness import specific_loudness

        return specific_loudness(self.samples, sample_rate=self.sample_rate, corrected=self.corrected)

    @cached_property
    def branches(self) -> Branches:
        """The sound through high-passes and low-passes."""
        from tonewright.timbre.branches import branches

        return branches(self.samples, sample_rate=self.sample_rate)

    @cached_property
    def parts(self) -> Parts:
        """Percussive and harmonic energy from hop to hop, and the sound's power spectrum."""
        from tonewright.timbre.percussion import parts

        return parts(self.samples)

    @property
    def lead(self) -> int:
        """Samples of silence before the sound in `led_strength`; in the corrected mode, whole hops."""
        return 4096 if self.corrected else 4097

    @cached_property
    def led_strength(self) -> np.ndarray:
        """(frames,) float64: onset strength of the sound with silence before it."""
        from tonewright.timbre.onset_strength import onset_strength

        return onset_strength(self.samples, sample_rate=self.sample_rate, lead=self.lead)

    @cached_property
    def strength(self) -> np.ndarray:
        """(frames,) float64: onset strength."""
        from tonewright.timbre.onset_strength import DELAY, HOP, onset_strength

        if not self.corrected:
            return onset_strength(self.samples, sample_rate=self.sample_rate)
        # What rises within the sound rises alike with silence before it.
        strength = self.led_strength[self.lead // HOP :].copy()
        strength[:DELAY] = 0
        return strength

    @cached_property
    def envelope(self) -> np.ndarray:
        """(time,) float64: sample and hold, falling in 0.1 s."""
        from tonewright.timbre.envelope import envelope

        return envelope(self.samples, sample_rate=self.sample_rate, decay_s=ENVELOPE_DECAY_S)


def _checked(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """The samples as kernels take them: contiguous, float32 or float64."""
    if samples.ndim != 2 or samples.shape[0] == 0 or not np.issubdtype(samples.dtype, np.floating):
        raise UsageError(
            f"samples of {samples.dtype} with shape {samples.shape}: needs floating point (channels, time)"
        )
    if not (float(sample_rate).is_integer() and sample_rate > 0):
        raise UsageError(f"a sample rate is a whole number above 0; got {sample_rate}")
    if samples.shape[1] == 0:
        raise UnmeasurableError("empty: no samples")
    if sample_rate < LOWEST_HEARING_RATE_HZ:
        raise UnmeasurableError(f"a rate of {sample_rate} Hz leaves nothing to describe")
    return np.ascontiguousarray(samples, dtype=np.float32 if samples.dtype == np.float32 else np.float64)
