"""Losses of decay, density, colour and modes against what is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard

from tonewright.reverb.losses import (
    colorless_loss,
    colouration_loss,
    decay_relief_loss,
    echo_density_loss,
    energy_decay_loss,
    log_magnitude_loss,
    modal_loss,
    sparsity_loss,
    spectrogram_loss,
)
from tonewright.reverb.losses.decay import DecayCurve


def falling(db_per_sample: float, time: int = 4000) -> np.ndarray:
    return 10 ** (-db_per_sample / 20 * np.arange(time))[:, None, None]


def test_energy_still_to_come_of_an_exponential_is_a_line() -> None:
    curve = DecayCurve(np.cumsum(falling(0.02)[::-1, 0, 0] ** 2)[::-1], floor_db=-1000.0)
    np.testing.assert_allclose(np.diff(curve.level_db[:1000]), -0.02, rtol=1e-6)


@pytest.mark.parametrize("gain_db", [-6.0, 10.0])
def test_energy_decay_loss_of_another_level_is_its_square(gain_db: float) -> None:
    target = falling(0.05)
    loss = energy_decay_loss(target, floor_db=-30.0)
    value, _ = loss.value_and_gradient(10 ** (gain_db / 20) * target)
    compared = np.arange(600)
    ratio = 10 ** (gain_db / 10)
    energy = 10 ** (-0.005 * compared)
    expected = np.mean((10 * np.log10((ratio * energy + 1e-3) / (energy + 1e-3))) ** 2)
    assert value == pytest.approx(expected, rel=1e-2)


def test_energy_decay_loss_of_another_decay() -> None:
    # Both are 0 dB at the start; one falls by 30 dB in 1500 samples, the other by 36 dB.
    faster, slower = falling(0.024), falling(0.02)
    level = np.sum(slower**2) / np.sum(faster**2)
    loss = energy_decay_loss(slower, floor_db=-30.0)
    value, _ = loss.value_and_gradient(faster * np.sqrt(level))
    below = 10 ** (-0.002 * np.arange(1500)), 10 ** (-0.0024 * np.arange(1500))
    expected = np.mean((10 * np.log10((below[1] + 1e-3) / (below[0] + 1e-3))) ** 2)
    assert value == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize("bands", ["octave", "third", "mel"])
def test_relief_of_another_level_is_its_square(bands: str) -> None:
    target = np.random.default_rng(1).standard_normal((6000, 1, 1)) * falling(0.01, 6000)
    loss = decay_relief_loss(target, bands=bands, floor_db=-20.0)
    value, _ = loss.value_and_gradient(10**0.15 * target)
    assert value == pytest.approx(9.0, rel=0.25)
    assert value < 9.0


def test_relief_finds_the_band_that_decays_otherwise() -> None:
    time, rate = np.arange(8000), 16000.0
    low, high = np.sin(2 * np.pi * 500 / rate * time), np.sin(2 * np.pi * 4000 / rate * time)
    slow, fast = 10 ** (-0.01 / 20 * time), 10 ** (-0.02 / 20 * time)
    target = low * slow + high * fast
    loss = decay_relief_loss(target, sample_rate=rate)
    right = loss.value_and_gradient(0.9 * low * slow + 1.1 * high * fast)[0]
    wrong = loss.value_and_gradient(low * fast + high * slow)[0]
    assert wrong > 20 * right
    assert energy_decay_loss(target).value_and_gradient(low * fast + high * slow)[0] < 0.2 * wrong


def test_a_silent_channel_is_to_be_silent() -> None:
    target = np.random.default_rng(1).standard_normal((3000, 2, 1)) * falling(0.03, 3000)
    target[:, 1] = 0
    loud = target.copy()
    loud[:, 1] = target[:, 0]
    for make in (decay_relief_loss, energy_decay_loss, spectrogram_loss):
        value, gradient = make(target).value_and_gradient(loud)
        assert value > 0.1
        assert np.sum(gradient[:, 1] * loud[:, 1]) > 0


def test_echo_density_of_noise_and_of_lone_echoes() -> None:
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((20000, 1, 1))
    sparse = np.zeros_like(noise)
    sparse[::700] = 1
    loss = echo_density_loss()
    assert loss.value_and_gradient(noise)[0] < 0.003
    assert loss.value_and_gradient(noise * falling(0.003, 20000))[0] < 0.003
    assert loss.value_and_gradient(sparse)[0] > 0.9


@settings(max_examples=10, deadline=None)
@given(gain_db=st.floats(-100, 60))
def test_echo_density_does_not_hear_the_level(gain_db: float) -> None:
    noise = np.random.default_rng(1).laplace(size=(4000, 1, 1))
    value, gradient = echo_density_loss().value_and_gradient(noise)
    louder, _ = echo_density_loss().value_and_gradient(10 ** (gain_db / 20) * noise)
    assert louder == pytest.approx(value, rel=1e-9)
    assert np.sum(gradient * noise) == pytest.approx(0.0, abs=1e-12)


def test_echo_density_against_a_target_hears_where_echoes_are_dense() -> None:
    rng = np.random.default_rng(2)
    dense = rng.standard_normal((9600, 1, 1))
    thin = dense * (rng.random(dense.shape) < 0.02)
    growing = np.concatenate([thin[:4800], dense[4800:]])
    loss = echo_density_loss(growing)
    assert loss.value_and_gradient(growing)[0] == 0.0
    assert loss.value_and_gradient(dense)[0] > 0.1
    assert loss.value_and_gradient(thin)[0] > 0.1


def test_flat_spectra_are_without_colour() -> None:
    phase = np.exp(1j * np.random.default_rng(1).uniform(0, 6, (500, 1, 1)))
    assert colorless_loss().value_and_gradient(phase)[0] == pytest.approx(0.0, abs=1e-25)
    assert colorless_loss().value_and_gradient(3 * phase)[0] == pytest.approx(4.0)
    halves = np.concatenate([0.75 * phase, 0.25 * phase], axis=1)
    assert colorless_loss().value_and_gradient(halves)[0] == pytest.approx(0.0, abs=1e-25)
    for loss in (colouration_loss(), colouration_loss(per_octave=3), modal_loss()):
        assert loss.value_and_gradient(7 * phase)[0] == pytest.approx(0.0, abs=1e-12)


def test_colouration_is_the_variance_of_levels() -> None:
    level_db = np.random.default_rng(1).normal(0, 4, (1000, 2, 1))
    value, _ = colouration_loss().value_and_gradient(10 ** (level_db / 20) + 0j)
    assert value == pytest.approx(level_db.var(axis=0).mean(), rel=1e-6)


@settings(max_examples=10, deadline=None)
@given(gain_db=st.floats(-20, 20), per_octave=st.sampled_from([None, 1, 3]))
def test_log_magnitude_of_another_gain_is_its_square(gain_db: float, per_octave: float | None) -> None:
    target = np.random.default_rng(1).uniform(0.5, 2, (513, 1, 1))
    loss = log_magnitude_loss(target, per_octave=per_octave, floor_db=-150.0)
    value, _ = loss.value_and_gradient(10 ** (gain_db / 20) * target + 0j)
    assert value == pytest.approx(gain_db**2, rel=1e-6, abs=1e-9)


def test_bands_do_not_hear_what_happens_within_them() -> None:
    rng = np.random.default_rng(1)
    flat = np.ones((4097, 1, 1))
    rough = flat * np.exp(2j * np.pi * rng.random(flat.shape)) * rng.exponential(1.0, flat.shape) ** 0.5
    fine = log_magnitude_loss(flat).value_and_gradient(rough)[0]
    coarse = log_magnitude_loss(flat, per_octave=1).value_and_gradient(rough)[0]
    assert coarse < 0.2 * fine


def test_modal_loss_is_least_when_residues_are_alike() -> None:
    radius, count = 0.9995, 40
    angle = (np.arange(count) + 0.5) * np.pi / count
    z = np.exp(1j * np.linspace(0, np.pi, 16385))[:, None]

    def spectrum(residues: np.ndarray) -> np.ndarray:
        pole = radius * np.exp(1j * angle)
        return np.sum(residues / (1 - pole / z) + residues / (1 - pole.conj() / z), axis=1)[:, None, None]

    rng = np.random.default_rng(1)
    for measure in ("energy", "peaks"):
        loss = modal_loss(measure=measure)
        values = [
            loss.value_and_gradient(spectrum(10 ** (rng.normal(0, spread_db, count) / 20)))[0]
            for spread_db in (0.0, 3.0, 6.0)
        ]
        assert values[0] < values[1] < values[2]
    energies = 10 ** (rng.normal(0, 4, count) / 10)
    alike, unlike = (modal_loss().value_and_gradient(spectrum(e**0.5))[0] for e in (np.ones(count), energies))
    assert unlike - alike == pytest.approx(np.log(np.mean(energies**2) / np.mean(energies) ** 2), abs=0.05)


def test_sparsity_of_known_matrices() -> None:
    loss = sparsity_loss()
    assert loss.value_and_gradient(hadamard(8) / np.sqrt(8))[0] == pytest.approx(0.0, abs=1e-15)
    assert loss.value_and_gradient(np.eye(8)[::-1])[0] == pytest.approx(1.0)
    assert loss.value_and_gradient(np.ones((1, 1)))[0] == 0.0
