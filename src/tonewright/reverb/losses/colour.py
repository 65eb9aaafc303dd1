"""Losses on the magnitude of the transfer function: flat, like a target, or without colour."""

from __future__ import annotations

from typing import Any

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.losses.base import Domain, Loss, positive

_DB = 10.0 / np.log(10.0)
_TINY = np.float32(1e-30)


class ColorlessLoss:
    """See `colorless_loss`."""

    name = "mse_loss"
    domain: Domain = "spectrum"

    def value_and_gradient(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Value at the spectrum `y` (bins, outputs, inputs), and the gradient."""
        spectrum = spectrum_of(y, self.name)
        magnitude = np.abs(spectrum)
        excess = magnitude.sum(axis=1, keepdims=True) - 1.0
        value = float(np.mean(np.square(excess, dtype=np.float64)))
        slope = excess * magnitude.dtype.type(2.0 / excess.size) / np.maximum(magnitude, _TINY)
        return value, spectrum * slope


def colorless_loss() -> Loss:
    r"""Loss that draws the magnitude of the transfer function to 1 at every bin.

    L = mean over bins and inputs of (Σ_outputs |H| − 1)². Where H is 0 the gradient is taken as 0.
    """
    return ColorlessLoss()


class LogMagnitudeLoss:
    """See `log_magnitude_loss`."""

    name = "log_magnitude_loss"
    domain: Domain = "spectrum"

    def __init__(
        self, target: np.ndarray, *, sample_rate: float, per_octave: float | None, floor_db: float
    ) -> None:
        self.bands = _Bands(target.shape[0], sample_rate, per_octave)
        power = self.bands.power(square(target))
        self.floor = float(power.max()) * 10.0 ** (floor_db / 10.0) or 1.0
        self.level_db = _DB * np.log(power + self.floor)
        self.shape = target.shape

    def value_and_gradient(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Value at the spectrum `y` (bins, outputs, inputs), and the gradient."""
        spectrum = spectrum_of(y, self.name)
        if spectrum.shape != self.shape:
            raise NetworkError(f"{self.name}: the spectrum has shape {y.shape}, the target {self.shape}")
        power = self.bands.power(square(spectrum)) + self.floor
        difference_db = _DB * np.log(power) - self.level_db
        slope = (2.0 * _DB / difference_db.size) * difference_db / power
        return float(np.mean(difference_db**2)), through_power(spectrum, self.bands.adjoint(slope))


def log_magnitude_loss(
    target: Any,
    *,
    sample_rate: float = 48000.0,
    per_octave: float | None = None,
    floor_db: float = -80.0,
) -> Loss:
    r"""Mean squared difference of levels in dB between the transfer function and a target's.

    L = mean (10 lg (P + ε) − 10 lg (P_T + ε))², where P is |H|² at each bin, or its mean over each band.

    Parameters
    ----------
    target : (bins, outputs, inputs), or fewer axes: the target's spectrum at the bins of a real FFT, complex
        or its magnitude
    sample_rate : in Hz, for the bands
    per_octave : bands to the octave, 3 for third octaves; by default every bin by itself
    floor_db : ε, relative to the target's highest power
    """
    values = np.asarray(target)
    if not 1 <= values.ndim <= 3 or not values.size or not np.isfinite(values).all():
        raise NetworkError(
            f"log_magnitude_loss: the target has shape {values.shape}; it must be (bins, outputs, inputs), "
            "not empty, and finite"
        )
    values = values.reshape(values.shape + (1,) * (3 - values.ndim))
    return LogMagnitudeLoss(values, sample_rate=sample_rate, per_octave=per_octave, floor_db=floor_db)


class ColourationLoss:
    """See `colouration_loss`."""

    name = "colouration_loss"
    domain: Domain = "spectrum"

    def __init__(self, *, sample_rate: float, per_octave: float | None, floor_db: float) -> None:
        self.sample_rate = positive(sample_rate, "sample_rate")
        self.per_octave = per_octave
        self.floor = 10.0 ** (floor_db / 10.0)
        self.bands: _Bands | None = None

    def value_and_gradient(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Value at the spectrum `y` (bins, outputs, inputs), and the gradient."""
        spectrum = spectrum_of(y, self.name)
        if self.bands is None or self.bands.bins != spectrum.shape[0]:
            self.bands = _Bands(spectrum.shape[0], self.sample_rate, self.per_octave)
        power = self.bands.power(square(spectrum)) + self.floor
        level_db = _DB * np.log(power)
        deviation_db = level_db - level_db.mean(axis=0)
        slope = (2.0 * _DB / deviation_db.size) * deviation_db / power
        return float(np.mean(deviation_db**2)), through_power(spectrum, self.bands.adjoint(slope))


def colouration_loss(
    *, sample_rate: float = 48000.0, per_octave: float | None = None, floor_db: float = -100.0
) -> Loss:
    r"""Variance over frequency of the level of the transfer function, in dB².

    L = mean over channels of Var_k 10 lg (P_k + ε), where P is |H|² at each bin, or its mean over each band.
    It does not depend on the overall gain as long as that is far above the floor.

    Parameters
    ----------
    sample_rate : in Hz, for the bands
    per_octave : bands to the octave; by default every bin by itself
    floor_db : ε, relative to a gain of 1
    """
    return ColourationLoss(sample_rate=sample_rate, per_octave=per_octave, floor_db=floor_db)


class _Bands:
    """Means of power over neighbouring bins, and back."""

    def __init__(self, bins: int, sample_rate: float, per_octave: float | None) -> None:
        self.bins = bins
        self.starts: np.ndarray | None = None
        if per_octave is None:
            return
        positive(per_octave, "per_octave")
        hz = np.arange(1, bins) * (positive(sample_rate, "sample_rate") / 2.0 / max(bins - 1, 1))
        band = np.round(per_octave * np.log2(hz / 1000.0))
        self.starts = np.flatnonzero(np.concatenate([[True, True], np.diff(band) > 0])[:bins])
        self.counts = np.diff(np.append(self.starts, bins))

    def power(self, values: np.ndarray) -> np.ndarray:
        """Mean of (bins, …) over each band, (bands, …); float64."""
        if self.starts is None:
            return values
        return np.add.reduceat(values, self.starts, axis=0) / self.counts[:, None, None]

    def adjoint(self, values: np.ndarray) -> np.ndarray:
        """Gradient with respect to every bin, from that with respect to every band."""
        if self.starts is None:
            return values
        return np.repeat(values / self.counts[:, None, None], self.counts, axis=0)


def spectrum_of(y: np.ndarray, name: str) -> np.ndarray:
    """`y` (bins, outputs, inputs) as a contiguous complex array, its shape checked."""
    if y.ndim != 3 or not y.size:
        raise NetworkError(f"{name}: the spectrum has shape {y.shape}; it must be (bins, outputs, inputs)")
    dtype = y.dtype if y.dtype in (np.complex64, np.complex128) else np.complex128
    return np.ascontiguousarray(y, dtype=dtype)


def square(values: np.ndarray) -> np.ndarray:
    """|values|² in double precision."""
    return np.square(np.real(values), dtype=np.float64) + np.square(np.imag(values), dtype=np.float64)


def through_power(spectrum: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Gradient with respect to H, from that with respect to |H|²."""
    return spectrum * (2.0 * slope).astype(np.real(spectrum).dtype, copy=False)
