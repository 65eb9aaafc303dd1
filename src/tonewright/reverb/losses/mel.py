"""Mel-spectrogram losses: short-time energies in mel bands at several resolutions against a target's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tonewright.dsp.hearing import hz_from_mel, mel_filterbank, mel_from_hz
from tonewright.errors import NetworkError
from tonewright.reverb.losses.base import Bins, Layout, Loss, Scaling, chosen, positive, response
from tonewright.reverb.losses.distances import PeerPowerDistance, RelativeDistance
from tonewright.reverb.losses.measures import BandPowers
from tonewright.reverb.losses.resolutions import Resolution, ResolutionsLoss, window_lengths
from tonewright.reverb.losses.short_time import Framing, ShortTime
from tonewright.reverb.losses.uneven import KernelShortTime


def mel_loss(
    target: Any,
    *,
    windows: Sequence[int] = (256, 512, 1024),
    bands: Sequence[int] | None = None,
    scaling: Scaling = "relative",
    bins: Bins = "fft",
    sample_rate: float = 48000.0,
    floor_db: float = -60.0,
    log_weight: float = 1.0,
) -> Loss:
    r"""Loss on mel spectrograms of the response against a target's; logged as "mel_mss_loss".

    P = Σ_k W[b, k] |X_k|² with triangles W of equal area on Slaney's scale, from 0 Hz to half the rate, and
    frames as for `spectrogram_loss`. "relative" is its equation with S = √P; "peer" is the sum over windows
    of ‖P − P_T‖ / (number of elements), as flamo's mel_mss_loss has it.

    Parameters
    ----------
    target : (time,), (time, outputs) or (time, outputs, inputs); responses must have the same shape
    windows : lengths in samples
    bands : number of mel bands for each window; an eighth of the window by default
    scaling : "relative" or "peer"
    bins : "fft", or "peer" for that loss's rounding of its kernels and its rows of several channels; with
        scaling="peer" the value is then its value
    sample_rate : in Hz
    floor_db, log_weight : as for `spectrogram_loss`
    """
    chosen(scaling, ("relative", "peer"), "scaling")
    chosen(bins, ("fft", "peer"), "bins")
    rate = positive(sample_rate, "sample_rate")
    sound = response(target, "mel_mss_loss")
    layout = Layout(sound.shape, "mel_mss_loss", interleaved=(scaling, bins) == ("peer", "peer"))
    lengths = window_lengths(windows)
    numbers = _band_numbers(bands, lengths)
    made = _Resolutions(layout.rows(sound), numbers, scaling, bins, rate, floor_db, log_weight)
    return ResolutionsLoss("mel_mss_loss", layout=layout, windows=lengths, resolution=made.resolution)


@dataclass(frozen=True)
class _Resolutions:
    """Makes the comparison at each resolution; settings as for `mel_loss`."""

    rows: np.ndarray
    bands: dict[int, int]
    scaling: Scaling
    bins: Bins
    sample_rate: float
    floor_db: float
    log_weight: float

    def resolution(self, framing: Framing, dtype: np.dtype) -> Resolution:
        """The comparison of bands at one resolution and precision."""
        length, relative = framing.length, self.scaling == "relative"
        bank = mel_bank(length, bands=self.bands[length], sample_rate=self.sample_rate)
        if self.bins == "peer" and dtype == np.float64:
            cycles = np.arange(length // 2 + 1.0)
            spectra = KernelShortTime.of(framing, cycles, self.rows)
            transform = KernelShortTime(framing, cycles, dtype=dtype)
        else:
            spectra = ShortTime.of(framing, self.rows)
            transform = ShortTime(framing, dtype=dtype)
        power = bank @ np.abs(spectra) ** 2
        if relative:
            distance = RelativeDistance(
                np.sqrt(power), floor_db=self.floor_db, log_weight=self.log_weight, dtype=dtype
            )
        else:
            distance = PeerPowerDistance(power, dtype=dtype)
        measure = BandPowers(bank, frames=framing.columns, root=relative, dtype=dtype)
        return Resolution(transform, measure, distance)


def mel_bank(length: int, *, bands: int, sample_rate: float) -> np.ndarray:
    """Weights (bands, bins) of triangles of equal area, rounded to single precision after each step."""
    rate = int(sample_rate)
    high_hz = float(rate // 2)
    triangles = mel_filterbank(
        sample_rate=rate, n_fft=length, n_mels=bands, high_hz=high_hz, scale="slaney", normalised=False
    )
    edges_hz = hz_from_mel(np.linspace(0.0, mel_from_hz(high_hz), bands + 2))
    area = 2.0 / (edges_hz[2:] - edges_hz[:-2])
    return (triangles.astype(np.float32) * area[:, None]).astype(np.float32).astype(np.float64)


def _band_numbers(bands: Sequence[int] | None, lengths: Sequence[int]) -> dict[int, int]:
    numbers = [length // 8 for length in lengths] if bands is None else [int(number) for number in bands]
    if len(numbers) != len(lengths) or min(numbers) < 1:
        raise NetworkError(
            f"mel bands are {numbers} for windows {tuple(lengths)}; name one number for each, at least 1"
        )
    return dict(zip(lengths, numbers, strict=True))
