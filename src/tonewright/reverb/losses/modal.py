"""A loss on how evenly the modes of a network are excited."""

from __future__ import annotations

import numpy as np

from tonewright.reverb.losses.base import Domain, Loss, chosen
from tonewright.reverb.losses.colour import spectrum_of, square, through_power

_DB = 10.0 / np.log(10.0)
_TINY = 1e-200
_PEAK_FLOOR = 1e-10


class ModalLoss:
    """See `modal_loss`."""

    name = "modal_loss"
    domain: Domain = "spectrum"

    def __init__(self, measure: str) -> None:
        self.measure = _peak_spread if measure == "peaks" else _energy_spread

    def value_and_gradient(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Value at the spectrum `y` (bins, outputs, inputs), and the gradient."""
        spectrum = spectrum_of(y, self.name)
        power = square(spectrum).reshape(len(spectrum), -1)
        value, slope = self.measure(power)
        return value, through_power(spectrum, slope.reshape(spectrum.shape))


def modal_loss(*, measure: str = "energy") -> Loss:
    r"""How unevenly the modes of a network are excited; logged as "modal_loss".

    "energy" is ln (mean |H|⁴ / (mean |H|²)²), where means go over the bins, averaged over channels. Around a
    mode with a pole of radius a little below 1 the transfer function is a resonance as high as the mode's
    residue r, so that for resonances that stand apart this is ln (K Σ |r|⁴ / (Σ |r|²)²) and a constant, least
    when all K residues are of one magnitude. It is smooth, and no gain changes it.

    "peaks" is the variance of 10 lg |H|² over the bins that stand above both of their neighbours, in dB². It
    also hears the faint modes, but peaks come and go.

    Resonances have to be wider than the bins are apart: give a lossless network a decay, or the spectrum of a
    circle inside the unit circle; and they have to be narrower than the modes are apart, 2π / Σ delays. (The
    evenness of residues as the mark of a colourless network is that of G. Dal Santo et al., "Optimizing tiny
    colorless feedback delay networks", 2024.)

    Parameters
    ----------
    measure : "energy" or "peaks"
    """
    return ModalLoss(chosen(measure, ("energy", "peaks"), "measure"))


def _energy_spread(power: np.ndarray) -> tuple[float, np.ndarray]:
    """Value and slope by the power (bins, channels)."""
    first = power.mean(axis=0)
    second = np.mean(power * power, axis=0)
    value = np.log((second + _TINY) / (first * first + _TINY))
    slope = 2.0 * power / (second + _TINY) - 2.0 * first / (first * first + _TINY)
    return float(value.mean()), slope / power.size


def _peak_spread(power: np.ndarray) -> tuple[float, np.ndarray]:
    """Value and slope by the power (bins, channels)."""
    inside = power[1:-1]
    peaks = np.zeros(power.shape, bool)
    peaks[1:-1] = (inside > power[:-2]) & (inside >= power[2:])
    count = np.maximum(peaks.sum(axis=0), 1)
    level_db = np.where(peaks, _DB * np.log(power + _PEAK_FLOOR), 0.0)
    deviation_db = np.where(peaks, level_db - level_db.sum(axis=0) / count, 0.0)
    scaled = deviation_db / (count * power.shape[1])
    return float(np.sum(scaled * deviation_db)), 2.0 * _DB * scaled / (power + _PEAK_FLOOR)
