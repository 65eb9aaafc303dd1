"""Spectra of sounds, against independent computations and by their invariances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.clips import Clip
from tonewright.audio.files import write
from tonewright.dsp.biquads import bandpass, response
from tonewright.errors import AudioError
from tonewright.filters.config import Config
from tonewright.filters.spectra import FLOOR_DB, grid_of, heard, sound_spectrum, spectrum_of_file
from tonewright.filters.spectra.grids import erb_bandwidth_hz
from tonewright.filters.spectra.sounds import spectrum_of_blocks

ERB = Config()
LINEAR = Config(spectrum="linear", n_fft=1024)
SETTINGS = settings(deadline=None, max_examples=15)
NO_TREND: Any = False  # SciPy's declaration asks for a word


def noise(seconds: float = 1.0, rate: int = 44100, channels: int = 1, seed: int = 0) -> np.ndarray:
    """White noise of RMS 0.1."""
    drawn = np.random.default_rng(seed).standard_normal((channels, round(seconds * rate)))
    return (0.1 * drawn).astype(np.float32)


def welch(samples: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean power of frames by SciPy, half a frame of silence before and enough after."""
    half = length // 2
    tail = half + -samples.shape[-1] % half
    padded = np.pad(samples.astype(np.float64), ((0, 0), (half, tail)))
    _, power = scipy.signal.welch(
        padded, 1.0, window="hann", nperseg=length, noverlap=half, detrend=NO_TREND, return_onesided=False
    )
    return np.arange(half + 1), power[:, : half + 1].mean(0)


def test_the_smoothed_spectrum_is_an_integral_over_the_ears_band() -> None:
    """Welch's method by SciPy, then numerical integration of a raised cosine times straight lines."""
    samples = noise(0.7, channels=2) * np.array([[1.0], [0.3]], np.float32)
    found = sound_spectrum(Clip(samples, 44100), config=ERB)
    bins, power = welch(samples, ERB.n_fft)
    spacing_hz = 44100 / ERB.n_fft
    for point in (20, 45, 70, 95):
        centre = found.frequencies_hz[point]
        width = erb_bandwidth_hz(centre)
        ruler = np.linspace(centre - width, centre + width, 20_001)
        kernel = 0.5 + 0.5 * np.cos(np.pi * (ruler - centre) / width)
        density = np.interp(ruler, bins * spacing_hz, power)
        expected = scipy.integrate.trapezoid(kernel * density, ruler) / width
        assert found.magnitude_db[point] + found.level_db == pytest.approx(10 * np.log10(expected), abs=0.01)


def test_the_linear_spectrum_is_welchs() -> None:
    """513 magnitudes, the highest 1."""
    samples = noise(0.5)
    found = sound_spectrum(Clip(samples, 44100), config=LINEAR)
    _, power = welch(samples, 1024)
    np.testing.assert_allclose(heard(found.magnitude_db, LINEAR), np.sqrt(power / power.max()), atol=1e-5)
    assert found.level_db == pytest.approx(10 * np.log10(power.max()), abs=1e-3)


def test_noise_through_a_filter_has_the_filters_response() -> None:
    """And the level of the noise: a filter of this response makes this spectrum out of noise of RMS 1."""
    b, a = bandpass(np.float64(2000.0), np.float64(1.0), sample_rate=44100)
    samples = np.asarray(scipy.signal.lfilter(b, a, noise(20.0)), np.float32)
    found = sound_spectrum(Clip(samples, 44100), config=ERB)
    expected = 20 * np.log10(np.abs(response(b, a, found.frequencies_hz, sample_rate=44100))) - 20
    # Where the filter's response is straight within a band of the ear.
    inside = slice(20, 90)
    np.testing.assert_allclose((found.magnitude_db + found.level_db)[inside], expected[inside], atol=1.0)


@pytest.mark.parametrize("frequency_hz", [50.0, 440.0, 5000.0, 17_000.0])
def test_a_tone_stands_where_it_sounds(frequency_hz: float) -> None:
    """The highest point is the nearest to it, and far from it there is the floor."""
    time_s = np.arange(44100) / 44100
    envelope = np.hanning(44100)
    clip = Clip((0.5 * envelope * np.sin(2 * np.pi * frequency_hz * time_s))[None].astype(np.float32), 44100)
    found = sound_spectrum(clip, config=ERB)
    highest = found.magnitude_db.argmax()
    assert abs(highest - np.abs(found.frequencies_hz - frequency_hz).argmin()) <= 1
    assert found.magnitude_db.min() == pytest.approx(found.magnitude_db.max() - FLOOR_DB, abs=1e-4)


@pytest.mark.parametrize("config", [ERB, LINEAR])
@SETTINGS
@given(data=st.data())
def test_blocks_equal_the_whole(config: Config, data: st.DataObject) -> None:
    """However a sound is divided."""
    samples = noise(data.draw(st.floats(0.0001, 0.8)), channels=data.draw(st.integers(1, 3)))
    frames = samples.shape[1]
    cuts = sorted(data.draw(st.lists(st.integers(0, frames), max_size=6)))
    blocks = [samples[:, a:b] for a, b in zip([0, *cuts], [*cuts, frames], strict=True)]
    whole = sound_spectrum(Clip(samples, 44100), config=config)
    parts = spectrum_of_blocks(blocks, 44100, config=config)
    np.testing.assert_allclose(parts.magnitude_db, whole.magnitude_db, atol=1e-4)
    assert parts.level_db == pytest.approx(whole.level_db, abs=1e-4)


