"""What makes one recording sound like another: the difference of their spectra, within reason."""

from __future__ import annotations

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.errors import AudioError
from tonewright.filters.config import Config
from tonewright.filters.fitting.target import (
    Sound,
    Target,
    checked_rate,
    rate_of,
    span_text,
    spectrum_on,
    spectrum_settings,
    without_level,
)
from tonewright.filters.spectra import FLOOR_DB, Spectrum, erb_grid
from tonewright.filters.spectra.grids import erb_rate

GREATEST_DB = 24.0
_SMOOTHED_OVER_ERB = 2.0
# Over so many dB above the floor, a point comes to count in full.
_FADE_DB = 12.0
_LEAST_WEIGHT = 0.1


def target_of_match(sound: Sound, reference: Sound, *, points: int, sample_rate: int | None) -> Target:
    """The spectrum of the reference less that of the sound, in dB, smoothed, without level, limited.

    Where the sound lies at its floor nothing is asked for, and so nothing is boosted that is not there;
    points at which either lies at its floor count a tenth.

    Raises
    ------
    AudioError
        If either is empty, silent or constant, or holds NaN or infinite samples.
    """
    own_rate = rate_of(sound)
    rate = checked_rate(own_rate if sample_rate is None else sample_rate)
    settings = spectrum_settings(points, checked_rate(min(rate, own_rate, rate_of(reference))))
    spectrum = spectrum_on(sound, settings)
    wanted = _spectrum_of_reference(reference, settings)
    grid = erb_grid(points, high_hz=float(spectrum.frequencies_hz[-1]))
    present, both = _presence(spectrum), _presence(spectrum) * _presence(wanted)
    difference = wanted.magnitude_db.astype(np.float64) - spectrum.magnitude_db
    smooth = _smoothed(difference, _LEAST_WEIGHT + both, grid.frequencies_hz)
    middle = float(smooth @ (both + 1e-9) / (both + 1e-9).sum())
    shape, highest = without_level(np.clip(smooth - middle, -GREATEST_DB, GREATEST_DB) * present)
    weights = _LEAST_WEIGHT + (1 - _LEAST_WEIGHT) * both
    return Target(
        frequencies_hz=grid.frequencies_hz,
        shape_db=shape,
        level_db=highest,
        weights=weights / weights.sum(),
        at_floor=np.zeros(points, dtype=bool),
        sample_rate=rate,
        greatest_gain_db=GREATEST_DB,
        assumptions=(
            f"the difference in level is left as it is; the difference in tone is smoothed over "
            f"{_SMOOTHED_OVER_ERB:g} bandwidths of the ear and limited to ±{GREATEST_DB:g} dB, from "
            f"{span_text(grid.frequencies_hz)}",
            f"points {FLOOR_DB:g} dB below the highest of either recording count a tenth; where the sound "
            "has nothing, nothing is changed",
        ),
    )


def _spectrum_of_reference(reference: Sound, settings: Config) -> Spectrum:
    try:
        return spectrum_on(reference, settings)
    except AudioError as error:
        raise AudioError(
            "the reference" if isinstance(reference, Clip) else error.path, error.reason
        ) from error


def _presence(spectrum: Spectrum) -> np.ndarray:
    """0 at the floor, 1 well above it, (points,)."""
    above = spectrum.magnitude_db.astype(np.float64) - spectrum.magnitude_db.max() + FLOOR_DB
    return np.clip(above / _FADE_DB, 0.0, 1.0)


def _smoothed(values: np.ndarray, weights: np.ndarray, frequencies_hz: np.ndarray) -> np.ndarray:
    """Weighted means over a raised cosine of the ear's scale, (points,)."""
    rates = erb_rate(frequencies_hz)
    apart = np.clip(np.abs(rates[:, None] - rates) / _SMOOTHED_OVER_ERB, 0.0, 1.0)
    shares = (0.5 + 0.5 * np.cos(np.pi * apart)) * weights
    return (shares @ values) / shares.sum(axis=1)
