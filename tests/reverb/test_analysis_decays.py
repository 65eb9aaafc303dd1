from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfiltfilt

from tonewright.audio.files import Clip, read
from tonewright.reverb.analysis import Truncation, analyse, energy_decay_curve, fitted_decay_s
from tonewright.reverb.analysis.ending import find_ending

RATE = 48000
WIDTHS_HZ = 62.5 * 2.0 ** np.arange(9) * (2**0.5 - 2**-0.5)


def noise_decay(*slopes, seconds, seed, floor_db=None, rate=RATE):
    """Gaussian noise whose power is a sum of (decay time, gain) exponentials, with a floor of white noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    power = sum(gain * 10 ** (-6 * time / decay) for decay, gain in slopes)
    samples = rng.standard_normal(len(time)) * np.sqrt(power)
    if floor_db is not None:
        samples += rng.standard_normal(len(time)) * 10 ** (-floor_db / 20)
    return Clip(0.2 * samples[None].astype(np.float32), rate)


def t30_spread(decay_s):
    """Standard deviation of T30 relative to it, ISO 3382-2: 0.55 √((1 + 1.52/n)/(B T)) with n = 1."""
    return 0.55 * np.sqrt(2.52 / (WIDTHS_HZ * decay_s))


def test_the_curve_of_an_exponential_is_a_line():
    samples = 10 ** (-3 * np.arange(48000) / RATE / 0.2)
    curve = energy_decay_curve(samples)
    assert curve[0] == 0
    np.testing.assert_allclose(curve[:24000], -60 * np.arange(24000) / RATE / 0.2, atol=1e-6)
    for start, stop in ((0, -10), (-5, -25), (-5, -35)):
        assert fitted_decay_s(curve, 1 / RATE, from_db=start, to_db=stop) == pytest.approx(0.2, rel=1e-9)
    assert np.isnan(fitted_decay_s(curve[:4000], 1 / RATE, from_db=-5, to_db=-35))


@pytest.mark.parametrize(("decay_s", "seeds"), [(0.2, 4), (0.8, 3), (3.0, 1), (8.0, 1)])
@pytest.mark.parametrize("floor_db", [None, 45, 55])
def test_decays_of_known_length_are_measured_with_and_without_noise(decay_s, seeds, floor_db):
    found = [
        analyse(noise_decay((decay_s, 1), seconds=max(0.6, 1.2 * decay_s), seed=seed, floor_db=floor_db))
        for seed in range(seeds)
    ]
    narrow = WIDTHS_HZ * decay_s < 40
    for name, factor in (("t30_s", 1.0), ("t20_s", 1.6)):
        error = np.array([getattr(one, name)[0] for one in found]) / decay_s - 1
        bound = 4 * factor * t30_spread(decay_s) / np.sqrt(seeds) + 0.02 + 0.2 * narrow
        assert np.isfinite(error[:, 3:]).all()
        assert (np.abs(np.nanmean(error, axis=0)) < bound).all()
    whole = np.array([one.broadband.t30_s[0] for one in found])
    np.testing.assert_allclose(whole.mean(), decay_s, rtol=0.02)
    if floor_db is not None:
        depth = np.array([one.dynamic_range_db[0] for one in found])
        np.testing.assert_allclose(depth.mean(axis=0)[3:], floor_db, atol=3.0)
        # Where the decay meets the noise, and the noise itself: white, so its share is the band's width.
        ends = np.array([one.truncation_s[0] for one in found])
        np.testing.assert_allclose(ends.mean(axis=0)[3:], decay_s * floor_db / 60, rtol=0.08)
        floor = found[0].noise_floor_db[0, 3:8] - 20 * np.log10(0.2) + floor_db
        np.testing.assert_allclose(floor, 10 * np.log10(WIDTHS_HZ[3:8] / 24000), atol=1.5)


def test_clarity_and_centre_time_of_an_exponential_decay():
    decay_s = 0.9
    found = [analyse(noise_decay((decay_s, 1), seconds=1.2, seed=seed, floor_db=55)) for seed in range(4)]
    for name, border_s in (("c50_db", 0.05), ("c80_db", 0.08)):
        expected = 10 * np.log10(10 ** (6 * border_s / decay_s) - 1)
        values = np.array([[*getattr(one, name)[0], *getattr(one.broadband, name)] for one in found]).mean(
            axis=0
        )
        np.testing.assert_allclose(values[4:], expected, atol=0.8)
        assert values[-1] == pytest.approx(expected, abs=0.1)
    d50 = np.mean([one.broadband.d50 for one in found])
    assert d50 == pytest.approx(1 - 10 ** (-6 * 0.05 / decay_s), abs=0.01)
    centre = np.mean([one.broadband.centre_time_s for one in found])
    assert centre == pytest.approx(decay_s / (6 * np.log(10)), rel=0.02)
    # A smear that is even in time does not move the centre of a low band.
    assert np.mean([one.centre_time_s[0, 2] for one in found]) == pytest.approx(centre, rel=0.25)


@pytest.mark.parametrize(("first", "second", "gain"), [(0.5, 2.0, 0.01), (0.3, 1.5, 0.001)])
def test_a_double_slope_gives_the_times_of_its_own_curve(first, second, gain):
    time = np.arange(3 * RATE) / RATE
    left = first * 10 ** (-6 * time / first) + gain * second * 10 ** (-6 * time / second)
    curve = 10 * np.log10(left / left[0])
    t30, t20, edt = (
        fitted_decay_s(curve, 1 / RATE, from_db=start, to_db=stop)
        for start, stop in ((-5, -35), (-5, -25), (0, -10))
    )
    found = [
        analyse(noise_decay((first, 1), (second, gain), seconds=3, seed=seed, floor_db=60))
        for seed in range(2)
    ]
    assert np.mean([one.broadband.t30_s for one in found]) == pytest.approx(t30, rel=0.02)
    assert np.mean([one.broadband.t20_s for one in found]) == pytest.approx(t20, rel=0.03)
    assert np.mean([one.broadband.edt_s for one in found]) == pytest.approx(edt, rel=0.05)


def test_bands_with_decays_of_their_own_are_told_apart():
    rng = np.random.default_rng(3)
    frequencies = np.fft.rfftfreq(2 * RATE, 1 / RATE)
    time = np.arange(2 * RATE) / RATE
    low, high = (
        np.fft.irfft(np.fft.rfft(rng.standard_normal(2 * RATE)) * mask)
        for mask in (frequencies < 700, frequencies >= 2000)
    )
    samples = low * 10 ** (-3 * time / 1.6) + high * 10 ** (-3 * time / 0.5)
    found = analyse(Clip(0.1 * samples[None].astype(np.float32), RATE))
    np.testing.assert_allclose(found.t30_s[0, 1:4], 1.6, rtol=0.12)
    np.testing.assert_allclose(found.t30_s[0, 6:], 0.5, rtol=0.05)


@pytest.mark.parametrize(("decay_s", "seconds"), [(2.0, 1.3), (4.0, 2.8)])
def test_a_decay_that_is_cut_before_its_noise_is_completed(decay_s, seconds):
    found = [analyse(noise_decay((decay_s, 1), seconds=seconds, seed=seed)) for seed in range(3)]
    times = np.array([one.t30_s[0, 3:] for one in found])
    np.testing.assert_allclose(times.mean(axis=0), decay_s, rtol=0.06)
    assert all(np.isneginf(one.noise_floor_db[0, 3:]).all() for one in found)
    np.testing.assert_allclose([one.truncation_s[0, 3:] for one in found], seconds, rtol=0.01)
    # Its energy is that of the whole decay.
    level = np.mean([one.broadband.level_db for one in found])
    assert level == pytest.approx(10 * np.log10(0.04 * RATE * decay_s / (6 * np.log(10))), abs=0.3)


def plain_times(samples, rate, center, start_db, stop_db):
    """An independent measurement: SciPy's filter both ways, squared, summed backwards, fitted."""
    edges = (center / 2**0.5, center * 2**0.5)
    sections = butter(3, edges, "bandpass", fs=rate, output="sos")
    onset = int(np.argmax(np.abs(samples) > 0.1 * np.abs(samples).max()))
    band = sosfiltfilt(sections, np.pad(samples[onset:], rate // 4))[rate // 4 : -rate // 4]
    level = 10 * np.log10(np.cumsum(np.square(band)[::-1])[::-1] / np.square(band).sum() + 1e-20)
    part = (level <= start_db) & (level >= stop_db)
    return -60 / np.polyfit(np.flatnonzero(part) / rate, level[part], 1)[0]


def test_decay_times_agree_with_a_plain_implementation():
    clip = noise_decay((1.1, 1), seconds=2.4, seed=5)
    found = analyse(clip)
    for index, center in enumerate(found.bands_hz[1:8], 1):
        samples = clip.samples[0].astype(float)
        assert found.t30_s[0, index] == pytest.approx(plain_times(samples, RATE, center, -5, -35), rel=0.02)
        assert found.t20_s[0, index] == pytest.approx(plain_times(samples, RATE, center, -5, -25), rel=0.03)


@pytest.mark.parametrize("name", ["rir_kitchen", "rir_stpatricks1", "rirsim_livingroom"])
def test_decay_times_of_rooms_agree_with_a_plain_implementation(shared, name):
    clip = read(shared / "audio" / "rirs" / f"{name}.flac")
    found = analyse(clip)
    samples = clip.samples[0].astype(float)
    for index, center in enumerate(found.bands_hz[2:8], 2):
        expected = plain_times(samples, clip.sample_rate, center, -5, -25)
        assert found.t20_s[0, index] == pytest.approx(expected, rel=0.04)


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 4000), st.floats(1e-3, 4.0), st.integers(0, 3))
def test_figures_do_not_depend_on_level_or_place(shift, gain, seed):
    clip = noise_decay((0.3, 1), seconds=0.5, seed=seed, floor_db=50)
    moved = np.concatenate([np.zeros((1, shift)), clip.samples * gain], axis=1)
    first, second = analyse(clip), analyse(Clip(moved.astype(np.float32), RATE))
    assert second.onset_samples[0] == first.onset_samples[0] + shift
    for name in ("t30_s", "edt_s", "c80_db", "d50", "centre_time_s", "truncation_s", "dynamic_range_db"):
        np.testing.assert_allclose(
            getattr(second, name)[0, 2:], getattr(first, name)[0, 2:], rtol=0.03, atol=0.02, err_msg=name
        )
    gain_db = 20 * np.log10(gain)
    np.testing.assert_allclose(second.level_db - first.level_db, gain_db, atol=0.05)
    np.testing.assert_allclose(second.direct_level_db - first.direct_level_db, gain_db, atol=0.05)


