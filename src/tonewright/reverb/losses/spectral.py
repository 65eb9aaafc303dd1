"""Spectrogram losses: short-time magnitudes at several resolutions against a target's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tonewright.reverb.losses.base import Bins, Layout, Loss, Scaling, chosen, positive, response
from tonewright.reverb.losses.distances import PeerDistance, RelativeDistance
from tonewright.reverb.losses.measures import Magnitudes
from tonewright.reverb.losses.resolutions import Resolution, ResolutionsLoss
from tonewright.reverb.losses.short_time import Framing, ShortTime
from tonewright.reverb.losses.uneven import KernelShortTime, linear_cycles, uneven_transform


def spectrogram_loss(
    target: Any,
    *,
    windows: Sequence[int] = (256, 512, 1024),
    scaling: Scaling = "relative",
    bins: Bins = "fft",
    sample_rate: float = 48000.0,
    floor_db: float = -60.0,
    log_weight: float = 1.0,
) -> Loss:
    r"""Loss on the short-time magnitudes S of the response against T of a target; logged as "mss_loss".

    Frames have a hann window, a hop of a quarter of it, and the sound's reflection before and after it.
    "relative" is the sum over windows of

    ‖S − T‖ / ‖T‖ + w · mean |ln ((S + ε) / (T + ε))|,

    which neither the number of elements nor the level of the target changes. "peer" is the sum over windows
    of ‖S − T‖ / (number of elements), as flamo's mss_loss has it, where a target pulls some 10³ times less.

    With bins="peer" the frequencies are those of that loss, n/2 + 1 that rise from 20 Hz in even steps to
    one step below half the rate, instead of the bins of the FFT. When both are "peer" the rows of several
    channels are also cut as it cuts them, and the value is its value.

    Parameters
    ----------
    target : (time,), (time, outputs) or (time, outputs, inputs); responses must have the same shape
    windows : lengths n in samples
    scaling : "relative" or "peer"
    bins : "fft" or "peer"
    sample_rate : in Hz
    floor_db : ε of the relative loss, relative to the target's highest magnitude
    log_weight : w of the relative loss
    """
    chosen(scaling, ("relative", "peer"), "scaling")
    chosen(bins, ("fft", "peer"), "bins")
    positive(sample_rate, "sample_rate")
    sound = response(target, "mss_loss")
    layout = Layout(sound.shape, "mss_loss", interleaved=(scaling, bins) == ("peer", "peer"))
    made = _Resolutions(layout.rows(sound), scaling, bins, sample_rate, floor_db, log_weight)
    return ResolutionsLoss("mss_loss", layout=layout, windows=windows, resolution=made.resolution)


@dataclass(frozen=True)
class _Resolutions:
    """Makes the comparison at each resolution; settings as for `spectrogram_loss`."""

    rows: np.ndarray
    scaling: Scaling
    bins: Bins
    sample_rate: float
    floor_db: float
    log_weight: float

    def resolution(self, framing: Framing, dtype: np.dtype) -> Resolution:
        """The comparison of magnitudes at one resolution and precision."""
        if self.bins == "peer":
            cycles = linear_cycles(framing.length, sample_rate=self.sample_rate)
            aim = np.abs(KernelShortTime.of(framing, cycles, self.rows))
            transform = uneven_transform(framing, cycles, dtype=dtype)
        else:
            aim = np.abs(ShortTime.of(framing, self.rows))
            transform = ShortTime(framing, dtype=dtype)
        if self.scaling == "peer":
            distance = PeerDistance(aim, dtype=dtype)
        else:
            distance = RelativeDistance(aim, floor_db=self.floor_db, log_weight=self.log_weight, dtype=dtype)
        return Resolution(transform, Magnitudes(aim.shape, dtype=dtype), distance)
