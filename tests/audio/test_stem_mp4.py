"""Stems that are streams of one mp4: decoded once, whole or not at all; mostly with a stand-in for ffmpeg."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tonewright.audio.corpus import load_corpus
from tonewright.audio.files import Clip, probe, read, write
from tonewright.audio.inspection import inspect
from tonewright.audio.layouts.musdb import STEMS
from tonewright.audio.stem_mp4 import cache, decode_stems
from tonewright.audio.windows import Windows, WindowSettings
from tonewright.errors import CorpusError, OutputError

RATE = 8_000
FRAMES = 70_001  # of the song that ffmpeg itself encodes
ODD_NAMES = ("Déjà - vu [live]", "-dash %d - a;b: c", 'it\'s "so" $HOME {x}', "Ünïcode – 中")

# An mp4 is a JSON file for these: what ffprobe says of it, and what comes out when it is decoded.
FFPROBE = """#!{python}
import json, sys
from pathlib import Path
try:
    song = json.loads(Path(sys.argv[-1]).read_text())
except ValueError:
    sys.exit(f"[mov @ 0x55] moov atom not found\\n{{sys.argv[-1]}}: Invalid data found")
stream = {{"sample_rate": "8000", "channels": 2, "time_base": "1/8000"}}
print(json.dumps({{"streams": [stream | {{"duration_ts": frames}} for frames in song["stated"]]}}))
"""
FFMPEG = """#!{python}
import json, random, sys, wave
from pathlib import Path
source = Path(sys.argv[sys.argv.index("-i") + 1])
with Path(r"{log}").open("a") as log:
    log.write(source.name + "\\n")
song = json.loads(source.read_text())
outputs = [path for path in sys.argv if path.endswith(".wav")]
maps = [int(argument[4:]) for argument in sys.argv if argument.startswith("0:a:")]
cuts = [int(a.split("=")[-1]) for a in sys.argv if a.startswith("atrim")] or [10**9] * len(maps)
for number, cut, output in zip(maps, cuts, outputs, strict=True):
    noise = random.Random(song.get("seed", 0) + number).randbytes(4 * min(cut, song["decoded"][number]))
    with wave.open(output, "wb") as sound:
        sound.setparams((2, 2, 8000, 0, "NONE", ""))
        sound.writeframes(noise)
if song.get("complaint"):
    print("[aac @ 0x55]", song["complaint"], file=sys.stderr)