def test_channels_are_measured_apart():
    first, second = (noise_decay((t, 1), seconds=1.0, seed=1).samples for t in (0.3, 0.7))
    both = analyse(Clip(np.concatenate([first, np.roll(second, 960)]), RATE))
    np.testing.assert_allclose(both.broadband.t30_s, [0.3, 0.7], rtol=0.03)
    np.testing.assert_array_equal(both.t30_s[0], analyse(Clip(first, RATE)).t30_s[0])
    assert both.curves_db.shape == (2, 9, len(both.curve_times_s))


def test_the_direct_sound_is_set_against_what_follows():
    clip = noise_decay((0.5, 1), seconds=0.8, seed=2)
    samples = clip.samples.astype(float)
    rest = np.square(samples[0, 480:]).sum()
    samples[0, :480] = 0.0
    samples[0, 0] = np.sqrt(4 * rest)
    found = analyse(Clip(samples.astype(np.float32), RATE))
    assert found.onset_samples[0] == 0
    assert found.direct_to_reverberant_db[0] == pytest.approx(10 * np.log10(4), abs=0.2)
    assert found.direct_level_db[0] == pytest.approx(10 * np.log10(4 * rest), abs=0.2)


def test_an_analysis_over_a_given_range_ends_there():
    clip = noise_decay((0.8, 1), seconds=1.5, seed=3, floor_db=45)
    clean = noise_decay((0.8, 1), seconds=1.5, seed=3)
    room = analyse(clip)
    fit = analyse(clean, truncation=Truncation.of(room))
    np.testing.assert_allclose(fit.truncation_s, room.truncation_s, atol=2e-3)
    np.testing.assert_allclose(fit.t30_s[0, 3:], room.t30_s[0, 3:], rtol=0.05)
    np.testing.assert_allclose(fit.c80_db[0, 3:], room.c80_db[0, 3:], atol=0.2)


