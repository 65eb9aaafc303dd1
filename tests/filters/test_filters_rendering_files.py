"""Sound files through banks: as in memory, in bounded memory, whole or not at all."""

from __future__ import annotations

import logging
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tonewright.audio.clips import Clip
from tonewright.audio.files import probe, read, write
from tonewright.errors import AudioError, OutputError, UsageError
from tonewright.filters.bank import Bank
from tonewright.filters.rendering.sound_files import apply_file

BANK = Bank(np.array([150.0, 800.0, 3000.0, 9000.0]), np.ones(4), np.array([0.4, -0.3, 0.5, 0.2]))
SERIES = Bank(np.array([150.0, 800.0, 3000.0]), np.ones(3), np.array([3.0, -6.0, 4.0]), "series")


def sound_file(
    path: Path, *, channels: int = 2, frames: int = 9000, rate: int = 44100, level: float = 0.1
) -> Path:
    samples = np.random.default_rng(0).normal(size=(channels, frames)) * level
    write(path, Clip(samples, rate), encoding="float" if path.suffix == ".wav" else None)
    return path


@pytest.mark.parametrize("bank", [BANK, SERIES], ids=["parallel", "series"])
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [22050, 96000])
def test_a_file_in_blocks_is_the_clip_as_a_whole(
    tmp_path: Path, bank: Bank, channels: int, rate: int
) -> None:
    source = sound_file(tmp_path / "in.wav", channels=channels, rate=rate)
    expected = bank.apply(read(source), mix=0.8)
    for block_seconds in (0.013, 10.0):
        target = apply_file(
            source, tmp_path / "out.wav", bank, mix=0.8, block_seconds=block_seconds, overwrite=True
        )
        made = read(target)
        assert probe(target).encoding == "FLOAT"
        assert (made.sample_rate, made.channels) == (rate, channels)
        np.testing.assert_allclose(made.samples, expected.samples, atol=1e-9)


@pytest.mark.parametrize("suffix", [".flac", ".wav", ".ogg"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    source = sound_file(tmp_path / "in.flac")
    target = apply_file(source, tmp_path / f"out{suffix}", BANK)
    expected = BANK.apply(read(source)).samples
    assert read(target).samples.shape == expected.shape
    if suffix != ".ogg":
        np.testing.assert_allclose(read(target).samples, expected, atol=2**-23)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_sounds(tmp_path: Path, frames: int) -> None:
    source = sound_file(tmp_path / "in.wav", frames=frames)
    made = read(apply_file(source, tmp_path / "out.wav", BANK))
    np.testing.assert_array_equal(made.samples, BANK.apply(read(source)).samples)


def test_silence_stays_silence(tmp_path: Path) -> None:
    source = sound_file(tmp_path / "in.wav", level=0.0)
    assert not read(apply_file(source, tmp_path / "out.wav", SERIES)).samples.any()


def test_what_goes_over_full_scale_is_clipped_with_a_warning_or_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loud = Bank(np.array([1000.0]), np.array([0.3]), np.array([40.0]))
    source = sound_file(tmp_path / "in.wav")
    with caplog.at_level(logging.WARNING, "tonewright"):
        kept = read(apply_file(source, tmp_path / "kept.wav", loud))
        assert not caplog.records
        clipped = read(apply_file(source, tmp_path / "clipped.flac", loud))
    assert "clipped.flac: went over full scale and was clipped" in caplog.text
    assert np.abs(kept.samples).max() > 1
    np.testing.assert_allclose(clipped.samples, np.clip(kept.samples, -1, 1), atol=2**-22)


def test_filters_above_the_rate_are_left_out_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = sound_file(tmp_path / "in.wav", rate=8000)
    with caplog.at_level(logging.WARNING, "tonewright"):
        apply_file(source, tmp_path / "out.wav", BANK, block_seconds=0.1)
    assert [record.getMessage() for record in caplog.records] == [
        f"{source}: at its sample rate of 8000 Hz, 1 of 4 filters cannot be made and are left out"
    ]


def test_what_cannot_be_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    source = sound_file(tmp_path / "in.wav")
    broken = np.zeros((100, 2), np.float32)
    broken[50, 1] = np.nan
    soundfile.write(tmp_path / "nan.wav", broken, 44100, "FLOAT")
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 1)), 44100)
    (tmp_path / "text.wav").write_text("no sound")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError, match="is the input itself"):
        apply_file(source, source, BANK, overwrite=True)
    with pytest.raises(OutputError, match="exists already"):
        apply_file(source, tmp_path / "nan.wav", BANK)
    for name, words in (
        ("nan", "NaN or infinite"),
        ("empty", "no samples"),
        ("text", "text.wav: "),
        ("none", "no such"),
    ):
        with pytest.raises(AudioError, match=words):
            apply_file(tmp_path / f"{name}.wav", tmp_path / "out.wav", BANK)
    with pytest.raises(UsageError, match="mix"):
        apply_file(source, tmp_path / "out.wav", BANK, mix=2.0)
    with pytest.raises(UsageError, match=r"use \.wav"):
        apply_file(source, tmp_path / "out.mp3", BANK)
    assert sorted(tmp_path.iterdir()) == before


def test_progress_counts_frames(tmp_path: Path) -> None:
    source, steps = sound_file(tmp_path / "in.wav", frames=1000, rate=1000), []
    apply_file(
        source, tmp_path / "out.wav", SERIES, block_seconds=0.4,
        progress=lambda done, total: steps.append((done, total)),
    )  # fmt: skip
    assert steps == [(400, 1000), (800, 1000), (1000, 1000)]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    source = sound_file(tmp_path / "in.flac", channels=1, frames=3_000_000)
    apply_file(sound_file(tmp_path / "short.wav"), tmp_path / "short.flac", BANK)
    tracemalloc.start()
    apply_file(source, tmp_path / "out.flac", BANK, block_seconds=0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000