sys.exit(song.get("code", 0))
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts the stand-ins on the path; a file of the names of the songs that were decoded."""
    programs, log = tmp_path / "programs", tmp_path / "decoded.txt"
    programs.mkdir()
    log.touch()
    for name, text in (("ffprobe", FFPROBE), ("ffmpeg", FFMPEG)):
        (programs / name).write_text(text.format(python=sys.executable, log=log))
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    return log


def song(path: Path, *, frames: int = 800, **changes: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"stated": [frames] * 5, "decoded": [frames] * 5} | changes))
    return path


def decode(*paths: Path, **options: Any) -> dict[Path, dict[str, str] | str]:
    return decode_stems(dict.fromkeys(paths, STEMS), title="MUSDB18", jobs=1, **options)


def stems_of(path: Path) -> dict[str, str]:
    stems = decode(path)[path]
    assert isinstance(stems, dict), stems
    return stems


def everything(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


class TestDecoding:
    def test_a_cache_that_is_named_from_where_one_stands(
        self, tmp_path: Path, decoded: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TONEWRIGHT_CACHE", "cache")
        monkeypatch.chdir(tmp_path)
        song(tmp_path / "set" / "train" / "A - B.stem.mp4")
        (track,) = load_corpus(tmp_path / "set").tracks
        assert set(track.stems) == set(STEMS)
        assert all(Path(file).is_relative_to(own_cache) for file in track.stems.values())

    def test_a_file_for_each_stem(self, tmp_path: Path, decoded: Path, own_cache: Path) -> None:
        path = song(tmp_path / "train" / "A - B.stem.mp4", frames=900)
        stems = stems_of(path)
        assert tuple(stems) == STEMS
        for stem, file in stems.items():
            info = probe(file)
            assert (info.frames, info.channels, info.encoding) == (900, 2, "PCM_16")
            assert Path(file).is_relative_to(own_cache / "stems")
            assert file.endswith(f"/A - B/{stem}.wav")
        contents = {Path(file).read_bytes() for file in stems.values()}
        assert len(contents) == 5
        assert [p.name for p in path.parent.iterdir()] == ["A - B.stem.mp4"], (
            "the set itself is left as it was"
        )

    @pytest.mark.parametrize("name", ODD_NAMES)
    def test_odd_names(self, tmp_path: Path, decoded: Path, name: str) -> None:
        path = song(tmp_path / "train" / f"{name}.stem.mp4")
        (track,) = load_corpus(tmp_path).tracks
        assert track.song == name
        assert decode(path)[path] == dict(track.stems)

    def test_is_done_once(self, tmp_path: Path, decoded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        paths = [song(tmp_path / "train" / f"{n}.stem.mp4") for n in range(3)]
        first = decode(*paths)
        monkeypatch.setenv("PATH", "")
        assert decode(*paths) == first
        assert sorted(decoded.read_text().split()) == sorted(path.name for path in paths)

    def test_again_when_the_source_is_another(self, tmp_path: Path, decoded: Path) -> None:
        path = song(tmp_path / "train" / "A.stem.mp4", seed=1)
        before = read(stems_of(path)["drums"]).samples
        song(path, seed=2)
        os.utime(path, ns=(7, 7))
        after = read(stems_of(path)["drums"]).samples
        assert before.shape == after.shape
        assert not np.array_equal(before, after)
        assert len(decoded.read_text().split()) == 2

    @pytest.mark.parametrize("damage", ["removed", "cut", "unreadable"])
    def test_again_when_the_cache_was_damaged(
        self, tmp_path: Path, decoded: Path, damage: str, own_cache: Path
    ) -> None:
        path = song(tmp_path / "train" / "A.stem.mp4")
        stems = stems_of(path)
        whole = Path(stems["bass"]).read_bytes()
        if damage == "removed":
            Path(stems["bass"]).unlink()
        elif damage == "cut":
            Path(stems["bass"]).write_bytes(whole[:100])
        else:
            next(own_cache.rglob("source.json")).write_text("[]")
        assert decode(path)[path] == stems
        assert Path(stems["bass"]).read_bytes() == whole

    def test_two_folders_of_one_name_do_not_meet(self, tmp_path: Path, decoded: Path) -> None:
        paths = [song(tmp_path / place / "train" / "A.stem.mp4", seed=n) for n, place in enumerate("xy")]
        x, y = (Path(stems_of(path)["bass"]).read_bytes() for path in paths)
        assert x != y

    def test_the_last_packet_is_cut_to_the_stated_length(self, tmp_path: Path, decoded: Path) -> None:
        path = song(tmp_path / "train" / "A.stem.mp4", stated=[800] * 5, decoded=[1024] * 5)
        stems = stems_of(path)
        assert {probe(file).frames for file in stems.values()} == {800}

    def test_two_at_a_time_decode_each_song_once(self, tmp_path: Path, decoded: Path) -> None:
        paths = [song(tmp_path / "train" / f"{n}.stem.mp4") for n in range(4)]
        results: list[object] = []
        threads = [threading.Thread(target=lambda: results.append(decode(*paths))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert results[0] == results[1]
        assert len(decoded.read_text().split()) == 4


class TestTrouble:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"stated": [800] * 3}, "holds 3 sound streams, 5 are expected; not other, vocals"),
            ({"code": 1, "complaint": "Invalid data"}, r"cannot be decoded by ffmpeg \(Invalid data\)"),
            (
                {"decoded": [800, 400, 800, 800, 800], "complaint": "partial file"},
                r"cut short or damaged: 0\.05 of 0\.10 s of drums are there \(partial file\)",
            ),
            (
                {"decoded": [8_000 - 2_000] * 5, "stated": [8_000] * 5},
                r"0\.75 of 1\.00 s of mixture are there$",
            ),
        ],
    )
    def test_a_broken_song_costs_that_song(
        self, tmp_path: Path, decoded: Path, own_cache: Path, changes: dict[str, Any], words: str
    ) -> None:
        song(tmp_path / "train" / "A.stem.mp4")
        song(tmp_path / "train" / "B.stem.mp4", **changes)
        (tmp_path / "train" / "C.stem.mp4").write_bytes(b"\0\0\0\x18ftyp")
        corpus = load_corpus(tmp_path)
        assert [track.song for track in corpus.tracks] == ["A"]
        reasons = {Path(item.path).name: item.reason for item in corpus.unreadable}
        assert set(reasons) == {"B.stem.mp4", "C.stem.mp4"}
        assert re.search(words, reasons["B.stem.mp4"])
        assert reasons["C.stem.mp4"] == "is not an mp4 that ffmpeg can read (Invalid data found)"
        assert not any(name.startswith((".part", "B", "C")) for name in everything(own_cache))

    @pytest.mark.parametrize("short", [1, 8, 900])
    def test_lengths_that_are_rounded_are_no_damage(self, tmp_path: Path, decoded: Path, short: int) -> None:
        complaint = "deprecated" if short < 16 else ""
        changes = {"stated": [8_000] * 5, "decoded": [8_000 - short] * 5, "complaint": complaint}
        path = song(tmp_path / "train" / "A.stem.mp4", **changes)
        assert isinstance(decode(path)[path], dict)

    def test_resumes_after_an_interruption(self, tmp_path: Path, decoded: Path, own_cache: Path) -> None:
        paths = [song(tmp_path / "train" / f"{n}.stem.mp4") for n in range(3)]

        def stop(done: int, total: int) -> None:
            assert total == 3
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            decode(*paths, progress=stop)
        done = decoded.read_text().split()
        assert 1 <= len(done) < 3
        # What a process that was killed leaves behind.
        for name in ("2", "of another set"):
            left = next((own_cache / "stems").glob("[!.]*")) / f".part-{name}"
            left.mkdir()
            (left / "drums.wav").write_bytes(b"half")
        calls: list[tuple[int, int]] = []
        decode(*paths, progress=lambda done, total: calls.append((done, total)))
        assert calls == [(n, 3 - len(done)) for n in range(1, 4 - len(done))]
        assert sorted(decoded.read_text().split()) == sorted(path.name for path in paths)
        assert not any(name.startswith(".part") for name in everything(own_cache))

    def test_without_ffmpeg(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        song(tmp_path / "train" / "A.stem.mp4")
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(CorpusError, match=r"ffmpeg and ffprobe cannot be found; install ffmpeg \(apt"):
            load_corpus(tmp_path, layout="musdb18")

    def test_without_room(
        self, tmp_path: Path, decoded: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = song(tmp_path / "train" / "A.stem.mp4", stated=[10**9] * 5)
        usage = shutil.disk_usage(tmp_path)._replace(free=15_000_000_000)
        monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: usage)
        with pytest.raises(
            OutputError,
            match=r"takes about 20 GB when decoded, .* kept free, and 15 GB are free there; set TONE",
        ):
            decode(path)
        assert decoded.read_text() == ""
        assert everything(own_cache) == {"stems", ".lock"}

    def test_a_disk_that_fills(
        self, tmp_path: Path, decoded: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        paths = [song(tmp_path / "train" / f"{n}.stem.mp4", code=1, complaint="No space") for n in range(4)]
        plenty = shutil.disk_usage(tmp_path)._replace(free=10**12)
        asked = iter([plenty])
        monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: next(asked, plenty._replace(free=100)))
        with pytest.raises(OutputError, match="the disk is full; set TONEWRIGHT_CACHE"):
            decode(*paths)
        assert not any(name.endswith(".wav") for name in everything(own_cache))

    def test_a_cache_that_cannot_be_written(self, tmp_path: Path, decoded: Path, own_cache: Path) -> None:
        own_cache.write_text("a file where a folder should be")
        with pytest.raises(
            OutputError, match=r"cannot be written .*; set TONEWRIGHT_CACHE to choose another"
        ):
            decode(song(tmp_path / "train" / "A.stem.mp4"))

    def test_the_size_is_said_first(
        self, tmp_path: Path, decoded: Path, own_cache: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        said: list[str] = []
        paths = [song(tmp_path / "train" / f"{n}.stem.mp4", frames=400_000) for n in range(2)]
        decode(*paths[:1], progress=lambda *_: said.append(caplog.text))
        decode(*paths, progress=lambda *_: said.append(caplog.text))
        place = f"will be decoded into {own_cache}; set TONEWRIGHT_CACHE to choose another place"
        assert f"MUSDB18: 1 songs, about 8 MB, {place}" in said[0]
        assert f"MUSDB18: 1 of 2 songs, about 8 MB, {place}" in said[1]


class TestCorpus:
    def test_is_read_like_any_other(self, tmp_path: Path, decoded: Path) -> None:
        root = tmp_path / "sets"
        song(root / "set" / "train" / "Leaf - Wicked.stem.mp4", frames=4_000)
        song(root / "set" / "train" / "Leaf - Summerghost.stem.mp4", frames=4_000, seed=9)
        song(root / "set" / "test" / "Mu - Too Bright.stem.mp4", frames=4_000, seed=99)
        (root / "set" / "cover.mp4").touch()
        corpus = load_corpus(root)
        assert (corpus.layout, corpus.stem_names, corpus.copies) == ("musdb18", STEMS, ())
        assert [(t.name, t.split) for t in corpus.tracks] == [
            ("set/test/Mu - Too Bright", "test"),
            ("set/train/Leaf - Summerghost", "validation"),
            ("set/train/Leaf - Wicked", "train"),
        ]
        assert [Path(item.path).name for item in corpus.unreadable] == ["cover.mp4"]
        settings = WindowSettings(seconds=0.1, sample_rate=RATE, channels=2, stems=STEMS)
        window = Windows(corpus.split("train"), settings, seed=0, length=4)[0, 0]
        assert window is not None
        again = load_corpus(root)
        assert again == corpus
        assert len(decoded.read_text().splitlines()) == 3

    def test_a_check_names_songs_not_the_cache(self, tmp_path: Path, decoded: Path) -> None:
        song(tmp_path / "set" / "train" / "A.stem.mp4")
        rows = inspect(load_corpus(tmp_path / "set")).files
        assert {row.name for row in rows} == {f"train/A ({stem})" for stem in STEMS}

    def test_the_cache_may_lie_in_the_corpus(self, tmp_path: Path, decoded: Path) -> None:
        song(tmp_path / "train" / "A.stem.mp4")
        song(tmp_path / "train" / "B.stem.mp4")
        corpus = load_corpus(tmp_path)
        assert [track.song for track in corpus.tracks] == ["A", "A"]
        assert corpus.copies == (("train/B", "train/A"),)
        assert load_corpus(tmp_path) == corpus


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of one song whose five streams share their beats, as AAC by ffmpeg."""
    folder = tmp_path_factory.mktemp("real")
    beats = np.zeros(FRAMES)
    beats[5_000::9_000] = 1.0
    pulse = np.hanning(64) * np.sin(np.arange(64))
    inputs, maps = [], []
    for number, stem in enumerate(STEMS):
        time_s = np.arange(FRAMES) / 44_100
        tone = 0.1 * np.sin(2 * np.pi * 150 * (number + 2) * time_s)
        samples = tone + 0.6 * np.convolve(beats, pulse, mode="same")
        write(folder / f"{stem}.wav", Clip(np.stack([samples, samples * 0.5]).astype(np.float32), 44_100))
        inputs += ["-i", str(folder / f"{stem}.wav")]
        maps += ["-map", str(number)]
    (folder / "set" / "train").mkdir(parents=True)
    encode = ["ffmpeg", "-v", "error", *inputs, *maps, "-c:a", "aac", "-b:a", "256k"]
    subprocess.run([*encode, str(folder / "set" / "train" / "Me - Song.stem.mp4")], check=True)
    return folder


