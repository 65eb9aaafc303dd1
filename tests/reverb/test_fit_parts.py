"""The parts of a fit: identities, gradients against differences, known answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.files import Clip
from tonewright.reverb.fitting.bands import Bands, decibels
from tonewright.reverb.fitting.curves import Curves, continued
from tonewright.reverb.fitting.energies import EnergyCurves
from tonewright.reverb.fitting.late import LateSound, correlation_of, fitted_late
from tonewright.reverb.fitting.layout import draw_layout, mixing_matrix, square_root
from tonewright.reverb.fitting.mixing import Mixture, better_gains
from tonewright.reverb.fitting.room import prepare
from tonewright.reverb.fitting.slopes import RATE as DECAY_RATE
from tonewright.reverb.fitting.slopes import SECOND, corrected_decays_s, curve_db, fitted_decays_s
from tonewright.reverb.fitting.taps import chosen_taps
from tonewright.reverb.fitting.target import Target, target_of
from tonewright.reverb.fitting.tone import Equaliser

RATE = 8000


def made_target(channels: int = 1, *, seconds: float = 0.5, decay_s: float = 0.4) -> Target:
    rng = np.random.default_rng(2)
    time = np.arange(round(seconds * RATE)) / RATE
    sound = 0.1 * rng.standard_normal((channels, len(time))) * 10 ** (-3 * time / decay_s)
    sound[:, 0] += 1.0
    return target_of(prepare(Clip(sound.astype(np.float32), RATE)), longest_s=4.0)


def differences(function, place: np.ndarray, *, step: float) -> np.ndarray:
    """Gradient by central differences."""
    found = np.zeros(place.size)
    for index in range(place.size):
        move = np.zeros(place.size)
        move[index] = step
        move = move.reshape(place.shape)
        found[index] = (function(place + move) - function(place - move)) / (2 * step)
    return found.reshape(place.shape)


def test_bands_share_the_energy_out() -> None:
    sound = np.random.default_rng(0).standard_normal(RATE) * np.hanning(RATE)
    bands = Bands(RATE, RATE, fraction=1)
    spectrum = bands.spectra(sound)
    for (signal, rate), center in zip(bands.signals(spectrum), bands.centers_hz, strict=True):
        hz = np.fft.rfftfreq(bands.points, 1 / RATE)
        x = (hz[1:] / center - center / hz[1:]) / (2**0.5 - 2**-0.5)
        wanted = 2 * np.square(np.abs(spectrum[1:]) / (1 + x**6)).sum() / bands.points
        assert np.square(signal).sum() == pytest.approx(wanted, rel=1e-3)
        assert rate <= RATE


def test_remaining_energy_falls_and_noise_is_taken_away() -> None:
    bands = Bands(RATE, RATE, fraction=1)
    noise = np.random.default_rng(0).standard_normal(RATE)
    times = np.tile(np.linspace(0.0, 0.8, 9), (len(bands.centers_hz), 1))
    ends = np.ones(len(bands.centers_hz))
    left = bands.remaining(noise, times, ends)
    assert (np.diff(left, axis=1) < 0).all()
    level = left[:, 0] / RATE
    assert np.abs(bands.remaining(noise, times, ends, level)[:, 0] / left[:, 0]).max() < 1e-3


@pytest.mark.parametrize("decays", [(0.7,), (0.4, 1.1)])
def test_a_curve_is_the_integral_of_its_power(decays: tuple[float, ...]) -> None:
    fine = np.linspace(0.0, 1.5, 150_001)
    powers = zip((1.0, SECOND), decays, strict=False)
    power = np.sum([p * np.exp(-DECAY_RATE * fine / t) for p, t in powers], axis=0)
    left = np.append(np.cumsum(((power[1:] + power[:-1]) / 2)[::-1])[::-1], 0.0) * (fine[1] - fine[0])
    times = np.array([[0.0, 0.3, 0.9]])
    wanted = 10 * np.log10(DECAY_RATE * np.interp(times, fine, left))
    assert curve_db(times, np.array([1.5]), np.array(decays)) == pytest.approx(wanted, abs=0.01)


@given(st.floats(0.2, 3.0), st.floats(1.3, 2.2))
@settings(deadline=None, max_examples=10)
def test_decays_are_found_from_their_curve(first: float, ratio: float) -> None:
    decays = np.array([first, first * ratio])
    times = np.linspace(0.0, 1.2 * decays[1], 60)[None]
    ends = np.array([1.5 * decays[1]])
    weights = np.ones_like(times)
    found, distance = fitted_decays_s(times, ends, curve_db(times, ends, decays), weights, slopes=2)
    assert distance < 0.3
    single, _ = fitted_decays_s(times, ends, curve_db(times, ends, decays[:1]), weights, slopes=1)
    assert single[0] == pytest.approx(first, rel=1e-3)
    assert found[0] <= found[1] * 1.01


def test_corrections_lead_to_the_decay_that_is_wanted() -> None:
    times, ends = np.linspace(0.1, 1.0, 40)[None], np.array([1.3])
    weights = np.ones_like(times)
    wanted, decays = curve_db(times, ends, np.array([0.8])) + 7.0, np.array([0.4])
    for _ in range(12):
        missing = wanted - curve_db(times, ends, decays)
        decays = corrected_decays_s(decays, times, ends, missing, weights)
    assert decays[0] == pytest.approx(0.8, rel=1e-2)


def test_a_curve_goes_on_as_its_decay_lets_expect() -> None:
    decays, end = np.array([0.6]), np.array([[0.4]])
    times = np.linspace(0.05, 0.34, 30)[None, None]
    cut = Curves(times, curve_db(times, end, decays), np.ones_like(times), end)
    longer = continued(cut, longest_s=5.0)
    assert longer.ends_s[0, 0] > 0.6
    whole = curve_db(longer.times_s, longer.ends_s, decays)
    assert longer.levels_db == pytest.approx(whole, abs=0.05)
    assert longer.times_s[0, 0, -1] > 0.4
    unknown = continued(Curves(times, cut.levels_db, 0 * times, end), longest_s=5.0)
    assert not unknown.measured.any()


@given(st.integers(0, 10_000), st.sampled_from([1, 2, 3, 4, 6, 8, 16]))
@settings(deadline=None, max_examples=20)
def test_mixing_matrices_are_rotations(seed: int, size: int) -> None:
    matrix = mixing_matrix(size, np.random.default_rng(seed))
    assert np.allclose(matrix @ matrix.T, np.eye(size))
    assert np.linalg.det(matrix) == pytest.approx(1.0)


@pytest.mark.parametrize(("lines", "rate", "decay_s"), [(1, RATE, 0.5), (16, 48000, 2.0), (64, RATE, 0.1)])
def test_delays_are_apart_and_groups_do_not_meet(lines: int, rate: int, decay_s: float) -> None:
    slopes = 2 if lines > 1 else 1
    layout = draw_layout(
        lines, 2, slopes=slopes, decay_s=decay_s, split_s=0.05, sample_rate=rate,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert len(set(layout.delays.tolist())) == lines
    assert layout.delays.min() >= 1
    apart = layout.group[:, None] != layout.group
    assert not layout.feedback[apart].any()
    assert np.allclose(layout.feedback @ layout.feedback.T, np.eye(lines))


def test_output_gains_have_the_correlation_and_the_powers_asked_for() -> None:
    layout = draw_layout(
        16, 2, slopes=2, decay_s=1.0, split_s=0.05, sample_rate=48000, rng=np.random.default_rng(0)
    )
    wanted = np.array([[1.0, 0.6], [0.6, 1.0]])
    gains = layout.outputs(wanted)
    for group, power in ((0, 1.0), (1, SECOND)):
        mine = layout.group == group
        part = gains[:, mine]
        size = np.linalg.norm(part, axis=1)
        assert part[0] @ part[1] / size[0] / size[1] == pytest.approx(0.6)
        assert np.square(size) == pytest.approx(power * layout.delays[mine].sum())


def test_a_matrix_that_is_no_correlation_becomes_the_nearest() -> None:
    root = square_root(np.array([[1.0, 1.5], [1.5, 1.0]]))
    assert np.allclose(np.diag(root @ root.T), 1.0)


@given(st.lists(st.floats(-12.0, 12.0), min_size=7, max_size=7))
@settings(deadline=None, max_examples=10)
def test_the_equaliser_reaches_its_gains(gains: list[float]) -> None:
    centers = 1000.0 * 2.0 ** np.arange(-4, 3)
    equaliser = Equaliser(centers, 48000, fraction=1)
    sections = equaliser.sections(np.array(gains))
    omega = 2 * np.pi * centers / 48000
    z = np.exp(-1j * omega[:, None] * np.arange(3))
    level = 20 * np.log10(np.abs(np.prod((z @ sections[:, :3].T) / (z @ sections[:, 3:].T), axis=1)))
    rough = np.abs(np.diff(gains)).max()
    assert np.abs(level - gains).max() < 0.5 + 0.25 * rough


def test_taps_are_found_where_a_sparse_sound_has_them() -> None:
    rng = np.random.default_rng(4)
    places = np.sort(rng.choice(np.arange(0, 600, 12), 16, replace=False))
    sound = np.zeros((2, 640))
    sound[:, places] = rng.choice([-1.0, 1.0], (2, 16)) * rng.uniform(0.5, 1.0, (2, 16))
    assert np.array_equal(chosen_taps(sound, sound, RATE, count=16), places)
    assert len(chosen_taps(sound, sound, RATE, count=1000)) == 640


def test_energies_have_the_gradient_of_differences() -> None:
    rng = np.random.default_rng(0)
    bands = Bands(400, RATE, fraction=1)
    shape = (2, len(bands.centers_hz), 5)
    weights = rng.uniform(0.5, 1.0, shape)
    term = EnergyCurves(
        bands, rng.normal(0.0, 3.0, shape), rng.uniform(0.1, 1.0, shape[:2]), weights, length=400
    )
    sounds = rng.standard_normal((2, 400))
    places = np.ix_([0, 1], [0, 7, 150, 399])

    def value(part: np.ndarray) -> float:
        moved = sounds.copy()
        moved[places] = part
        return term.value_and_gradient(moved)[0]

    wanted = differences(value, sounds[places], step=1e-5)
    assert term.value_and_gradient(sounds)[1][places] == pytest.approx(wanted, rel=1e-5, abs=1e-8)


def test_a_mixture_knows_the_energies_of_the_sounds_it_stands_for() -> None:
    target = made_target(2)
    rng = np.random.default_rng(1)
    layout = draw_layout(4, 2, slopes=1, decay_s=0.4, split_s=target.split_s, sample_rate=RATE, rng=rng)
    octaves, thirds = len(target.octaves.centers_hz), len(target.thirds.centers_hz)
    late = LateSound(layout, rng.standard_normal((2, 4)), np.full((octaves, 1), 0.4), np.zeros((2, thirds)))
    late.design(target, Equaliser(target.thirds.centers_hz, RATE, fraction=3))
    length = target.samples.shape[1]
    wanted = correlation_of(target.samples, target)
    mixture = Mixture(target, late.lines(length), late.tone, wanted)
    response = late.render(length)
    curves = target.curves_of(response)
    for channel, (row, products) in enumerate(zip(late.outputs, mixture.products, strict=True)):
        assert decibels((products @ row) @ row) == pytest.approx(curves[channel], abs=0.05)
    value, gradient = mixture.value_and_gradient(late.outputs)
    found = differences(lambda gains: mixture.value_and_gradient(gains)[0], late.outputs, step=1e-6)
    assert gradient == pytest.approx(found, rel=1e-4, abs=1e-7)
    better = better_gains(mixture, late.outputs, steps=30)
    assert mixture.value_and_gradient(better)[0] < 0.7 * value


def test_the_loop_brings_late_sound_to_the_room() -> None:
    target = made_target(1, seconds=0.8)
    layout = draw_layout(
        8, 1, slopes=1, decay_s=0.4, split_s=target.split_s, sample_rate=RATE, rng=np.random.default_rng(0)
    )
    seen: list[float] = []
    found = fitted_late(target, layout, rounds=5, tell=lambda entry: seen.append(entry["curves_db"]) or True)
    assert len(seen) == 5
    assert seen[0] > 5.0 > 1.5 > min(seen)
    known = target.curves.measured
    assert np.abs(found.late.decays_s[known][2:] / 0.4 - 1).max() < 0.15
