"""One pass over a sound: values or reasons, for any sound; the same as one by one; long files in pieces."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright import timbre
from tonewright.audio.files import Clip, read, write
from tonewright.errors import AudioError, UsageError
from tonewright.timbre import DESCRIPTORS, EXTRAS, MODES, describe, describe_file, long_files

RATE = 44100


def noise(
    seconds: float, channels: int = 1, *, level: float = 0.1, rate: int = RATE, seed: int = 0
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (level * rng.standard_normal((channels, round(seconds * rate)))).clip(-1, 1)


def tone(hz: float, seconds: float, *, rate: int = RATE) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)[None]


def pluck(hz: float = 220.0, seconds: float = 1.5, *, rate: int = RATE) -> np.ndarray:
    """A decaying note of six partials."""
    time = np.arange(round(seconds * rate)) / rate
    partials = sum(np.sin(2 * np.pi * n * hz * time) * np.exp(-(2 + n) * time) / n for n in range(1, 7))
    return 0.2 * np.asarray(partials)[None]


def check_complete(found: timbre.Description) -> None:
    """A number or a reason for everything."""
    assert tuple(found) == (*DESCRIPTORS, *EXTRAS)
    for name, value in found.values.items():
        assert math.isfinite(value) or found.reasons.get(name), f"{name} is {value} without a reason"
        assert not (math.isfinite(value) and name in found.reasons)


HARD_CASES = {
    "silence": np.zeros((1, RATE)),
    "nothing": np.zeros((1, 0)),
    "one sample": np.full((1, 1), 0.5),
    "two samples": np.array([[0.5, -0.5]]),
    "1 ms": noise(0.001),
    "50 ms": noise(0.05),
    "600 samples": noise(600 / RATE),
    "a constant": np.full((1, RATE), 0.5),
    "noise and a constant": noise(0.5) + 0.5,
    "channels that cancel": np.concatenate([noise(1.0), -noise(1.0)]),
    "impulse": np.eye(1, RATE, RATE // 2),
    "impulse first": np.eye(1, RATE),
    "clipped": np.sign(noise(0.5)),
    "-90 dBFS": noise(1.0, level=10**-4.5),
    "denormal": noise(0.3, level=1e-30),
    "12 kHz": tone(12000, 1.0),
    "20 Hz": tone(20, 1.0),
    "a NaN": np.where(np.arange(RATE) == 99, np.nan, noise(1.0)),
    "infinite": np.where(np.arange(RATE) == 99, np.inf, noise(1.0)),
    "seven channels": noise(0.5, 7),
    "multiple of a frame": noise(4096 * 5 / RATE),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", HARD_CASES)
def test_every_sound_has_values_or_reasons(name: str, mode: timbre.names.Mode) -> None:
    check_complete(describe(HARD_CASES[name], RATE, mode=mode))


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44101, 96000, 192000])
@pytest.mark.parametrize("mode", MODES)
def test_every_rate(rate: int, mode: timbre.names.Mode) -> None:
    found = describe(noise(0.6, 2, rate=rate), rate, mode=mode)
    check_complete(found)
    assert not set(found.reasons) & set(DESCRIPTORS)


@settings(deadline=None, max_examples=30)
@given(
    frames=st.integers(1, 20000),
    channels=st.integers(1, 4),
    rate=st.sampled_from([8000, 22050, 44100, 48000, 96000]),
    level_db=st.floats(-120, 20),
    mode=st.sampled_from(MODES),
    seed=st.integers(0, 100),
)
def test_any_length_rate_channels_and_level(frames, channels, rate, level_db, mode, seed) -> None:
    rng = np.random.default_rng(seed)
    sound = 10 ** (level_db / 20) * rng.standard_normal((channels, frames))
    sound[:, : rng.integers(0, frames)] *= rng.integers(0, 2)
    check_complete(describe(sound, rate, mode=mode))


def test_reasons_are_words() -> None:
    assert describe(np.zeros((1, RATE)), RATE).remarks() == "silence"
    found = describe(HARD_CASES["a NaN"], RATE)
    assert math.isnan(found["warmth"])
    assert "NaN" in found.reasons["warmth"]
    quiet = describe(noise(1.0, level=10**-4.5), RATE)
    assert not set(quiet.reasons) & set(DESCRIPTORS)


def test_the_same_one_by_one() -> None:
    sound = pluck()
    for mode in MODES:
        whole = describe(sound, RATE, mode=mode, raw=True)
        for name in DESCRIPTORS[:-1]:
            assert getattr(timbre, name)(sound, RATE, mode=mode, raw=True) == whole[name], name
        alone = timbre.reverb(sound, RATE, mode=mode)
        assert alone.value == whole["reverb"]
        assert alone.probability == whole["reverb_probability"]
        np.testing.assert_equal(alone.time_s, whole["reverb_time_s"])


def test_clips_and_arrays_are_the_same() -> None:
    clip = Clip(pluck().astype(np.float32), RATE)
    assert timbre.depth(clip) == timbre.depth(clip.samples, RATE) == timbre.depth(clip.samples[0], RATE)


def test_values_stay_on_their_scale_unless_raw() -> None:
    high = tone(12000, 1.0)
    assert timbre.boominess(high, RATE, raw=True) < 0
    assert timbre.boominess(high, RATE) == 0
    assert timbre.sharpness(high, RATE, raw=True) > 100
    assert timbre.sharpness(high, RATE) == 100
    assert describe(high, RATE)["centroid_hz"] > 100


@pytest.mark.parametrize(
    ("sound", "rate", "words"),
    [
        (np.zeros((1, 1, 8)), RATE, "channels, time"),
        (np.zeros(8, np.int16), RATE, "floating point"),
        (np.zeros(8), None, "sample_rate is missing"),
        (np.zeros(8), 0, "above 0"),
        (np.zeros(8), "44100", "whole number"),
        (np.zeros(8), float("nan"), "whole number"),
        ("song.wav", None, "describe_file"),
        (np.zeros((44100, 2)), RATE, "transpose"),
    ],
)
def test_what_is_no_sound_is_refused(sound: Any, rate: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        describe(sound, rate)


def test_unknown_names_are_answered_with_near_ones() -> None:
    with pytest.raises(UsageError, match="mode 'clasic'"):
        describe(noise(0.1), RATE, mode="clasic")  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="did you mean brightness"):
        describe(noise(0.1), RATE)["brightnes"]


def test_files(tmp_path: Path) -> None:
    clip = Clip(pluck().astype(np.float32), RATE)
    write(tmp_path / "pluck.wav", clip)
    assert describe_file(tmp_path / "pluck.wav").values == describe(read(tmp_path / "pluck.wav")).values
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(AudioError, match=r"text\.wav"):
        describe_file(tmp_path / "text.wav")


def test_a_rate_that_leaves_nothing(tmp_path: Path) -> None:
    import soundfile

    soundfile.write(tmp_path / "slow.wav", noise(60.0, rate=100)[0], 100)
    found = describe_file(tmp_path / "slow.wav")
    check_complete(found)
    assert "100 Hz" in found.remarks()
    assert found.seconds == 60.0


def test_long_files_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    notes = [pluck(hz, 1.0) for hz in rng.uniform(80, 800, 12)]
    sound = np.concatenate(notes, axis=1) + noise(12.0, level=0.003)
    write(tmp_path / "long.wav", Clip(np.repeat(sound, 2, axis=0).astype(np.float32), RATE))
    whole = describe_file(tmp_path / "long.wav", raw=True)
    monkeypatch.setattr(long_files, "WHOLE_S", 6)
    monkeypatch.setattr(long_files, "PIECE_S", 4)
    pieces = describe_file(tmp_path / "long.wav", raw=True)
    assert "described in 3 pieces" in pieces.notes
    check_complete(pieces)
    for name in DESCRIPTORS[:-1]:
        assert pieces[name] == pytest.approx(whole[name], abs=4.0), name
    for name in ("loudness_lufs", "crest_db"):
        assert pieces[name] == pytest.approx(whole[name], abs=0.05), name


def test_long_silence_and_long_cancelling_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_files, "WHOLE_S", 2)
    monkeypatch.setattr(long_files, "PIECE_S", 2)
    write(tmp_path / "silent.wav", Clip(np.zeros((2, 4 * RATE), np.float32), RATE))
    assert describe_file(tmp_path / "silent.wav").reasons["depth"] == "silence"
    sound = np.concatenate([pluck(seconds=4.0), -pluck(seconds=4.0)])
    write(tmp_path / "cancels.wav", Clip(sound.astype(np.float32), RATE))
    found = describe_file(tmp_path / "cancels.wav")
    check_complete(found)
    assert any("cancel" in note for note in found.notes)
    assert math.isfinite(found["brightness"])
    whole = describe(read(tmp_path / "cancels.wav"))
    assert found["loudness_lufs"] == pytest.approx(whole["loudness_lufs"], abs=0.05)


def test_neither_torch_nor_jax_is_loaded() -> None:
    code = (
        "import json, sys, numpy as np\n"
        "from tonewright import timbre\n"
        "light = sorted({name.split('.')[0] for name in sys.modules})\n"
        "timbre.describe(np.random.default_rng(0).standard_normal(9000) / 10, 44100)\n"
        "print(json.dumps([light, sorted({name.split('.')[0] for name in sys.modules})]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported, described = json.loads(result.stdout)
    assert not {"torch", "jax", "numba", "matplotlib", "librosa"} & set(imported)
    assert not {"torch", "jax", "matplotlib", "librosa", "pandas"} & set(described)