@pytest.mark.skipif(
    shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None,
    reason="ffmpeg and ffprobe are not installed",
)
class TestRealMp4:
    def test_stems_are_aligned_with_their_sources(self, folder: Path) -> None:
        (track,) = load_corpus(folder / "set").tracks
        for stem, file in track.stems.items():
            source, result = read(folder / f"{stem}.wav").samples, read(file).samples
            length = min(source.shape[1], result.shape[1])
            spectra = np.fft.rfft(np.stack([source[0, :length], result[0, :length]]), 2 * length)
            lag = int(np.argmax(np.fft.irfft(spectra[0].conj() * spectra[1])))
            assert lag == 0, stem
            error = source[:, :length] - result[:, :length]
            assert 10 * np.log10(np.sum(source**2) / np.sum(error**2)) > 20, stem

    def test_the_length_is_the_one_that_the_container_states(self, folder: Path) -> None:
        (track,) = load_corpus(folder / "set").tracks
        fields = ["-select_streams", "a", "-show_entries", "stream=duration_ts", "-of", "csv=p=0"]
        path = folder / "set" / "train" / "Me - Song.stem.mp4"
        done = subprocess.run(["ffprobe", "-v", "error", *fields, path], capture_output=True, check=True)
        stated = {int(line.strip(b",")) for line in done.stdout.split()}
        assert {probe(file).frames for file in track.stems.values()} == stated == {track.frames}
        # It states milliseconds.
        assert abs(track.frames - FRAMES) < 45

    def test_a_truncated_file_costs_its_song(self, folder: Path) -> None:
        whole = (folder / "set" / "train" / "Me - Song.stem.mp4").read_bytes()
        broken = folder / "broken" / "test"
        broken.mkdir(parents=True)
        (broken / "Cut.stem.mp4").write_bytes(whole[: len(whole) // 2])
        shutil.copy(folder / "set" / "train" / "Me - Song.stem.mp4", broken / "Whole.stem.mp4")
        corpus = load_corpus(folder / "broken")
        assert [track.song for track in corpus.tracks] == ["Whole"]
        (item,) = corpus.unreadable
        assert item.path.endswith("Cut.stem.mp4")
        assert "ffmpeg" in item.reason
