"""Absorption: the decay it realises on a dense grid, its derivative, and its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator
from scipy.signal import sosfreqz

from tonewright.errors import NetworkError
from tonewright.reverb.absorption import (
    OCTAVES_HZ,
    GraphicAbsorption,
    decay_curve,
    fewest_sections,
    graphic_absorption,
    octave_centers,
    sections_response,
    shelf_absorption,
)
from tonewright.reverb.absorption.target import log_curve
from tonewright.reverb.network import FDNBuild

FS = 48000.0
OCTAVES = np.asarray(OCTAVES_HZ)
GRID = np.geomspace(88, 11000, 300)
DELAYS = np.array([480, 1117, 2399, 4800])
DECAYS = st.lists(st.floats(-1, 1), min_size=9, max_size=9)


def realised_decay(
    sections: np.ndarray, delays: np.ndarray, frequencies: np.ndarray, fs: float
) -> np.ndarray:
    response = sections_response(sections, frequencies_hz=frequencies, sample_rate=fs)
    return -3 * np.asarray(delays) / (fs * np.log10(np.abs(response)))


def walk(steps: list[float], start: float) -> np.ndarray:
    """Decays whose neighbours differ by at most 2x."""
    return start * 2 ** np.clip(np.cumsum(steps), -2, 2)


def test_shelves_meet_both_ends_and_their_mean_between() -> None:
    sections = shelf_absorption(2.0, 0.5, DELAYS, FS, 3000.0)
    assert sections.shape == (1, 6, 4)
    np.testing.assert_allclose(
        realised_decay(sections, DELAYS, np.array([1e-3, FS / 2]), FS), [[2.0] * 4, [0.5] * 4], rtol=1e-9
    )
    # tan(2π f/fs) of the corner is the tangent of half its doubled angle: there, the shelf is halfway in dB.
    middle = realised_decay(sections, DELAYS, np.array([6000.0]), FS)
    np.testing.assert_allclose(1 / middle, (1 / 2.0 + 1 / 0.5) / 2, rtol=1e-9)


def test_shelves_cross_over_at_an_eighth_of_the_rate_and_at_most_at_a_fifth() -> None:
    np.testing.assert_array_equal(
        shelf_absorption(2, 1, DELAYS, FS), shelf_absorption(2, 1, DELAYS, FS, FS / 8)
    )
    np.testing.assert_array_equal(
        shelf_absorption(2, 1, DELAYS, FS, 20000), shelf_absorption(2, 1, DELAYS, FS, FS / 5)
    )
    same = sections_response(shelf_absorption(1, 1, DELAYS, FS), 64)
    np.testing.assert_allclose(same, np.broadcast_to(10 ** (-3 * DELAYS / FS), same.shape), rtol=1e-12)


@given(st.floats(0.02, 20), st.floats(0.02, 20), st.floats(10, 9600))
@settings(deadline=None, max_examples=30)
def test_shelves_stay_between_their_ends(low: float, high: float, corner: float) -> None:
    sections = shelf_absorption(low, high, DELAYS, FS, corner)
    with np.errstate(divide="ignore"):
        decay = 1 / realised_decay(sections, DELAYS, np.geomspace(1, 24000, 60), FS)
    assert (decay <= max(1 / low, 1 / high) * (1 + 1e-6)).all()
    assert (decay >= min(1 / low, 1 / high) * (1 - 1e-6)).all()


def test_response_equals_that_of_scipy() -> None:
    sections = GraphicAbsorption(DELAYS, FS).sections(np.linspace(2, 0.5, 9))
    found = sections_response(sections, 128)
    for line in range(4):
        expected = sosfreqz(sections[:, :, line], worN=2 * np.pi * np.arange(65) / 128)[1]
        np.testing.assert_allclose(found[:, line], expected, rtol=1e-8)
    frequencies = np.arange(65) * FS / 128
    by_hertz = sections_response(sections, frequencies_hz=frequencies, sample_rate=FS)
    np.testing.assert_allclose(by_hertz, found, rtol=1e-10)
    with pytest.raises(NetworkError, match="nfft, or frequencies_hz"):
        sections_response(sections)


def test_the_curve_is_a_monotone_cubic_and_its_derivative_exact() -> None:
    rng = np.random.default_rng(0)
    values, knots = rng.standard_normal(9), np.log(OCTAVES)
    at = np.linspace(knots[1], knots[-2], 200)
    curve, derivative = log_curve(values, knots, at)
    # SciPy's slopes differ at the two ends only.
    expected = PchipInterpolator(knots, values)(at)
    np.testing.assert_allclose(curve, expected, atol=1e-12)
    for band in range(9):
        step = 1e-6 * np.eye(9)[band]
        slope = (log_curve(values + step, knots, at)[0] - log_curve(values - step, knots, at)[0]) / 2e-6
        np.testing.assert_allclose(derivative[:, band], slope, atol=1e-7)
    assert decay_curve([1.5], [1000], [20, 20000]) == pytest.approx(1.5)
    np.testing.assert_allclose(decay_curve([3, 1], [500, 1000], [0, 100, 1000, 9000]), [3, 3, 1, 1])


@given(DECAYS, st.floats(0.3, 3))
@settings(deadline=None, max_examples=15)
def test_the_decay_is_met_everywhere_by_few_sections(steps: list[float], start: float) -> None:
    decay = walk(steps, start)
    sections = graphic_absorption(decay, DELAYS, FS)
    realised = realised_decay(sections, DELAYS, GRID, FS)
    np.testing.assert_allclose(realised / decay_curve(decay, OCTAVES, GRID)[:, None], 1, atol=0.055)
    assert np.abs(sections_response(sections, 4096)).max() < 1
    assert len(sections) <= 12


@pytest.mark.parametrize("first", [0, 1])
def test_octaves_that_alternate_are_met(first: int) -> None:
    decay = np.where(np.arange(9) % 2 == first, 1.0, 2.0)
    for sections, bound in (
        (graphic_absorption(decay, DELAYS, FS), 0.055),
        (GraphicAbsorption(DELAYS, FS).sections(decay), 0.08),
    ):
        realised = realised_decay(sections, DELAYS, GRID, FS)
        np.testing.assert_allclose(realised / decay_curve(decay, OCTAVES, GRID)[:, None], 1, atol=bound)


def test_a_room_needs_few_sections_and_a_flat_decay_a_gain() -> None:
    room = np.array([1.6, 1.5, 1.3, 1.2, 1.15, 1.1, 0.95, 0.75, 0.5])
    assert len(graphic_absorption(room, DELAYS, FS)) <= 3
    flat = graphic_absorption(np.ones(9), DELAYS, FS)
    assert flat.shape == (1, 6, 4)
    np.testing.assert_allclose(sections_response(flat, 16), np.broadcast_to(10 ** (-3 * DELAYS / FS), (9, 4)))
    finer = graphic_absorption(room, DELAYS, FS, tolerance=0.01)
    assert len(finer) > len(graphic_absorption(room, DELAYS, FS))
    assert len(graphic_absorption(room, DELAYS, FS, tolerance=0, most=2)) <= 2


@given(DECAYS)
@settings(deadline=None, max_examples=10)
def test_every_gain_is_below_one_however_far_bands_are_apart(steps: list[float]) -> None:
    decay = 10 ** np.asarray(steps)
    sections = GraphicAbsorption(DELAYS, FS).sections(decay)
    size = np.abs(sections_response(sections, 8192))
    assert size.max() < 1
    FDNBuild(np.eye(4), np.ones((4, 1)), np.ones((1, 4)), np.zeros(1), DELAYS, filters=sections)


@pytest.mark.parametrize("fs", [8000.0, 16000.0, 44100.0, 192000.0])
def test_other_rates_and_bands(fs: float) -> None:
    centers = octave_centers(fs)
    decay = np.linspace(2, 1, centers.size)
    delays = DELAYS * int(fs) // 48000
    grid = np.geomspace(centers[0], centers[-1], 100)
    realised = realised_decay(graphic_absorption(decay, delays, fs), delays, grid, fs)
    np.testing.assert_allclose(realised / decay_curve(decay, centers, grid)[:, None], 1, atol=0.055)
    # Bands beyond half the sample rate still shape the curve below it.
    high = graphic_absorption([2, 1, 1.5], delays, fs, [200, 1000, 150000])
    assert np.abs(sections_response(high, 256)).max() < 1
    one = graphic_absorption([1.2], delays, fs, [1000])
    np.testing.assert_allclose(realised_decay(one, delays, grid, fs), 1.2, rtol=1e-9)


@pytest.mark.parametrize("few", [False, True])
def test_pullback_equals_numerical_gradients(few: bool) -> None:
    rng = np.random.default_rng(1)
    decay = np.array([1.6, 1.7, 1.3, 1.2, 1.25, 1.1, 0.95, 0.75, 0.7])
    nfft = 512
    gradient = rng.standard_normal((257, 4)) + 1j * rng.standard_normal((257, 4))
    layout = fewest_sections(decay, DELAYS, FS, tolerance=0.03).layout if few else None

    def loss(bands: np.ndarray, delays: np.ndarray) -> float:
        sections = GraphicAbsorption(delays, FS, layout=layout).sections(bands)
        return float(np.sum((gradient.conj() * sections_response(sections, nfft)).real))

    design = GraphicAbsorption(DELAYS, FS, layout=layout)
    design.sections(decay)
    steps = 1e-5 * np.eye(9)
    numerical = [(loss(decay + step, DELAYS) - loss(decay - step, DELAYS)) / 2e-5 for step in steps]
    found = design.pullback(gradient)
    np.testing.assert_allclose(found, numerical, rtol=1e-5, atol=1e-6 * np.abs(numerical).max())
    steps = 1e-2 * np.eye(4)
    numerical = [(loss(decay, DELAYS + step) - loss(decay, DELAYS - step)) / 2e-2 for step in steps]
    np.testing.assert_allclose(design.delay_pullback(gradient), numerical, rtol=1e-5)


def test_a_decay_is_learnt_from_the_level_at_each_frequency() -> None:
    """Descent by the pullback finds the decay behind given filters."""
    rng = np.random.default_rng(2)
    wanted = rng.uniform(0.8, 1.6, 9)
    target = sections_response(GraphicAbsorption(DELAYS, FS).sections(wanted), 2048)
    design, log_decay = GraphicAbsorption(DELAYS, FS), np.zeros(9)
    moment = np.zeros(9)
    for _ in range(60):
        response = sections_response(design.sections(np.exp(log_decay)), 2048)
        # Low bands own few bins: every bin counts by the share of an octave that it spans.
        share = 1 / np.maximum(np.arange(1025), 1)[:, None]
        slope = design.pullback(share * (response - target)) * np.exp(log_decay)
        moment = 0.9 * moment + 0.1 * slope**2
        log_decay -= 0.05 * slope / np.sqrt(moment + 1e-20)
    first = np.abs(sections_response(design.sections(np.ones(9)), 2048) - target).max()
    last = np.abs(sections_response(design.sections(np.exp(log_decay)), 2048) - target).max()
    assert last < 0.2 * first


def test_the_middle_of_a_shelf_lies_at_twice_its_crossover() -> None:
    sections = shelf_absorption(3.0, 0.5, DELAYS, FS, 2500.0)
    low, middle, high = np.abs(
        sections_response(sections, frequencies_hz=[0, 5000.0, FS / 2], sample_rate=FS)
    )
    np.testing.assert_allclose(middle, np.sqrt(low * high), rtol=1e-12)


def test_wrong_use() -> None:
    with pytest.raises(NetworkError, match=r"-1\.0 s; every T60"):
        graphic_absorption([1, -1], DELAYS, FS, [100, 200])
    with pytest.raises(NetworkError, match=r"shape \(2,\)"):
        graphic_absorption([1, 2], DELAYS, FS)
    with pytest.raises(NetworkError, match="ascend"):
        graphic_absorption([1, 2], DELAYS, FS, [200, 100])
    with pytest.raises(NetworkError, match="above 0 samples"):
        graphic_absorption([1, 2], [0, 3], FS, [100, 200])
    with pytest.raises(NetworkError, match="0 s; it must be a positive"):
        shelf_absorption(0, 1, DELAYS, FS)
    with pytest.raises(NetworkError, match="crossover is -3 Hz"):
        shelf_absorption(1, 1, DELAYS, FS, -3)
    with pytest.raises(NetworkError, match="call sections first"):
        GraphicAbsorption(DELAYS, FS).pullback(np.zeros((5, 4)))
