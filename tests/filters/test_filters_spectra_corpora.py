"""Spectra of a corpus: computed once, right after every change and every accident."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tonewright.audio.clips import Clip
from tonewright.audio.corpus import load_corpus, split_of
from tonewright.audio.files import write
from tonewright.errors import CorpusError, UsageError
from tonewright.filters.config import Config
from tonewright.filters.spectra import corpora, load_spectra, sound_spectrum, spectrum_of_file
from tonewright.filters.spectra.corpora import store_path
from tonewright.filters.spectra.measuring import Sound, measured
from tonewright.filters.spectra.store import read_store
from tonewright.learning.config import DataConfig, TrainConfig

SYSTEM = Config(points=24, n_fft=1024)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of its own."""
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Thirty hits of filtered noise, in two folders."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "shots"
    for number in range(30):
        samples = rng.standard_normal((1, 3000 + 100 * number)).astype(np.float32)
        samples[:, 1:] += np.float32(rng.uniform(-1, 1)) * samples[:, :-1]
        write(folder / f"{number % 2}" / f"hit{number:02d}.wav", Clip(0.1 * samples, 44100))
    return folder


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the sounds that are measured."""
    names: list[str] = []

    def counting(sounds: Sequence[Sound], **settings: object) -> list:
        names.extend(sound.name for sound in sounds)
        return measured(sounds, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(corpora, "measured", counting)
    return names


def settings_of(root: Path, **data: object) -> TrainConfig:
    """A configuration for a folder."""
    chosen = {"root": str(root), "workers": 1, **data}
    return TrainConfig(system_name="filters", system=SYSTEM, data=DataConfig(**chosen))  # type: ignore[arg-type]


def test_each_sound_has_its_spectrum(shots: Path) -> None:
    """Both splits are those of the corpus, and every row is what `spectrum_of_file` gives."""
    corpus = load_corpus(shots)
    for split in ("train", "validation"):
        found = load_spectra(settings_of(shots), split)
        assert found.names == tuple(track.name for track in corpus.split(split).tracks)
        assert found.values.shape == (len(found), 24)
        assert found.values.dtype == np.float32
        for row, name in enumerate(found.names):
            known = spectrum_of_file(shots / f"{name}.wav", SYSTEM)
            np.testing.assert_allclose(found.values[row], known.magnitude_db, atol=1e-4)
            assert found.levels_db[row] == pytest.approx(known.level_db, abs=1e-4)


def test_they_are_computed_once_and_mapped(shots: Path, counted: list[str]) -> None:
    """Training and validation together, at the first call; then they are mapped, for reading only."""
    first = load_spectra(settings_of(shots))
    assert len(counted) == len(first) + len(load_spectra(settings_of(shots), "validation"))
    again = load_spectra(settings_of(shots))
    assert len(counted) == len(set(counted))
    np.testing.assert_array_equal(first.values, again.values)
    assert not again.values.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        again.values[0, 0] = 0.0


def test_files_that_changed_are_measured_again(shots: Path, counted: list[str]) -> None:
    """One rewritten, one new, one gone; nothing else."""
    before = load_spectra(settings_of(shots))
    counted.clear()
    rewritten, gone = before.names[3], before.names[5]
    louder = Clip(np.random.default_rng(9).standard_normal((1, 4000)).astype(np.float32) * 0.2, 44100)
    write(shots / f"{rewritten}.wav", louder, overwrite=True)
    (shots / f"{gone}.wav").unlink()
    write(shots / "extra.wav", louder)
    after = load_spectra(settings_of(shots))
    assert set(counted) == {rewritten, "extra"}
    assert gone not in after.names
    row = after.names.index(rewritten)
    known = spectrum_of_file(shots / f"{rewritten}.wav", SYSTEM)
    np.testing.assert_allclose(after.values[row], known.magnitude_db, atol=1e-4)
    # What was mapped before the change is still what it was.
    assert np.isfinite(before.values).all()


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "of another format", "gone"])
def test_a_damaged_cache_is_made_anew(shots: Path, counted: list[str], damage: str) -> None:
    """Whatever happened to it."""
    config = settings_of(shots)
    known = np.array(load_spectra(config).values)
    path = store_path(load_corpus(shots), config)
    content = bytearray(path.read_bytes())
    content[-40] ^= 1 if damage == "flipped" else 0
    content = content[: {"cut": len(content) - 4, "emptied": 0}.get(damage, len(content))]
    path.write_bytes(content.replace(b'"format": 1', b'"format": 9') if "format" in damage else content)
    if damage == "gone":
        path.unlink()
    counted.clear()
    np.testing.assert_array_equal(load_spectra(config).values, known)
    assert counted


def test_what_was_measured_before_an_interruption_is_kept(
    shots: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the third handful of ten."""
    monkeypatch.setattr("tonewright.filters.spectra.measuring._BATCH_SOUNDS", 10)
    going = corpora.measured

    def interrupted(sounds: Sequence[Sound], **settings: object) -> list:
        if len(counted) == 20:
            raise KeyboardInterrupt
        return going(sounds, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(corpora, "measured", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_spectra(settings_of(shots))
    monkeypatch.setattr(corpora, "measured", going)
    load_spectra(settings_of(shots))
    assert len(counted) == len(set(counted)) > 20


def test_two_processes_at_once(shots: Path) -> None:
    """Both give the same, and leave a file that can be used."""
    program = (
        "import sys, numpy as np\n"
        "from tonewright.filters.config import Config\n"
        "from tonewright.filters.spectra import load_spectra\n"
        "from tonewright.learning.config import DataConfig, TrainConfig\n"
        "data = DataConfig(root=sys.argv[1], workers=1)\n"
        "config = TrainConfig(system_name='filters', system=Config(points=24, n_fft=1024), data=data)\n"
        "print(float(np.float64(load_spectra(config).values).sum()))\n"
    )
    command = [sys.executable, "-c", program, str(shots)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ, text=True) for _ in range(2)]
    printed = {process.communicate(timeout=120)[0] for process in running}
    config = settings_of(shots)
    assert read_store(store_path(load_corpus(shots), config), 24) is not None
    assert printed == {f"{float(np.float64(load_spectra(config).values).sum())}\n"}


def test_workers_change_nothing(shots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes and one give the same, in the same order."""
    one = load_spectra(settings_of(shots))
    monkeypatch.setattr(corpora, "_ONE_PROCESS_SOUNDS", 0)
    monkeypatch.setattr(corpora, "_ONE_PROCESS_SECONDS", 0.0)
    store_path(load_corpus(shots), settings_of(shots)).unlink()
    two = load_spectra(settings_of(shots, workers=2))
    assert one.names == two.names
    np.testing.assert_array_equal(one.values, two.values)


def test_what_cannot_be_heard_is_left_out_with_a_line(shots: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Silence, a constant, NaN and a file that is no sound."""
    still = Clip(np.zeros((1, 5000), np.float32), 44100)
    write(shots / "still.wav", still)
    write(shots / "flat.wav", Clip(still.samples + np.float32(0.5), 44100))
    import soundfile

    soundfile.write(shots / "nan.wav", np.full(500, np.nan, np.float32), 44100, subtype="FLOAT")
    (shots / "text.wav").write_text("no sound")
    with caplog.at_level(logging.WARNING):
        names = {
            *load_spectra(settings_of(shots)).names,
            *load_spectra(settings_of(shots), "validation").names,
        }
    assert not names & {"still", "flat", "nan", "text"}
    assert "3 of" in caplog.text
    assert "flat.wav: is one constant value" in caplog.text
    assert "text.wav" in caplog.text


def test_nothing_to_hear_is_an_error(tmp_path: Path) -> None:
    """Silence throughout, and an empty folder."""
    write(tmp_path / "still" / "a.wav", Clip(np.zeros((1, 5000), np.float32), 44100))
    with pytest.raises(CorpusError, match="none of its sounds for train has a spectrum: a: is silent"):
        load_spectra(settings_of(tmp_path / "still"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="no sound files"):
        load_spectra(settings_of(tmp_path / "empty"))


def test_long_sounds_come_in_pieces(tmp_path: Path) -> None:
    """Consecutive ones of data.seconds; the last takes what is left, up to half a piece more or less."""
    samples = np.random.default_rng(0).standard_normal((2, 10_000)).astype(np.float32) * 0.1
    samples[:, 1800:3600] = 0.0
    folder = tmp_path / "long"
    for rate, name in ((2000, "five"), (8000, "whole")):
        assert split_of(name) == "train"
        write(folder / f"{name}.wav", Clip(samples, rate), encoding="float")
    found = load_spectra(settings_of(folder, seconds=0.9))
    # 5 s are six pieces, the last of 0.5 s, and the second is silent; 1.25 s are one.
    assert found.names == (*(f"five@{0.9 * number:g}" for number in (0, 2, 3, 4, 5)), "whole")
    piece = sound_spectrum(Clip(samples[:, 9000:], 2000), config=SYSTEM)
    np.testing.assert_allclose(found.values[4], piece.magnitude_db, atol=1e-4)


def test_stems_of_songs(tmp_path: Path) -> None:
    """Every stem that is asked for; the accompaniment is the sum of its samples."""
    rng = np.random.default_rng(0)
    stems = {
        name: rng.standard_normal((2, 8000)).astype(np.float32) * 0.1
        for name in ("vocals", "drums", "bass", "other")
    }
    stems["bass"] = -stems["drums"]  # they cancel in the sum
    for song in ("a", "b"):
        for name, samples in stems.items():
            write(tmp_path / "songs" / song / f"{name}.wav", Clip(samples, 44100), encoding="float")
    config = settings_of(tmp_path / "songs", stems=["drums", "accompaniment"], layout="stems")
    found = load_spectra(config)
    assert found.names[:2] == ("a:drums", "a:accompaniment")
    other = sound_spectrum(Clip(stems["other"], 44100), config=SYSTEM)
    np.testing.assert_allclose(found.values[1], other.magnitude_db, atol=1e-3)


def test_another_way_to_hear_is_another_cache(shots: Path) -> None:
    """Settings of the spectrum and the choice of sound each have their file."""
    corpus, config = load_corpus(shots), settings_of(shots)
    others = [
        settings_of(shots, seconds=3.0),
        settings_of(shots, labels=["x"]),
        TrainConfig(system_name="filters", system=Config(points=32, n_fft=1024), data=config.data),
        TrainConfig(system_name="filters", system=Config(points=24, n_fft=2048), data=config.data),
    ]
    paths = {store_path(corpus, other) for other in (config, *others)}
    assert len(paths) == 5
    slower = TrainConfig(
        system_name="filters", system=Config(points=24, n_fft=1024, filters=8), data=config.data
    )
    assert store_path(corpus, slower) == store_path(corpus, config)


def test_a_cache_that_cannot_be_written_costs_no_result(shots: Path, cache: Path) -> None:
    """A file stands where the folder should be."""
    cache.mkdir()
    (cache / "spectra").write_text("in the way")
    known = load_spectra(settings_of(shots))
    assert len(known) > 10
    assert np.isfinite(known.values).all()


def test_splits_and_seconds_that_are_none(shots: Path) -> None:
    """With the nearest right word."""
    with pytest.raises(UsageError, match="did you mean validation"):
        load_spectra(settings_of(shots), "validaton")
    with pytest.raises(UsageError, match=r"data\.seconds"):
        load_spectra(settings_of(shots, seconds=0.0))
