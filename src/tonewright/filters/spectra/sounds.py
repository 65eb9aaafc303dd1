"""Spectra of sounds: their mean power as the ear divides it, without the level."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.audio.files import SoundReader
from tonewright.errors import AudioError
from tonewright.filters.config import Config
from tonewright.filters.spectra.grids import grid_of
from tonewright.filters.spectra.smoothing import frame_length, smoothing_of

FLOOR_DB = 60.0
_SILENT_POWER = 1e-14  # -140 dB of full scale, less than the last bit of 24
_SAMPLES_AT_ONCE = 1 << 18
_BLOCK_FRAMES = 1 << 18


class Spectrum(NamedTuple):
    """The spectrum of a sound.

    magnitude_db + level_db is what was measured, as far as it lies above the floor: a filter of this response
    makes the sound's spectrum out of white noise of RMS 1 at the sound's rate.

    Attributes
    ----------
    frequencies_hz : (points,)
    magnitude_db : (points,) float32, the level taken out, nowhere more than `FLOOR_DB` below the highest
    level_db : what was taken out: of an "erb" spectrum the mean power over its points, of a "linear" one
        the highest
    sample_rate : of the sound, Hz
    """

    frequencies_hz: np.ndarray
    magnitude_db: np.ndarray
    level_db: float
    sample_rate: int


class SpectrumMeter:
    """Mean power of a sound that comes in blocks, however it is divided.

    Frames are Hann windows of n_fft samples at the configuration's rate (as many seconds at others), half a
    frame apart; half a frame of silence stands before the sound and as much as is needed after it, so that
    its beginning and its end count as much as the rest. Powers add up over frames and channels.

    Parameters
    ----------
    config : its n_fft, sample_rate, spectrum and points count
    sample_rate : of the sound, Hz
    name : of the sound, for errors
    """

    def __init__(
        self, config: Config, sample_rate: int, *, name: str | os.PathLike[str] = "this sound"
    ) -> None:
        self._config, self._sample_rate, self._name = config, sample_rate, os.fsdecode(name)
        self._length = frame_length(config, sample_rate)
        self._window = _hann(self._length)
        self._power = np.zeros(self._length // 2 + 1)
        self._square, self._samples, self._frames = 0.0, 0, 0
        self._first: np.ndarray | None = None
        self._rest = np.zeros((1, 0), np.float32)
        self._varies = False

    def add(self, block: np.ndarray) -> None:
        """Go on with the sound.

        Parameters
        ----------
        block : (channels, time), as many channels each time
        """
        channels = block.shape[0]
        if not block.shape[1]:
            return
        if self._first is None:
            self._first = block[:, :1].copy()
            self._rest = np.zeros((channels, self._length // 2), np.float32)
        self._varies = self._varies or bool((block != self._first).any())
        self._samples += block.size
        with np.errstate(over="ignore", invalid="ignore"):
            self._square += float(np.vdot(block, block))
            step = max(self._length, _SAMPLES_AT_ONCE // channels)
            for start in range(0, block.shape[1], step):
                self._take(np.concatenate((self._rest, block[:, start : start + step]), axis=1))

    def spectrum(self) -> Spectrum:
        """The spectrum of all that came; the meter is used up.

        Raises
        ------
        AudioError
            If nothing came, or nothing but silence or a constant, or NaN or infinite samples.
        """
        if self._first is None:
            raise AudioError(self._name, "holds no samples")
        if not np.isfinite(self._square):
            raise AudioError(self._name, "holds NaN or infinite samples")
        if self._square < _SILENT_POWER * self._samples:
            raise AudioError(self._name, "is silent, and silence has no spectrum")
        if not self._varies and self._samples > self._first.size:
            raise AudioError(self._name, "is one constant value throughout, which nobody hears")
        half = self._length // 2
        missing = half + -self._rest.shape[1] % half
        self._take(np.pad(self._rest, ((0, 0), (0, missing))))
        scale = self._frames * float(np.vdot(self._window, self._window))
        power = smoothing_of(self._config, self._sample_rate).applied(self._power / scale)
        if not power.max() > 0:
            raise AudioError(self._name, "holds nothing in the band that is heard")
        return _levelled(power, self._config, self._sample_rate)

    def _take(self, samples: np.ndarray) -> None:
        """Add the frames that begin in samples, (channels, time), and keep what is left."""
        half, length = self._length // 2, self._length
        count = samples.shape[1] // half - 1
        if count < 1:
            self._rest = samples
            return
        halves = samples[:, : (count + 1) * half]
        frames = np.lib.stride_tricks.sliding_window_view(halves, length, axis=1)[:, ::half]
        spectra = np.fft.rfft(frames * self._window)
        parts = spectra.reshape(-1, spectra.shape[-1]).view(np.float32)
        squares = np.einsum("fb,fb->b", parts, parts)
        self._power += squares.reshape(-1, 2).sum(axis=1)
        self._frames += frames.shape[0] * frames.shape[1]
        self._rest = samples[:, count * half :]


def sound_spectrum(clip: Clip, *, config: Config) -> Spectrum:
    """Mean spectrum of a sound over its frames and channels.

    Parameters
    ----------
    clip : of any rate; above half of it there is the floor

    Raises
    ------
    AudioError
        If it is empty, silent or constant, or holds NaN or infinite samples.
    """
    return spectrum_of_blocks((clip.samples,), clip.sample_rate, config=config)


def spectrum_of_file(
    path: str | os.PathLike[str], config: Config, *, start: int = 0, frames: int | None = None
) -> Spectrum:
    """As `sound_spectrum`, of a file or a part of one, in memory that does not grow with its length.

    Parameters
    ----------
    path : of a sound file
    start, frames : the part, in frames of the file; without `frames`, to the end
    """
    with SoundReader(path) as reader:
        blocks = reader.blocks(_BLOCK_FRAMES, start=start, frames=frames)
        return spectrum_of_blocks(blocks, reader.info.sample_rate, config=config, name=path)


def spectrum_of_blocks(
    blocks: Iterable[np.ndarray],
    sample_rate: int,
    *,
    config: Config,
    name: str | os.PathLike[str] = "this sound",
) -> Spectrum:
    """As `sound_spectrum`, of a sound in blocks, (channels, time) each; the same however it is divided."""
    meter = SpectrumMeter(config, sample_rate, name=name)
    for block in blocks:
        meter.add(block)
    return meter.spectrum()


def heard(magnitude_db: np.ndarray, config: Config) -> np.ndarray:
    """What the model is given: the dB of an "erb" spectrum, of a "linear" one magnitudes whose highest is 1.

    Parameters
    ----------
    magnitude_db : (…, points)

    Returns
    -------
    (…, points) float32
    """
    values = np.asarray(magnitude_db, dtype=np.float32)
    return values if config.spectrum == "erb" else np.power(np.float32(10.0), values / np.float32(20.0))


def _levelled(power: np.ndarray, config: Config, sample_rate: int) -> Spectrum:
    grid = grid_of(config)
    highest = power.max()
    level_db = 10.0 * np.log10(highest if config.spectrum == "linear" else grid.weights @ power)
    floored = np.maximum(power, highest * 10.0 ** (-FLOOR_DB / 10.0))
    magnitude_db = (10.0 * np.log10(floored) - level_db).astype(np.float32)
    return Spectrum(grid.frequencies_hz, magnitude_db, float(level_db), sample_rate)


@lru_cache(maxsize=16)
def _hann(length: int) -> np.ndarray:
    window = (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length)).astype(np.float32)
    window.setflags(write=False)
    return window