@SETTINGS
@given(st.floats(-60, 12), st.integers(1, 2000), st.integers(0, 99))
def test_louder_is_the_same_spectrum_at_another_level(gain_db: float, frames: int, seed: int) -> None:
    """Scaling moves level_db alone; a second equal channel moves nothing."""
    samples = noise(frames / 44100, seed=seed)
    found = sound_spectrum(Clip(samples, 44100), config=ERB)
    scaled = sound_spectrum(Clip(samples * np.float32(10 ** (gain_db / 20)), 44100), config=ERB)
    twice = sound_spectrum(Clip(np.repeat(samples, 2, axis=0), 44100), config=ERB)
    np.testing.assert_allclose(scaled.magnitude_db, found.magnitude_db, atol=1e-3)
    assert scaled.level_db - found.level_db == pytest.approx(gain_db, abs=1e-3)
    np.testing.assert_allclose(twice.magnitude_db, found.magnitude_db, atol=1e-4)


@pytest.mark.parametrize("rate", [8000, 22050, 48000, 96000, 192_000])
def test_the_rate_of_a_sound_does_not_colour_it(rate: int) -> None:
    """Below both limits the spectrum is that at 44.1 kHz; above half the rate there is the floor."""
    b, a = bandpass(np.float64(800.0), np.float64(0.7), sample_rate=44100)
    original = Clip(np.asarray(scipy.signal.lfilter(b, a, noise(3.0)), np.float32), 44100)
    found = sound_spectrum(original.resampled(rate), config=ERB)
    known = sound_spectrum(original, config=ERB)
    reach = erb_bandwidth_hz(found.frequencies_hz)
    heard_by_both = known.frequencies_hz + reach < 0.45 * min(rate, 44100)
    difference = (found.magnitude_db - known.magnitude_db)[heard_by_both]
    assert np.abs(difference - difference.mean()).max() < 0.7
    above = found.frequencies_hz - reach > 0.5 * rate
    np.testing.assert_allclose(found.magnitude_db[above], found.magnitude_db.max() - FLOOR_DB, atol=1e-4)


def test_one_sample_is_heard_as_a_click() -> None:
    """A flat spectrum."""
    found = sound_spectrum(Clip(np.full((1, 1), 0.3, np.float32), 44100), config=ERB)
    np.testing.assert_allclose(found.magnitude_db, 0.0, atol=1e-3)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros((2, 5000)), "silent"),
        (np.full((1, 5000), 1e-9), "silent"),
        (np.full((2, 9000), 0.25), "one constant value"),
        (np.zeros((1, 0)), "holds no samples"),
        (np.array([[0.1, np.nan, 0.2]]), "NaN"),
        (np.array([[0.1, np.inf, 0.2]]), "NaN or infinite"),
    ],
)
@pytest.mark.parametrize("config", [ERB, LINEAR])
def test_what_has_no_spectrum_is_said(samples: np.ndarray, words: str, config: Config) -> None:
    """With words that say why."""
    with pytest.raises(AudioError, match=words):
        sound_spectrum(Clip(samples.astype(np.float32), 44100), config=config)


def test_a_constant_beside_sound_is_not_heard() -> None:
    """An offset shows in the band of a few hertz alone, not even at 20 Hz, but for its two ends."""
    samples = noise(4.0)
    found = sound_spectrum(Clip(samples + np.float32(0.05), 44100), config=ERB)
    known = sound_spectrum(Clip(samples, 44100), config=ERB)
    np.testing.assert_allclose(found.magnitude_db[8:], known.magnitude_db[8:], atol=0.1)


def test_a_file_and_a_part_of_it(tmp_path: Path) -> None:
    """As the clip that they hold; stereo, in 24 bits."""
    samples = noise(1.0, channels=2)
    write(tmp_path / "sound.wav", Clip(samples, 44100), encoding="float")
    whole = spectrum_of_file(tmp_path / "sound.wav", ERB)
    known = sound_spectrum(Clip(samples, 44100), config=ERB)
    np.testing.assert_allclose(whole.magnitude_db, known.magnitude_db, atol=1e-5)
    part = spectrum_of_file(tmp_path / "sound.wav", ERB, start=1000, frames=20_000)
    known = sound_spectrum(Clip(samples[:, 1000:21_000], 44100), config=ERB)
    np.testing.assert_allclose(part.magnitude_db, known.magnitude_db, atol=1e-5)
    assert (whole.sample_rate, whole.frequencies_hz.size) == (44100, grid_of(ERB).weights.size)


def test_errors_name_the_file(tmp_path: Path) -> None:
    """Silence in a file, and no file."""
    write(tmp_path / "still.wav", Clip(np.zeros((1, 900), np.float32), 44100))
    with pytest.raises(AudioError, match=r"still\.wav: is silent"):
        spectrum_of_file(tmp_path / "still.wav", ERB)
    with pytest.raises(AudioError, match=r"none\.wav: there is no such file"):
        spectrum_of_file(tmp_path / "none.wav", ERB)
