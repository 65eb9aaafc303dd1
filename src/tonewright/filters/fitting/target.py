"""What a bank is fitted to: the spectrum of a sound, or a curve that was given."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.errors import UsageError
from tonewright.filters.config import Config
from tonewright.filters.spectra import FLOOR_DB, Spectrum, erb_grid, sound_spectrum, spectrum_of_file

Curve = tuple[np.ndarray, np.ndarray]
Sound = Clip | str | os.PathLike[str]

_FEWEST_POINTS, _MOST_POINTS, _POINTS_A_FILTER = 144, 576, 6
_LOWEST_HZ, _HIGHEST_SHARE = 20.0, 0.48
_LOWEST_RATE = 200
_USUAL_RATES = (44100, 48000, 88200, 96000, 176400, 192000)
_FRAME_SHARE = 4096 / 44100
_SOUND_GAIN_DB = 30.0
_MOST_DB = 200.0
# Values are rounded to it, so that the level of a sound does not reach the fit through its last bits.
_STEP_DB = 1e-3


@dataclass(frozen=True, eq=False)
class Target:
    """What a bank is to do, level apart.

    Attributes
    ----------
    frequencies_hz : (points,), rising
    shape_db : (points,), the highest point at 0 dB
    level_db : what was taken off
    weights : (points,), how much each counts; their sum is 1
    at_floor : (points,) whether the sound has nothing there, so that less is as good
    sample_rate : at which the bank is designed
    response : (points,) complex, where the phase counts; its highest point at 1
    greatest_gain_db : of a filter of a series
    assumptions : in words
    """

    frequencies_hz: np.ndarray
    shape_db: np.ndarray
    level_db: float
    weights: np.ndarray
    at_floor: np.ndarray
    sample_rate: int
    response: np.ndarray | None = None
    greatest_gain_db: float = _SOUND_GAIN_DB
    assumptions: tuple[str, ...] = ()


def points_for(filters: int) -> int:
    """Points at which a spectrum is compared: several for each filter, so that none hides between them."""
    return min(max(_FEWEST_POINTS, _POINTS_A_FILTER * filters), _MOST_POINTS)


def target_of_sound(sound: Sound, *, points: int, sample_rate: int | None) -> Target:
    """The mean spectrum of a sound in bands of the ear.

    Raises
    ------
    AudioError
        If the sound is empty, silent or constant, or holds NaN or infinite samples.
    """
    own_rate = rate_of(sound)
    rate = checked_rate(own_rate if sample_rate is None else sample_rate)
    spectrum = spectrum_on(sound, spectrum_settings(points, min(rate, own_rate)))
    measured = spectrum.magnitude_db.astype(np.float64)
    shape, highest = without_level(measured)
    grid = erb_grid(points, high_hz=float(spectrum.frequencies_hz[-1]))
    return Target(
        frequencies_hz=spectrum.frequencies_hz,
        shape_db=shape,
        level_db=highest + spectrum.level_db,
        weights=grid.weights,
        at_floor=shape <= _STEP_DB - FLOOR_DB,
        sample_rate=rate,
        assumptions=(
            f"every bandwidth of the ear from {span_text(spectrum.frequencies_hz)} counts alike; "
            f"what lies {FLOOR_DB:g} dB below the highest point counts as nothing",
        ),
    )


def target_of_curve(curve: Curve, *, points: int, sample_rate: int | None) -> Target:
    """A curve that was given, taken at the points of the ear's grid by straight lines over log frequency.

    Parameters
    ----------
    curve : frequencies in Hz and magnitudes in dB, (values,) each
    """
    frequencies, magnitudes = checked_curve(curve)
    rate = checked_rate(_rate_for(frequencies[-1]) if sample_rate is None else sample_rate)
    low, high = frequencies[0], min(frequencies[-1], _HIGHEST_SHARE * rate)
    if not low < high:
        raise UsageError(f"the curve begins at {low:g} Hz, where a bank at {rate} Hz ends; raise sample_rate")
    grid = erb_grid(points, low_hz=float(low), high_hz=float(high))
    values = np.interp(np.log(grid.frequencies_hz), np.log(frequencies), magnitudes)
    shape, highest = without_level(values)
    return Target(
        frequencies_hz=grid.frequencies_hz,
        shape_db=shape,
        level_db=highest,
        weights=grid.weights,
        at_floor=np.zeros(points, dtype=bool),
        sample_rate=rate,
        assumptions=(f"every bandwidth of the ear from {span_text(grid.frequencies_hz)} counts alike",),
    )


def without_level(values_db: np.ndarray) -> tuple[np.ndarray, float]:
    """Values with their highest at 0 dB, in steps of a thousandth, and what was taken off."""
    highest = float(values_db.max())
    return np.round((values_db - highest) / _STEP_DB) * _STEP_DB, highest


def spectrum_settings(points: int, sample_rate: int) -> Config:
    """How spectra are measured: the usual frames in seconds, the ear's grid as far as the rate reaches."""
    frame = 2 * max(32, round(sample_rate * _FRAME_SHARE / 2))
    return Config(sample_rate=sample_rate, points=points, n_fft=frame)


