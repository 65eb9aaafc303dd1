"""The blind reverberation time: its figures, rooms in their order, sounds in which nothing fades."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import fftconvolve
from scipy.stats import spearmanr

from tonewright.audio.band.rooms import draw_room, room_response
from tonewright.audio.band.songs import render_song
from tonewright.audio.clips import resample
from tonewright.audio.files import read
from tonewright.reverb import analyse
from tonewright.timbre.blind_decay import Estimate, bands, falls, regression, reverberation_time
from tonewright.timbre.names import UnmeasurableError

RATE = 44100
FRAME_S = 256 / RATE
DECAYS_S = (0.2, 0.35, 0.6, 1.0, 1.8, 3.0)


@pytest.fixture(scope="module")
def dry() -> dict[str, np.ndarray]:
    """Stems of a song as they were played."""
    mix = render_song(3, seconds=5.0, seed=5)[1]
    return {name: mix.dry[name].mean(axis=0) / 32768 for name in ("drums", "vocals", "other")}


@pytest.fixture(scope="module")
def rooms() -> list[np.ndarray]:
    """Responses of rooms, from short to long."""
    return [
        room_response(draw_room(t, np.random.default_rng(k)), np.random.default_rng(k))
        for k, t in enumerate(DECAYS_S)
    ]


def heard(sound: np.ndarray, sample_rate: int = RATE) -> Estimate:
    return reverberation_time(np.atleast_2d(sound), sample_rate)


def ordered(found: Sequence[float], wanted: Sequence[float]) -> float:
    """Spearman's correlation."""
    return float(np.asarray(spearmanr(found, wanted))[0])


def fading(decays_s: np.ndarray, seconds: float = 1.5) -> np.ndarray:
    """Noise in bursts of 1.5 s that fade by 60 dB in the given times."""
    t = np.arange(int(seconds * RATE)) / RATE
    bursts = [
        np.random.default_rng(k).standard_normal(t.size) * 10 ** (-3 * t / s) for k, s in enumerate(decays_s)
    ]
    return np.concatenate(bursts)


def test_levels_are_those_of_the_bands() -> None:
    sound = np.random.default_rng(0).standard_normal((2, RATE))
    levels = bands.band_levels_db(sound, RATE)
    window = np.hanning(513)[:-1]
    spectrum = np.fft.rfft(sound[:, 2560 : 2560 + 512] * window / np.abs(sound).max())
    hz = np.fft.rfftfreq(512, 1 / RATE)
    for band, (low, high) in enumerate(zip(bands.EDGES_HZ, bands.EDGES_HZ[1:], strict=False)):
        power = np.square(np.abs(spectrum[:, (hz >= low) & (hz < high)])).sum()
        assert levels[band, 10] == pytest.approx(10 * np.log10(power), abs=1e-3)


def test_slopes_are_those_of_lines() -> None:
    levels = np.random.default_rng(1).standard_normal((2, 60)).cumsum(axis=1)
    slopes = falls._slopes(levels, 24)
    assert slopes.shape == (2, 37)
    for start in (0, 17, 36):
        wanted = np.polyfit(np.arange(24), levels[:, start : start + 24].T, 1)[0]
        np.testing.assert_allclose(slopes[:, start], wanted, atol=1e-12)


def test_quantiles_are_those_of_the_chosen() -> None:
    values = np.random.default_rng(2).standard_normal((3, 200))
    chosen = values > np.array([[-9.0], [0.3], [3.5]])
    found = falls._quantiles(values, chosen, (0.02, 0.25, 0.5), 8)
    for row in range(2):
        np.testing.assert_allclose(
            found[row], np.quantile(values[row][chosen[row]], (0.02, 0.25, 0.5)), atol=1e-6
        )
    assert np.isnan(found[2]).all()


def test_a_line_gives_its_own_time_everywhere() -> None:
    levels = np.tile(-60.0 / 0.8 * FRAME_S * np.arange(90), (bands.BANDS, 1))
    figures, decays = falls.falls(levels, FRAME_S)
    np.testing.assert_allclose(figures[np.array(falls.RISING)], np.log(0.8), atol=1e-5)
    assert decays == 1


def test_decays_are_counted() -> None:
    level = np.concatenate([np.linspace(0, -40, 100)] * 7)
    assert falls.falls(np.tile(level, (bands.BANDS, 1)), FRAME_S).decays == 7


@settings(max_examples=6, deadline=None)
@given(st.floats(-120, 30), st.sampled_from([1.0, -1.0]), st.integers(0, 9))
def test_gain_polarity_and_order_of_channels_do_not_matter(level_db: float, sign: float, seed: int) -> None:
    sound = np.stack([fading(np.array([0.4, 0.7]) + seed / 10), fading(np.array([0.5, 0.6]))])
    found = heard(sound)
    other = heard(sign * 10 ** (level_db / 20) * sound[::-1])
    assert other.time_s == pytest.approx(found.time_s, rel=1e-4)
    assert other.decays == found.decays


