"""Networks are fitted to rooms that are made here, so that what they must decay like is known."""

from __future__ import annotations

import numpy as np
import pytest

from tonewright.audio.files import Clip
from tonewright.errors import AudioError, UsageError
from tonewright.reverb import Fit, fit, impulse_response
from tonewright.reverb.analysis import analyse
from tonewright.reverb.stability import loop_radius

RATE = 16000
OCTAVES_HZ = np.array([125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0])


def noise_in_bands(decays_s: np.ndarray, seconds: float, *, seed: int) -> np.ndarray:
    """(time,) noise whose octaves fade with times of their own."""
    length = round(seconds * RATE)
    noise = np.random.default_rng(seed).standard_normal(length)
    spectrum, hz = np.fft.rfft(noise, 2 * length), np.fft.rfftfreq(2 * length, 1 / RATE)
    time = np.arange(length) / RATE
    edges = np.concatenate([[0.0], OCTAVES_HZ[1:] / np.sqrt(2), [RATE]])
    total = np.zeros(length)
    for low, high, decay in zip(edges, edges[1:], decays_s, strict=False):
        band = np.fft.irfft(spectrum * ((hz >= low) & (hz < high)))[:length]
        total += band * 10 ** (-3 * time / decay)
    return total


def made_room(decays_s: np.ndarray, *, seconds: float = 0.8, channels: int = 1, seed: int = 0) -> Clip:
    """A direct sound, then noise 10 dB below it, after a pause of 20 ms."""
    rows = [0.05 * noise_in_bands(decays_s, seconds, seed=seed + 7 * number) for number in range(channels)]
    sound = np.stack(rows)
    sound[:, 0] += 1.0
    return Clip(np.pad(sound, ((0, 0), (320, 0))).astype(np.float32), RATE)


DECAYS_S = np.array([0.55, 0.5, 0.42, 0.4, 0.34, 0.28])


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return fit(made_room(DECAYS_S), size=8, quality="draft")


def test_every_octave_decays_as_the_room_does(fitted: Fit) -> None:
    bands = np.isin(np.round(fitted.analysis.bands_hz), OCTAVES_HZ)
    found, measured = fitted.analysis.decay_s[0, bands], fitted.room_analysis.decay_s[0, bands]
    assert np.median(np.abs(found / measured - 1)) < 0.05
    assert np.abs(found[1:] / DECAYS_S[1:] - 1).max() < 0.15


def test_clarity_and_spectrum_are_those_of_the_room(fitted: Fit) -> None:
    assert fitted.figures["c80_median_db"] < 1.0
    assert fitted.figures["spectrum_median_db"] < 1.0
    assert np.isfinite(list(fitted.figures.values())).all()


def test_what_is_given_belongs_together(fitted: Fit) -> None:
    response = impulse_response(fitted.network, fitted.room.shape[1])
    assert np.allclose(response, fitted.response[0])
    assert fitted.room.shape == fitted.response.shape
    assert fitted.network.fs == fitted.sample_rate == RATE
    assert fitted.network.lines == 8
    assert loop_radius(fitted.network) < 1
    assert any("before the direct sound" in words for words in fitted.assumptions)
    assert {"round", "curves_db", "thirds_db"} <= set(fitted.log[0])


def test_the_direct_sound_arrives_on_time_and_in_full(fitted: Fit) -> None:
    place = int(np.argmax(np.abs(fitted.room[0])))
    assert fitted.response[0, place] == pytest.approx(fitted.room[0, place], rel=0.1)


def test_the_same_seed_gives_the_same_network(fitted: Fit) -> None:
    again = fit(made_room(DECAYS_S), size=8, quality="draft")
    assert np.array_equal(again.response, fitted.response)
    other = fit(made_room(DECAYS_S), size=8, quality="draft", seed=1)
    assert not np.array_equal(other.network.A, fitted.network.A)