def spectrum_on(sound: Sound, settings: Config) -> Spectrum:
    """Spectrum of a clip, or of a file in memory that does not grow with its length."""
    if isinstance(sound, Clip):
        return sound_spectrum(sound, config=settings)
    return spectrum_of_file(sound, settings)


def rate_of(sound: Sound) -> int:
    """Sample rate of a clip or a file."""
    from tonewright.audio.files import probe

    return sound.sample_rate if isinstance(sound, Clip) else probe(Path(sound)).sample_rate


def checked_rate(sample_rate: int) -> int:
    """A rate at which there is a band to fit."""
    whole = isinstance(sample_rate, int | np.integer) and not isinstance(sample_rate, bool)
    if not whole or sample_rate < _LOWEST_RATE:
        raise UsageError(
            f"sample_rate is {sample_rate}; fitting needs a whole number of at least {_LOWEST_RATE} Hz"
        )
    return int(sample_rate)


def _rate_for(highest_hz: float) -> int:
    """The lowest usual rate that can hold a frequency."""
    fitting = [rate for rate in _USUAL_RATES if highest_hz <= rate / 2]
    return fitting[0] if fitting else math.ceil(2 * highest_hz)


def span_text(frequencies_hz: np.ndarray) -> str:
    """The ends of a band in words."""
    return f"{frequencies_hz[0]:.4g} Hz to {frequencies_hz[-1]:.5g} Hz"


def checked_curve(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and magnitudes in float64, by rising frequency, refused where they are no curve."""
    try:
        frequencies, magnitudes = (np.asarray(part, dtype=np.float64) for part in curve)
    except (TypeError, ValueError) as error:
        raise UsageError("a curve is a pair of arrays: frequencies in Hz and magnitudes in dB") from error
    if frequencies.ndim != 1 or frequencies.shape != magnitudes.shape or frequencies.size < 2:
        shapes = f"{frequencies.shape} and {magnitudes.shape}"
        raise UsageError(f"a curve has as many frequencies as magnitudes, at least 2; got shapes {shapes}")
    if not (np.isfinite(frequencies).all() and np.isfinite(magnitudes).all()):
        raise UsageError("a curve's frequencies and magnitudes must be finite numbers")
    if not (np.abs(magnitudes) <= _MOST_DB).all():
        raise UsageError(f"a curve's magnitudes lie between -{_MOST_DB:g} and {_MOST_DB:g} dB")
    order = np.argsort(frequencies, kind="stable")
    frequencies, magnitudes = frequencies[order], magnitudes[order]
    kept = frequencies > 0
    frequencies, magnitudes = frequencies[kept], magnitudes[kept]
    if frequencies.size < 2 or not (np.diff(frequencies) > 0).all():
        raise UsageError("a curve's frequencies must differ, and at least two must lie above 0 Hz")
    return frequencies, magnitudes
