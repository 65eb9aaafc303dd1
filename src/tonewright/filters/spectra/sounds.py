"""Spectra of sounds: their mean power as the ear divides it, without the level."""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.filters.config import Config

FLOOR_DB = 60.0


class Spectrum(NamedTuple):
    """The spectrum of a sound.

    magnitude_db + level_db is what was measured, in dB of full scale, as far as it lies above the floor.

    Attributes
    ----------
    frequencies_hz : (points,)
    magnitude_db : (points,) float32, the level taken out, nothing more than `FLOOR_DB` below the highest point
    level_db : what was taken out
    sample_rate : of the sound, Hz
    """

    frequencies_hz: np.ndarray
    magnitude_db: np.ndarray
    level_db: float
    sample_rate: int


def sound_spectrum(clip: Clip, *, config: Config) -> Spectrum:
    """Mean spectrum of a sound over its frames and channels; AudioError where it is silent or not finite."""
    raise NotImplementedError


def spectrum_of_file(
    path: str | os.PathLike[str], config: Config, *, start: int = 0, frames: int | None = None
) -> Spectrum:
    """As `sound_spectrum`, of a file or a part of one, in bounded memory."""
    raise NotImplementedError


def heard(magnitude_db: np.ndarray, config: Config) -> np.ndarray:
    """What the model is given: the dB of an "erb" spectrum, the linear magnitudes of a "linear" one.

    Parameters
    ----------
    magnitude_db : (…, points)

    Returns
    -------
    (…, points) float32
    """
    raise NotImplementedError