def test_a_second_slope_is_followed() -> None:
    length = round(1.6 * RATE)
    time = np.arange(length) / RATE
    rng = np.random.default_rng(1)
    fast, slow = (10 ** (-3 * time / decay) for decay in (0.25, 1.2))
    sound = rng.standard_normal(length) * np.sqrt(fast**2 + 0.02 * slow**2)
    room = Clip((0.1 * sound)[None].astype(np.float32), RATE)
    found = fit(room, size=16, quality="draft")
    assert found.network.A[0, 1] == 0  # two groups of lines
    middle = slice(2, 6)
    assert np.median(np.abs(found.analysis.t30_s / found.room_analysis.t30_s - 1)[0, middle]) < 0.06
    assert np.median(np.abs(found.analysis.edt_s / found.room_analysis.edt_s - 1)[0, middle]) < 0.12


def test_channels_become_outputs_with_their_levels_and_their_likeness() -> None:
    room = made_room(DECAYS_S, channels=2)
    same = 0.8 * room.samples[:1] + 0.2 * room.samples[1:]
    found = fit(Clip(np.concatenate([room.samples[:1], 0.5 * same]), RATE), size=8, quality="draft")
    assert found.network.outputs == 2
    energy = np.square(found.response).sum(axis=1)
    wanted = np.square(found.room).sum(axis=1)
    assert np.abs(10 * np.log10(energy / wanted)).max() < 0.8
    late = found.response[:, round(0.1 * RATE) :]
    measured = found.room[:, round(0.1 * RATE) :]
    assert np.corrcoef(late)[0, 1] == pytest.approx(np.corrcoef(measured)[0, 1], abs=0.25)


def test_a_silent_channel_stays_silent() -> None:
    room = made_room(DECAYS_S)
    found = fit(Clip(np.concatenate([room.samples, 0 * room.samples]), RATE), size=4, quality="draft")
    assert not found.response[1].any()
    assert found.response[0].any()
    assert any("channel 2 is silent" in words for words in found.assumptions)


def test_a_tail_that_is_cut_short_keeps_its_decay() -> None:
    found = fit(made_room(np.full(6, 3.0), seconds=1.0), size=16, quality="draft")
    whole = impulse_response(found.network, 3 * RATE)
    bands = analyse(Clip(whole[None].astype(np.float32), RATE))
    middle = bands.decay_s[0, 2:6]
    assert np.abs(middle / 3.0 - 1).max() < 0.2


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros((1, 0)), "is empty"),
        (np.zeros((2, 900)), "silent"),
        (np.full((1, 900), 0.25), "constant"),
        (np.array([[1.0, np.nan, 0.0]]), "NaN"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_one_line(samples: np.ndarray, words: str) -> None:
    with pytest.raises(AudioError, match=words) as caught:
        fit(Clip(samples.astype(np.float32), RATE))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("frames", [1, 30, 400])
def test_what_is_shorter_than_a_delay_becomes_reflections(frames: int) -> None:
    room = made_room(DECAYS_S)
    found = fit(Clip(room.samples[:, 320 : 320 + frames], RATE), size=4, quality="draft")
    assert found.response.shape == found.room.shape == (1, frames)
    assert found.assumptions
    assert np.isfinite(found.response).all()


def test_steady_noise_gives_a_network_and_says_what_it_looks_like() -> None:
    noise = np.random.default_rng(0).standard_normal((1, RATE)) * 0.1
    found = fit(Clip(noise.astype(np.float32), RATE), size=4, quality="draft")
    assert any("noise" in words for words in found.assumptions)
    assert any("no decay in any octave" in words for words in found.assumptions)
    assert loop_radius(found.network) < 1


def test_an_offset_is_taken_away() -> None:
    room = made_room(DECAYS_S)
    found = fit(Clip(room.samples + np.float32(0.02), RATE), size=4, quality="draft")
    assert any("offset" in words for words in found.assumptions)
    assert abs(np.median(found.room)) < 1e-3


def test_progress_ends_and_a_budget_stops() -> None:
    seen: list[tuple[int, int]] = []
    found = fit(
        made_room(DECAYS_S), size=4, budget_s=1e-9, progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1][0] == seen[-1][1]
    assert all(done <= total for done, total in seen)
    assert len([entry for entry in found.log if "round" in entry]) == 1


def test_a_size_or_quality_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="size"):
        fit(made_room(DECAYS_S), size=5)
    with pytest.raises(UsageError, match="quality"):
        fit(made_room(DECAYS_S), quality="perfect")
