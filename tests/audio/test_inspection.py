"""What `inspect` says about files whose state is known."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio import inspection, metering
from tonewright.audio.corpus import load_corpus
from tonewright.audio.files import Clip, write
from tonewright.audio.inspection import FileReport, Inspection, inspect
from tonewright.errors import CorpusError


def put(path: Path, samples: np.ndarray, *, encoding: str | None = None, sample_rate: int = 8_000) -> Path:
    write(path, Clip(np.atleast_2d(samples).astype(np.float32), sample_rate), encoding=encoding)
    return path


def report(folder: Path, samples: np.ndarray, **options: object) -> FileReport:
    put(folder / "a.wav", samples, **options)  # type: ignore[arg-type]
    (row,) = inspect(folder).files
    return row


def sine(frames: int = 80_000, level: float = 0.5) -> np.ndarray:
    return level * np.sin(2 * np.pi * 100 * np.arange(frames) / 8_000)


def test_levels_of_a_sine(tmp_path: Path) -> None:
    row = report(tmp_path, np.stack([sine(), sine(level=0.25)]), encoding="float")
    assert row.peak_db == pytest.approx(20 * np.log10(0.5), abs=1e-3)
    assert row.rms_db == pytest.approx(10 * np.log10((0.25 + 0.0625) / 4), abs=1e-3)
    assert (row.channels, row.sample_rate, row.seconds) == (2, 8_000, 10.0)
    assert (row.container, row.encoding) == ("WAV", "FLOAT")
    assert (row.clipped_runs, row.silent, row.off_centre, row.nonfinite) == (0, False, False, 0)
    assert abs(row.dc_offset) < 1e-6


@pytest.mark.parametrize("level", [0.0, 0.0009])
def test_silence(tmp_path: Path, level: float) -> None:
    row = report(tmp_path, np.full(100, level))
    assert row.silent
    assert row.peak_db == pytest.approx(max(-120.0, 20 * np.log10(level + 1e-12)), abs=0.01)


def test_offset_is_that_of_the_worst_channel(tmp_path: Path) -> None:
    row = report(tmp_path, np.stack([sine() + 0.02, sine() - 0.125]), encoding="float")
    assert row.dc_offset == pytest.approx(-0.125, abs=1e-6)
    assert row.off_centre


class TestClipping:
    @pytest.mark.parametrize("encoding", ["pcm16", "pcm24", "float"])
    def test_counts_the_tops_of_a_clipped_sine(self, tmp_path: Path, encoding: str) -> None:
        # Ten periods of 80 samples, cut at both sides: twenty runs.
        row = report(tmp_path, np.clip(sine(800, level=2.0), -1, 1), encoding=encoding)
        assert row.clipped_runs == 20

    def test_a_single_full_scale_sample_is_a_peak(self, tmp_path: Path) -> None:
        row = report(tmp_path, np.array([0, 1, 0, -1, -1, 0, 1.0]), encoding="pcm16")
        assert row.clipped_runs == 0

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 20))
    def test_runs_across_blocks(self, full: list[bool], block: int) -> None:
        counter = metering._Runs()
        for start in range(0, len(full), block):
            counter.add(np.array(full[start : start + block]))
        text = "".join("#" if value else " " for value in full)
        expected = sum(len(run) >= metering.CLIPPED_SAMPLES for run in text.split(" "))
        assert counter.count() == expected

    def test_long_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        samples = np.clip(sine(8_000, level=3.0), -1, 1)
        whole = report(tmp_path, samples)
        monkeypatch.setattr(inspection, "_BLOCK_FRAMES", 77)
        (blocks,) = inspect(tmp_path).files
        assert blocks.digest == whole.digest
        assert blocks.clipped_runs == whole.clipped_runs == 200
        assert blocks.rms_db == pytest.approx(whole.rms_db, abs=1e-9)
        assert blocks.peak_db == whole.peak_db


class TestDuplicates:
    def test_the_same_sound_in_another_format(self, tmp_path: Path) -> None:
        put(tmp_path / "a.wav", sine(), encoding="pcm16")
        samples, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
        for name, encoding in [("b.flac", "pcm16"), ("c.flac", "pcm24"), ("d.wav", "float")]:
            put(tmp_path / name, samples, encoding=encoding, sample_rate=rate)
        result = inspect(tmp_path)
        assert [row.duplicate_of for row in result.files] == [None, "a.wav", "a.wav", "a.wav"]
        assert result.totals.duplicates == 3

    def test_a_lone_stem_that_is_the_mixture_is_not(self, tmp_path: Path) -> None:
        for song, level in (("A", 0.5), ("B", 0.5)):
            for stem in ("mixture", "drums"):
                put(tmp_path / "train" / song / f"{stem}.wav", sine(level=level), encoding="pcm16")
        rows = {row.name: row.duplicate_of for row in inspect(tmp_path, layout="musdb18hq").files}
        assert rows["train/A/drums.wav"] is None
        assert rows["train/B/drums.wav"] == rows["train/B/mixture.wav"] == "train/A/mixture.wav"

    def test_other_sounds_are_not(self, tmp_path: Path) -> None:
        put(tmp_path / "a.wav", sine())
        put(tmp_path / "rate.wav", sine(), sample_rate=16_000)
        put(tmp_path / "shorter.wav", sine()[:-1])
        put(tmp_path / "quieter.wav", sine() * 0.999)
        put(tmp_path / "stereo.wav", sine().reshape(2, -1, order="F"))
        assert inspect(tmp_path).totals.duplicates == 0

    def test_minus_zero_is_zero(self, tmp_path: Path) -> None:
        put(tmp_path / "a.wav", np.zeros(10), encoding="float")
        put(tmp_path / "b.wav", -np.zeros(10), encoding="float")
        assert inspect(tmp_path).totals.duplicates == 1


def test_nonfinite_samples_are_counted(tmp_path: Path) -> None:
    samples = sine().astype(np.float32)
    samples[[5, 6, 70_000]] = np.nan, np.inf, -np.inf
    soundfile.write(tmp_path / "a.wav", samples, 8_000, subtype="FLOAT")
    result = inspect(tmp_path)
    (row,) = result.files
    assert row.nonfinite == 3
    assert row.peak_db == pytest.approx(20 * np.log10(0.5), abs=1e-3)
    assert result.totals.nonfinite == 1
    json.dumps(result.as_dict(), allow_nan=False)


class TestWhole:
    @pytest.fixture
    def corpus(self, tmp_path: Path) -> Path:
        put(tmp_path / "a.wav", sine())
        put(tmp_path / "sub" / "b.flac", np.stack([sine(), sine()]), sample_rate=44_100)
        put(tmp_path / "silent.wav", np.zeros(500))
        (tmp_path / "text.wav").write_text("not a sound")
        flac = put(tmp_path / "cut.flac", np.random.default_rng(0).uniform(-0.5, 0.5, 50_000))
        flac.write_bytes(flac.read_bytes()[: flac.stat().st_size // 2])
        return tmp_path

    def test_totals(self, corpus: Path) -> None:
        totals = inspect(corpus).totals
        assert totals.files == 3
        assert totals.seconds == pytest.approx(10 + 80_000 / 44_100 + 500 / 8_000)
        assert totals.sample_rates == {8_000: 2, 44_100: 1}
        assert totals.channels == {1: 2, 2: 1}
        assert totals.encodings == {"FLAC PCM_24": 1, "WAV PCM_24": 2}
        assert (totals.silent, totals.unreadable, totals.duplicates, totals.clipped) == (1, 2, 0, 0)
        assert totals.rms_db is not None
        assert totals.rms_db.lowest == -120
        level = 20 * np.log10(0.5**1.5)
        assert (totals.rms_db.median, totals.rms_db.highest) == pytest.approx((level, level), abs=0.01)

    def test_unreadable_with_the_reason(self, corpus: Path) -> None:
        reasons = {Path(bad.path).name: bad.reason for bad in inspect(corpus).unreadable}
        assert reasons["text.wav"] == "is not a sound file that can be read (Format not recognised)"
        assert reasons["cut.flac"].startswith("is truncated: its header promises 50000 frames, 2")

    def test_broken_off_it_reads_no_further(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(40):
            write(tmp_path / f"{number:02d}.wav", Clip(np.full((1, 100_000), 0.1, np.float32), 8000))
        begun, before = [], set(threading.enumerate())

        class Watched(inspection.SoundReader):
            def __enter__(self):
                begun.append(self)
                return super().__enter__()

        monkeypatch.setattr(inspection, "SoundReader", Watched)

        def broken(done: int, total: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            inspect(load_corpus(tmp_path), jobs=2, progress=broken)
        assert set(threading.enumerate()) == before
        assert len(begun) < 20

    def test_the_number_of_jobs_changes_nothing(self, corpus: Path) -> None:
        calls: list[tuple[int, int]] = []
        one = inspect(corpus, progress=lambda done, total: calls.append((done, total)))
        assert inspect(load_corpus(corpus), jobs=2) == one
        assert calls == [(number, 4) for number in (1, 2, 3, 4)]

    def test_is_plain_data(self, corpus: Path) -> None:
        result = inspect(corpus)
        plain = result.as_dict()
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert plain["totals"]["sample_rates"] == {"8000": 2, "44100": 1}
        assert [row["path"] for row in plain["files"]] == [row.path for row in result.files]

    def test_nothing_readable_is_still_told(self, tmp_path: Path) -> None:
        (tmp_path / "a.wav").write_text("not a sound")
        result = inspect(tmp_path)
        assert isinstance(result, Inspection)
        assert (result.totals.files, result.totals.unreadable, result.totals.rms_db) == (0, 1, None)

    def test_no_audio(self, tmp_path: Path) -> None:
        with pytest.raises(CorpusError, match="no sound files"):
            inspect(tmp_path)
