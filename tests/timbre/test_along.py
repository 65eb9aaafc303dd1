"""Descriptors along time: which windows there are, and that files are cut as clips are."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.files import Clip, SoundWriter, write
from tonewright.errors import AudioError, UsageError
from tonewright.timbre import along as module
from tonewright.timbre.along import Along, along_file, along_time, windows_of
from tonewright.timbre.along_picture import MOST_SOUNDS, plot_along
from tonewright.timbre.description import Description
from tonewright.timbre.names import DESCRIPTORS, EXTRAS


def stand_in(samples: np.ndarray, sample_rate: int, **options: Any) -> Description:
    """All values are the mean of the window."""
    mean = float(samples.mean()) if samples.size else math.nan
    reasons = {} if math.isfinite(mean) else dict.fromkeys(DESCRIPTORS, "NaN or infinite samples")
    return Description(
        dict.fromkeys((*DESCRIPTORS, *EXTRAS), mean),
        samples.shape[1] / sample_rate,
        sample_rate,
        samples.shape[0],
        options["mode"],
        reasons,
    )


@pytest.fixture
def means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "described", stand_in)


def windows_by_hand(frames: int, window: int, hop: int) -> list[tuple[int, int]]:
    """First and last frame of each window: whole ones, then what is left if it is new and half a window."""
    found = [(start, start + window) for start in range(0, frames - window + 1, hop)]
    start = found[-1][0] + hop if found else 0
    new = not found or frames > found[-1][1]
    if new and start < frames and (not found or 2 * (frames - start) >= window):
        found.append((start, frames))
    return found or [(0, 0)]


@settings(deadline=None, max_examples=300)
@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=8),
    window=st.integers(1, 30),
    hop=st.integers(1, 50),
)
def test_windows_are_the_same_however_a_sound_comes(lengths: list[int], window: int, hop: int) -> None:
    sound = np.arange(2 * sum(lengths), dtype=np.float32).reshape(2, -1)
    blocks = np.split(sound, np.cumsum(lengths)[:-1], axis=1)
    found = list(windows_of(blocks, window_frames=window, hop_frames=hop))
    expected = windows_by_hand(sound.shape[1], window, hop)
    assert [(start, start + samples.shape[1]) for start, samples in found] == expected
    for start, samples in found:
        np.testing.assert_array_equal(samples, sound[:, start : start + samples.shape[1]])


def test_the_whole_sound_is_described_by_default() -> None:
    """With a hop of half a window no sample is left out."""
    for frames in range(1, 60):
        covered = np.zeros(frames, dtype=bool)
        for start, samples in windows_of([np.zeros((1, frames))], window_frames=10, hop_frames=5):
            covered[start : start + samples.shape[1]] = True
        assert covered.all()


def test_values_stand_at_their_times(means: None) -> None:
    levels = np.repeat([0.1, 0.2, 0.3, 0.4], 1000)
    along = along_time(Clip(levels[None], 1000), window_s=1.0, hop_s=1.0)
    np.testing.assert_array_equal(along.start_s, [0.0, 1.0, 2.0, 3.0])
    np.testing.assert_array_equal(along.seconds, np.ones(4))
    for name in (*DESCRIPTORS, *EXTRAS):
        np.testing.assert_allclose(along[name], [0.1, 0.2, 0.3, 0.4], rtol=1e-6)
    assert (len(along), along.sample_rate, along.channels) == (4, 1000, 1)
    array = along_time(levels, 1000, window_s=1.0, hop_s=1.0)
    np.testing.assert_allclose(array["depth"], along["depth"], rtol=1e-6)


def test_a_file_is_described_as_its_clip(means: None, tmp_path: Path) -> None:
    clip = Clip(np.random.default_rng(0).uniform(-1, 1, (2, 150_001)), 44_100)
    write(tmp_path / "a.wav", clip, encoding="float")
    options: dict[str, Any] = {"window_s": 0.7, "hop_s": 0.2}
    assert repr(along_file(tmp_path / "a.wav", **options).rows()) == repr(along_time(clip, **options).rows())


def test_a_shorter_sound_is_one_window(means: None) -> None:
    along = along_time(np.full(10, 0.5), 1000)
    assert (along.start_s.tolist(), along.seconds.tolist(), along["warmth"].tolist()) == (
        [0.0],
        [0.01],
        [0.5],
    )
    empty = along_time(np.zeros((1, 0)), 1000)
    assert len(empty) == 1
    assert math.isnan(empty["warmth"][0])
    assert empty.notes == ("NaN or infinite samples",)


def test_nan_costs_the_windows_that_hold_it(means: None, tmp_path: Path) -> None:
    samples = np.full((1, 4000), 0.5, dtype=np.float32)
    samples[0, 1500] = np.nan
    import soundfile

    soundfile.write(tmp_path / "a.wav", samples.T, 1000, subtype="FLOAT")
    along = along_file(tmp_path / "a.wav", window_s=1.0, hop_s=1.0)
    assert np.isnan(along["depth"]).tolist() == [False, True, False, False]
    assert along.notes[1] == "NaN or infinite samples"


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("text")
    with pytest.raises(AudioError):
        along_file(tmp_path / "a.wav")


def test_memory_does_not_grow_with_the_length(means: None, tmp_path: Path) -> None:
    peaks = []
    for seconds in (40, 400):
        path = tmp_path / f"{seconds}.wav"
        with SoundWriter(path, sample_rate=8000, channels=1) as writer:
            for _ in range(seconds):
                writer.write(np.full((1, 8000), 0.25, dtype=np.float32))
        tracemalloc.start()
        along_file(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 500_000


def test_rows_of_a_table_give_the_same_again(means: None) -> None:
    along = along_time(np.random.default_rng(1).uniform(-1, 1, 4321), 1000, window_s=1.0)
    again = Along.from_rows(along.rows())
    assert repr(again.rows()) == repr(along.rows())
    assert tuple(again.values) == (*DESCRIPTORS, *EXTRAS)
    with pytest.raises(UsageError, match="did you mean warmth"):
        along["wamth"]


@pytest.mark.parametrize(
    "options", [{"window_s": 0}, {"window_s": math.inf}, {"hop_s": 0}, {"mode": "modern"}], ids=str
)
def test_wrong_settings_are_told(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        along_time(np.zeros(10), 1000, **options)


def sounds(count: int) -> dict[str, Along]:
    generator = np.random.default_rng(2)
    return {
        f"sound {number}.wav": along_time(100 * generator.uniform(0, 1, 9000), 1000, window_s=1.0)
        for number in range(count)
    }


@pytest.mark.parametrize("count", [1, 3, MOST_SOUNDS + 2])
def test_the_picture_has_a_row_a_descriptor(means: None, tmp_path: Path, count: int) -> None:
    shown = sounds(count)
    figure = plot_along(shown, title="a $ong")
    assert [axes.get_ylabel() for axes in figure.axes] == list(DESCRIPTORS)
    first = next(iter(shown.values()))
    for axes, name in zip(figure.axes[:-1], DESCRIPTORS, strict=False):
        lines = axes.get_lines()
        assert len(lines) == min(count, MOST_SOUNDS)
        np.testing.assert_allclose(lines[0].get_xdata(), first.start_s + first.seconds / 2)
        np.testing.assert_allclose(lines[0].get_ydata(), first[name])
        low, high = axes.get_ylim()
        assert high - low >= 10
        assert low <= first[name].min()
        assert high >= first[name].max()
    assert bool(figure.legends) == (count > 1)
    figure.savefig(tmp_path / "along.png")


def test_a_sound_without_any_value_is_drawn_empty(means: None, tmp_path: Path) -> None:
    figure = plot_along(along_time(np.full(3000, np.nan), 1000))
    figure.savefig(tmp_path / "along.png")
    for axes in figure.axes:
        assert np.isnan(axes.get_lines()[0].get_ydata()).all()
    assert {axes.get_ylim() for axes in figure.axes[:-1]} == {(0.0, 100.0)}
    assert figure.axes[-1].get_xlim() == (0.0, 3.0)
