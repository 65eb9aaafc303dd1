"""The class of reverb: its times against a plain reading of the method, known answers, the reference."""

from __future__ import annotations

import csv
import itertools
import math
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.files import read
from tonewright.timbre.models.reverb import ReverbFeatures, classic_time_s, features, value
from tonewright.timbre.sound import Hearing

DECAYS_S = np.round(np.arange(0.2, 1.15, 0.1), 1)


def heard(channels: np.ndarray, sample_rate: int = 44100) -> ReverbFeatures:
    hearing = SimpleNamespace(channels=channels, channels_rate=sample_rate, corrected=False)
    return features(cast(Hearing, hearing))


def likeliest(sound: np.ndarray, rate: float) -> int:
    n = np.arange(len(sound))
    a = 10 ** (-3 / (DECAYS_S * rate))
    scale = np.array([np.mean(np.abs(sound) * one**-n) for one in a])
    return int(np.argmax(-len(sound) * np.log(scale) - [np.sum(n * np.log(one)) for one in a]))


def plainly(samples: np.ndarray, sample_rate: int) -> float:
    """The method, frame by frame, as it is described."""
    step = 2 if sample_rate > 8000 else 1
    length, hop = round(sample_rate / 24000 * 700 / step), round(sample_rate / 24000 * 200 / step)
    whole = 7 * length * step
    last, frequent, times, history = 0.3, 0.3, [], []
    for start in range(0, len(samples) - whole + 1 if len(samples) > whole else 0, hop):
        frame = samples[start : start + whole : step]
        parts = [frame[:length], *(frame[k * length : (k + 1) * length + 1] for k in range(1, 6))]
        figures = [(part.var(), part.max(), -part.min()) for part in parts]
        falls = [all(x > y for x, y in zip(*pair, strict=True)) for pair in itertools.pairwise(figures)]
        found = falls.index(False) if False in falls else 0
        if found >= 3:
            history.append(likeliest(frame[: found * length], sample_rate / step))
            remembered = round(sample_rate / 24000 * 800 / step)
            counted = history if len(history) <= remembered + 1 else [history[0], *history[-remembered:]]
            frequent = DECAYS_S[np.argmax(np.bincount(counted, minlength=10))]
        last = 0.995 * last + 0.005 * frequent
        times += [last] if found >= 3 else []
    return float(np.mean(times)) if times else 0.2


def bursts(seed: int, seconds: float, decay_s: float, sample_rate: int) -> np.ndarray:
    """Bursts of noise that fade."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * sample_rate)) / sample_rate
    since = t % rng.uniform(0.3, 0.9)
    return rng.laplace(size=t.size) * 10 ** (-3 * since / decay_s) + 1e-5 * rng.standard_normal(t.size)


@settings(max_examples=8, deadline=None)
@given(
    st.integers(0, 99),
    st.floats(0.1, 1.5),
    st.floats(0.1, 2.0),
    st.sampled_from([8000, 11025, 44100, 48000, 96000]),
)
def test_as_described(seed: int, seconds: float, decay_s: float, sample_rate: int) -> None:
    sound = bursts(seed, seconds, decay_s, sample_rate)
    assert classic_time_s(sound, sample_rate) == pytest.approx(plainly(sound, sample_rate), abs=1e-9)


def test_old_estimates_are_forgotten_but_the_first() -> None:
    sound = np.concatenate([bursts(k, 3.0, decay, 8000) for k, decay in enumerate((0.3, 0.9, 0.5, 1.0))])
    sound = np.tile(sound, 4)
    assert classic_time_s(sound, 8000) == pytest.approx(plainly(sound, 8000), abs=1e-9)


def test_known_decays_are_heard() -> None:
    times = [classic_time_s(bursts(1, 12.0, decay, 24000), 24000) for decay in (0.25, 0.5, 0.8)]
    assert times == sorted(times)
    assert times[1] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("samples", [np.zeros(5), np.zeros(44100), np.ones(44100), np.ones(1)])
def test_nothing_falls(samples: np.ndarray) -> None:
    found = heard(samples[None])
    assert found.mean_rt60 == 0.2
    assert value(found) == 0.0


def test_gain_polarity_and_swapped_channels_do_not_matter() -> None:
    sound = np.stack([bursts(k, 3.0, 0.6 + k / 5, 44100) for k in range(2)])
    found = heard(sound)
    for other in (1e-3 * sound, -sound, sound[::-1], np.concatenate([sound, sound[:1]])):
        assert heard(other).mean_rt60 == pytest.approx(found.mean_rt60, abs=1e-12)
    each = [classic_time_s(channel, 44100) for channel in sound]
    assert found.mean_rt60 == pytest.approx(np.mean(each), abs=1e-12)
    assert found.probability == pytest.approx(1 / (1 + math.exp(1.45082989 - 2.97126461 * found.mean_rt60)))


def test_class_begins_at_one_half() -> None:
    assert value(ReverbFeatures(0.5, 0.5)) == 1.0
    assert value(ReverbFeatures(0.5, np.nextafter(0.5, 0))) == 0.0


def test_probability_rises_with_the_length_of_a_room() -> None:
    rng = np.random.default_rng(3)
    clicks = np.zeros(6 * 44100)
    clicks[rng.integers(0, clicks.size, 14)] = 1.0
    noise = rng.laplace(size=2 * 44100)
    t = np.arange(noise.size) / 44100
    rooms = [np.convolve(clicks, [1.0])] + [
        np.fft.irfft(np.fft.rfft(clicks, 2**19) * np.fft.rfft(noise * 10 ** (-3 * t / decay), 2**19))
        for decay in (0.25, 0.5, 0.9)
    ]
    found = [heard(room[None, : clicks.size]).probability for room in rooms]
    assert found == sorted(found)


def test_as_the_reference(shared: Path) -> None:
    table: dict[str, dict[str, float]] = {}
    with (shared / "timbre" / "reference_features.csv").open() as lines:
        for row in csv.DictReader(lines):
            if row["descriptor"] == "reverb":
                table.setdefault(row["file"], {})[row["feature"]] = float(row["value"])
    assert len(table) == 222
    for file, wanted in sorted(table.items())[::6]:
        clip = read(shared / "audio" / file)
        found = heard(clip.samples, clip.sample_rate)
        assert found.mean_rt60 == pytest.approx(wanted["mean_rt60"], abs=1e-6), file
        assert found.probability == pytest.approx(wanted["probability"], abs=1e-6), file