def test_the_rate_hardly_matters() -> None:
    sound = fading(np.array([0.5, 0.5, 0.5, 0.5]))[None]
    times = [
        heard(resample(sound, from_rate=RATE, to_rate=rate), rate).time_s for rate in (32000, 48000, 96000)
    ]
    np.testing.assert_allclose(times, heard(sound).time_s, rtol=0.06)


def test_free_decays_read_their_own_time() -> None:
    for decay_s in (0.3, 0.6, 1.2):
        found = heard(fading(np.full(4, decay_s)))
        assert found.time_s == pytest.approx(decay_s, rel=0.35)
        assert found.decays >= 4


def test_rooms_come_in_their_order(dry, rooms) -> None:
    for name in ("drums", "vocals"):
        found = [heard(fftconvolve(dry[name][None], room, axes=1)).time_s for room in rooms]
        assert ordered(found, DECAYS_S) > 0.9, name
        np.testing.assert_allclose(np.log(found), np.log(DECAYS_S), atol=np.log(2.2))


def test_dry_sounds_read_short(dry) -> None:
    assert heard(dry["vocals"]).time_s < 0.25
    assert heard(dry["drums"]).time_s < 0.4


def test_confidence_is_a_share(dry, rooms) -> None:
    for name, sound in dry.items():
        found = heard(fftconvolve(sound[None], rooms[3], axes=1))
        assert 0 < found.confidence < 1, name


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(RATE),
        np.ones(RATE),
        np.sin(np.arange(2 * RATE) / 9),
        np.random.default_rng(0).standard_normal(3 * RATE),
        np.logspace(-3, 0, RATE) * np.random.default_rng(0).standard_normal(RATE),
    ],
)
def test_where_nothing_fades_there_is_no_time(sound: np.ndarray) -> None:
    with pytest.raises(UnmeasurableError, match="nothing in it fades"):
        heard(sound)


@pytest.mark.parametrize("samples", [0, 1, 511, 5000])
def test_short_sounds_have_none(samples: int) -> None:
    with pytest.raises(UnmeasurableError, match=r"shorter than the 0\.3 s"):
        heard(np.ones((2, samples)))


@settings(max_examples=12, deadline=None)
@given(st.integers(13000, 60000), st.sampled_from([8000, 22050, 44100, 192000]), st.integers(0, 99))
def test_any_sound_has_a_time_in_range_or_a_reason(samples: int, sample_rate: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sound = rng.standard_normal((1 + seed % 2, samples)) * 10 ** rng.uniform(-9, 2)
    for _ in range(seed % 4):
        sound[:, rng.integers(samples) :] *= 10 ** rng.uniform(-5, 0)
    try:
        found = heard(sound, sample_rate)
    except UnmeasurableError:
        return
    assert 0.05 <= found.time_s <= 10
    assert 0 < found.confidence < 1


def test_a_hard_cut_to_silence_is_no_decay() -> None:
    sound = fading(np.full(4, 1.5))
    found, cut = heard(sound), heard(np.concatenate([sound, np.zeros(2 * RATE)]))
    assert cut.time_s == pytest.approx(found.time_s, rel=0.15)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, falls.COUNT - 1), st.floats(0.01, 2.0), st.integers(0, 99))
def test_longer_falls_never_shorten_the_time(place: int, more: float, seed: int) -> None:
    figures = np.random.default_rng(seed).normal(0.0, 1.0, falls.COUNT)
    longer = figures.copy()
    longer[place] += more
    if falls.RISING[place]:
        assert regression.heard_time(longer)[0] >= regression.heard_time(figures)[0]


def test_coefficients_say_how_they_were_made() -> None:
    known = json.loads(regression.COEFFICIENTS.read_text())
    assert "benchmarks/timbre_reverb_fit.py" in known["note"]
    assert len(known["usual"]) == falls.COUNT


def test_measured_rooms_come_in_their_order(shared: Path) -> None:
    paths = sorted((shared / "audio" / "rirs").glob("*.flac"))[::2]
    responses = [read(path).resampled(RATE) for path in paths]
    times = [float(np.nanmean(analyse(response).t30_s[:, 3:5])) for response in responses]
    for name in ("speech_vctk_p286", "drums_tabla"):
        sound = (
            read(shared / "audio" / "clips" / f"{name}.flac").resampled(RATE).mono().samples[:, : 5 * RATE]
        )
        found = [heard(fftconvolve(sound, room.samples, axes=1)).time_s for room in responses]
        assert ordered(found, times) > 0.85, name
