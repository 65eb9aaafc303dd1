from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erfc

from tonewright.audio.files import Clip
from tonewright.reverb.analysis import analyse, decay_relief, echo_density
from tonewright.reverb.analysis.density import mixing_time_s


def plain_density(samples, size, hop):
    """The definition, window by window."""
    weights = np.hanning(size + 2)[1:-1]
    weights = weights / weights.sum()
    found = []
    for start in range(0, len(samples) - size + 1, hop):
        part = samples[start : start + size]
        outside = np.abs(part) > np.sqrt(np.sum(weights * part**2))
        found.append(np.sum(weights[outside]) / erfc(1 / np.sqrt(2)))
    return np.array(found)


def test_the_density_is_that_of_its_definition():
    samples = np.random.default_rng(0).laplace(size=3000)
    times, values = echo_density(samples, 8000, window_s=0.025, hop_s=0.003)
    np.testing.assert_allclose(values, plain_density(samples, 200, 24), rtol=1e-12)
    np.testing.assert_allclose(times, (np.arange(len(values)) * 24 + 100) / 8000)


def test_gaussian_noise_has_density_one_and_a_few_echoes_next_to_none():
    rng = np.random.default_rng(1)
    _, noise = echo_density(rng.standard_normal(96000), 48000)
    assert noise.mean() == pytest.approx(1.0, abs=0.01)
    assert noise.std() < 0.05
    echoes = np.zeros(48000)
    echoes[rng.choice(48000, 200)] = 1.0
    assert echo_density(echoes, 48000)[1].max() < 0.1


def test_the_density_does_not_see_the_decay():
    rng = np.random.default_rng(2)
    samples = rng.standard_normal(48000)
    still = echo_density(samples, 48000)[1]
    falling = echo_density(samples * 10 ** (-3 * np.arange(48000) / 48000 / 1.0), 48000)[1]
    np.testing.assert_allclose(falling, still, atol=0.1)


def test_the_mixing_time_is_that_of_the_change_to_noise():
    rng = np.random.default_rng(3)
    time = np.arange(48000) / 48000
    samples = np.where(time < 0.12, rng.standard_normal(48000) * (rng.random(48000) < 0.02), 0.0)
    samples[time >= 0.12] = 0.1 * rng.standard_normal((time >= 0.12).sum())
    samples[0] = 3.0
    samples *= 10 ** (-3 * time / 1.5)
    found = analyse(Clip(0.1 * samples[None].astype(np.float32), 48000))
    assert found.mixing_time_s[0] == pytest.approx(0.12, abs=0.015)
    assert found.echo_density_times_s[0] == pytest.approx(0.0, abs=1e-3)
    assert (found.echo_density[0, (found.echo_density_times_s < 0.1)] < 0.6).all()


def test_without_a_full_window_there_is_no_density():
    times, values = echo_density(np.ones(100), 48000)
    assert len(times) == len(values) == 0
    assert np.isnan(mixing_time_s(times, values))


def test_a_relief_falls_at_the_rate_of_the_decay():
    time = np.arange(96000) / 48000
    samples = np.random.default_rng(4).standard_normal(96000) * 10 ** (-3 * time / 0.8)
    levels, times, edges = decay_relief(samples, 48000, rows=30, columns=100)
    assert levels.shape == (30, len(times))
    assert len(edges) == 31
    assert len(times) <= 100
    assert levels.max() == 0
    assert (np.diff(levels, axis=1) <= 1e-9).all()
    part = (times > 0.1) & (times < 1.2)
    slopes = [np.polyfit(times[part], row[part], 1)[0] for row in levels[5:]]
    np.testing.assert_allclose(slopes, -60 / 0.8, rtol=0.05)


def test_a_relief_of_a_single_sample_exists():
    levels, times, _ = decay_relief(np.ones(1), 48000)
    assert levels.shape == (96, len(times))
    assert np.isfinite(levels).all()
