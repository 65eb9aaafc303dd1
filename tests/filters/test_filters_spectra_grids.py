"""Where spectra are compared, and how far they are apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.errors import UsageError
from tonewright.filters.config import Config
from tonewright.filters.spectra import erb_grid, grid_of, linear_grid, log_spectral_distance
from tonewright.filters.spectra.grids import erb_bandwidth_hz, erb_frequency_hz, erb_rate

SETTINGS = settings(deadline=None, max_examples=25)


def test_the_scale_of_the_ear_has_its_published_values() -> None:
    """Glasberg and Moore (1990): 132.6 Hz at 1 kHz, 24.7 Hz at 0; E = 21.4 log₁₀(1 + 4.37 f/kHz)."""
    assert erb_bandwidth_hz(1000.0) == pytest.approx(132.6, abs=0.1)
    assert erb_bandwidth_hz(0.0) == pytest.approx(24.7)
    frequencies = np.array([100.0, 1000.0, 10_000.0])
    published = 21.4 * np.log10(1 + 0.00437 * frequencies)
    np.testing.assert_allclose(erb_rate(frequencies), published, rtol=0.004)


def test_one_step_of_the_scale_is_one_bandwidth() -> None:
    """dE/df = 1/ERB."""
    frequencies = np.geomspace(20.0, 20_000.0, 50)
    slope = (erb_rate(frequencies + 0.01) - erb_rate(frequencies - 0.01)) / 0.02
    np.testing.assert_allclose(slope * erb_bandwidth_hz(frequencies), 1.0, rtol=1e-6)
    np.testing.assert_allclose(erb_frequency_hz(erb_rate(frequencies)), frequencies, rtol=1e-12)


@SETTINGS
@given(st.integers(2, 300), st.floats(0, 500), st.floats(600, 90_000))
def test_a_grid_has_equal_steps_between_its_ends(points: int, low_hz: float, high_hz: float) -> None:
    """It begins and ends where it should, and its weights sum to 1."""
    grid = erb_grid(points, low_hz=low_hz, high_hz=high_hz)
    assert grid.frequencies_hz[0] == low_hz
    assert grid.frequencies_hz[-1] == high_hz
    steps = np.diff(erb_rate(grid.frequencies_hz))
    np.testing.assert_allclose(steps, steps.mean(), rtol=1e-9)
    assert grid.weights.sum() == pytest.approx(1.0)


def test_the_linear_grid_is_that_of_a_fourier_transform() -> None:
    """513 bins of 1024 samples."""
    np.testing.assert_allclose(linear_grid(1024, 44100).frequencies_hz, np.fft.rfftfreq(1024, 1 / 44100))
    config = Config(spectrum="linear", n_fft=1024)
    assert grid_of(config).frequencies_hz.size == config.size == 513


@pytest.mark.parametrize("sample_rate", [8000, 22050, 44100, 96000])
def test_what_a_configuration_hears_lies_below_half_its_rate(sample_rate: int) -> None:
    """And at 20 kHz at most."""
    highest = grid_of(Config(sample_rate=sample_rate)).frequencies_hz[-1]
    assert highest == min(20_000.0, 0.48 * sample_rate)


def test_grids_cannot_be_written_to() -> None:
    """They are shared."""
    with pytest.raises(ValueError, match="read-only"):
        erb_grid().frequencies_hz[0] = 1.0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: erb_grid(1), "at least 2"),
        (lambda: erb_grid(8, low_hz=300, high_hz=200), "the first below"),
        (lambda: erb_grid(8, low_hz=np.nan), "the first below"),
        (lambda: erb_grid(8, high_hz=np.inf), "the first below"),
        (lambda: linear_grid(1023), "even"),
    ],
)
def test_what_is_no_grid_is_refused(make: object, words: str) -> None:
    """With words that say why."""
    with pytest.raises(UsageError, match=words):
        make()  # type: ignore[operator]


def test_the_distance_of_a_step_in_closed_form() -> None:
    """Half the points 4 dB up: √(16/2); at the best level ±2 dB everywhere."""
    step = np.repeat([4.0, 0.0], 8)
    assert log_spectral_distance(step, np.zeros(16)) == pytest.approx(np.sqrt(8))
    assert log_spectral_distance(step, np.zeros(16), level_free=True) == pytest.approx(2.0)
    first = np.repeat([1.0, 0.0], 8)
    assert log_spectral_distance(step, np.zeros(16), weights=first) == pytest.approx(4.0)
    assert log_spectral_distance(step, np.zeros(16), weights=first, level_free=True) == pytest.approx(0.0)


@SETTINGS
@given(st.integers(0, 2**32 - 1), st.floats(-60, 60))
def test_distances_are_those_of_a_metric(seed: int, level_db: float) -> None:
    """Symmetry, the triangle, shape, and no level where it is free."""
    a, b, c = np.random.default_rng(seed).normal(0, 20, (3, 5, 32))
    ab = log_spectral_distance(a, b)
    assert ab.shape == (5,)
    np.testing.assert_allclose(ab, log_spectral_distance(b, a))
    assert (ab <= log_spectral_distance(a, c) + log_spectral_distance(c, b) + 1e-9).all()
    free = log_spectral_distance(a, b, level_free=True)
    np.testing.assert_allclose(free, log_spectral_distance(a + level_db, b, level_free=True), atol=1e-9)
    best = log_spectral_distance(a[0] + np.linspace(-40, 40, 4001)[:, None], b[0]).min()
    assert best == pytest.approx(free[0], abs=1e-3)