def test_rounding_to_16_bits_counts_as_noise():
    clip = noise_decay((0.4, 1), seconds=2.0, seed=4)
    rounded = np.round(clip.samples.astype(float) * 32768) / 32768
    found = analyse(Clip(rounded.astype(np.float32), RATE))
    fine = analyse(clip)
    np.testing.assert_allclose(found.t30_s[0, 2:], fine.t30_s[0, 2:], rtol=0.01)
    assert (found.truncation_s[0, 3:] < 0.75).all()
    assert (fine.truncation_s[0, 3:] > 0.9).all()


def test_beats_do_not_end_a_decay():
    """A band of two modes falls silent at every beat; the noise is found behind them all the same."""
    step = 1 / 8000
    time = np.arange(8000) * step
    rng = np.random.default_rng(0)
    decay = 10 ** (-3 * time / 0.8) * (np.sin(2 * np.pi * 125 * time) + np.sin(2 * np.pi * 131 * time))
    energy = np.square(decay + 1e-3 * rng.standard_normal(8000)) * step
    ending = find_ending(energy)
    assert ending.flat
    assert ending.blocks * step == pytest.approx(0.8, abs=0.12)
    assert ending.fall_db / step == pytest.approx(60 / 0.8, rel=0.1)


def test_third_octaves_can_be_measured_too():
    found = analyse(noise_decay((1.0, 1), seconds=1.4, seed=1), bands="third")
    assert found.t30_s.shape == (1, 27)
    assert np.nanmedian(found.t30_s) == pytest.approx(1.0, rel=0.03)
    np.testing.assert_allclose(found.spectrum_db[0, 6:], found.level_db[0, 6:], atol=0.4)
    # White noise: a third octave has 1.26 times the energy of the one below it.
    assert np.polyfit(np.arange(20), found.spectrum_db[0, 6:26], 1)[0] == pytest.approx(1.0, abs=0.1)
