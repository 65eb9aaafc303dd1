"""Losses on how the energy decays: in bands, or as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.losses.base import Domain, Layout, Loss, chosen, positive, response
from tonewright.reverb.losses.measures import BandPowers
from tonewright.reverb.losses.mel import mel_bank
from tonewright.reverb.losses.resolutions import Resolution, ResolutionsLoss
from tonewright.reverb.losses.short_time import Framing, ShortTime

_DB = 10.0 / np.log(10.0)


def decay_relief_loss(
    target: Any,
    *,
    sample_rate: float = 48000.0,
    bands: str = "octave",
    window: int = 1024,
    floor_db: float = -60.0,
) -> Loss:
    r"""Mean squared difference in dB between energy decay reliefs; logged as "decay_relief_loss".

    The relief E[b, f] = Σ_{τ ≥ f} P[b, τ] is the energy that is still to come in a band (J.-M. Jot, "An
    analysis/synthesis approach to real-time artificial reverberation", ICASSP 1992), and

    L = mean over channels, bands and frames of (10 lg (E + ε) − 10 lg (E_T + ε))²,

    over those frames where the target's E_T has not fallen below ε. A band that is silent in the target is
    compared at a floor relative to the strongest band.

    Parameters
    ----------
    target : (time,), (time, outputs) or (time, outputs, inputs); responses must have the same shape
    sample_rate : in Hz
    bands : "octave" or "third", around 1 kHz; or "mel", 32 of them
    window : window length in samples, with a hop of a quarter
    floor_db : ε, relative to the target's E_T at the start
    """
    sound = response(target, "decay_relief_loss")
    layout = Layout(sound.shape, "decay_relief_loss")
    rows = layout.rows(sound)
    rate = positive(sample_rate, "sample_rate")
    chosen(bands, ("octave", "third", "mel"), "bands")

    def resolution(framing: Framing, dtype: np.dtype) -> Resolution:
        bank = _bank(bands, framing.length, rate)
        power = bank @ np.abs(ShortTime.of(framing, rows)) ** 2
        distance = ReliefDistance(power, channels=framing.channels, floor_db=floor_db, dtype=dtype)
        measure = BandPowers(bank, frames=framing.columns, root=False, dtype=dtype)
        return Resolution(ShortTime(framing, dtype=dtype), measure, distance)

    return ResolutionsLoss("decay_relief_loss", layout=layout, windows=[window], resolution=resolution)


class ReliefDistance:
    """Mean squared difference in dB of energies still to come, with slopes of 2 ∂L/∂P.

    Parameters
    ----------
    target : (bands, channels · frames) powers
    channels : how many channels stand side by side
    floor_db : relative to each channel's and band's energy
    dtype : of the slopes
    """

    def __init__(self, target: np.ndarray, *, channels: int, floor_db: float, dtype: np.dtype) -> None:
        self.shape = (target.shape[0], channels, -1)
        self.dtype = dtype
        energy = _to_come(target.reshape(self.shape))
        self.curve = DecayCurve(energy, floor_db=floor_db)

    def __call__(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and slopes at the powers (bands, channels · frames)."""
        value, slope = self.curve.difference(_to_come(values.reshape(self.shape)))
        return value, (2.0 * np.cumsum(slope, axis=-1)).reshape(values.shape).astype(self.dtype)


class DecayCurve:
    """A target's energy still to come, in dB, and where it is compared.

    Parameters
    ----------
    energy : (…, time), falling
    floor_db : where each curve's comparison ends, relative to its start
    """

    def __init__(self, energy: np.ndarray, *, floor_db: float) -> None:
        start = energy[..., :1]
        ratio = 10.0 ** (floor_db / 10.0)
        self.floor = np.where(start > 0, start, start.max() or 1.0) * ratio
        compared = (energy >= self.floor) | (np.arange(energy.shape[-1]) == 0)
        counts = compared.sum(axis=-1, keepdims=True)
        self.weights = compared / (counts * counts.size)
        self.level_db = _DB * np.log(energy + self.floor)

    def difference(self, energy: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean squared difference in dB² from the curves (…, time), and its gradient."""
        above = energy + self.floor
        difference_db = _DB * np.log(above) - self.level_db
        weighted = self.weights * difference_db
        return float(np.sum(weighted * difference_db)), (2.0 * _DB) * weighted / above


class EnergyDecayLoss:
    """See `energy_decay_loss`."""

    name = "energy_decay_loss"
    domain: Domain = "time"

    def __init__(self, target: np.ndarray, *, floor_db: float) -> None:
        self.layout = Layout(target.shape, self.name)
        self.curve = DecayCurve(_to_come(self.layout.rows(target) ** 2), floor_db=floor_db)

    def value_and_gradient(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Value at the response `y` (time, outputs, inputs), and the gradient."""
        samples = self.layout.rows(y)
        value, slope = self.curve.difference(_to_come(np.square(samples, dtype=np.float64)))
        gradient = (2.0 * samples * np.cumsum(slope, axis=-1)).astype(samples.dtype, copy=False)
        return value, self.layout.back(gradient, y)


def energy_decay_loss(target: Any, *, floor_db: float = -60.0) -> Loss:
    r"""Mean squared difference in dB between energy decay curves; logged as "energy_decay_loss".

    The curve is E[t] = Σ_{τ ≥ t} h[τ]² (M. Schroeder, "New method of measuring reverberation time", 1965),
    and L = mean over channels and time of (10 lg (E + ε) − 10 lg (E_T + ε))² as long as E_T ≥ ε.

    Parameters
    ----------
    target : (time,), (time, outputs) or (time, outputs, inputs); responses must have the same shape
    floor_db : ε, relative to each channel's whole energy
    """
    return EnergyDecayLoss(response(target, "energy_decay_loss"), floor_db=floor_db)


def _to_come(power: np.ndarray) -> np.ndarray:
    """Sum from each place of the last axis to its end."""
    return np.cumsum(power[..., ::-1], axis=-1, dtype=np.float64)[..., ::-1]


def _bank(bands: str, length: int, sample_rate: float) -> np.ndarray:
    """Weights (bands, bins) that sum the powers of each band; bands without a bin are left out."""
    if bands == "mel":
        bank = mel_bank(length, bands=32, sample_rate=sample_rate)
    else:
        per_octave = 1 if bands == "octave" else 3
        hz = np.arange(1, length // 2 + 1) * (sample_rate / length)
        index = np.round(per_octave * np.log2(hz / 1000.0)).astype(int)
        members = np.arange(index.min(), index.max() + 1)[:, None] == index
        bank = np.concatenate([np.zeros((len(members), 1)), members], axis=1)
    bank = bank[bank.any(axis=1)]
    if not len(bank):
        raise NetworkError(f"a window of {length} samples has no bin in any band; take a longer one")
    return bank
