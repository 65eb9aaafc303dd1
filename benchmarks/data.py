"""How fast sound is read: windows, stems, an index of many files, and the memory of a long file.

python benchmarks/data.py [--json] [--only windows,stems,index,memory]

Everything is measured in the same run, on material made in a temporary folder (up to 1.5 GB); windows and
stems on one core, ours and the peer's in turn. The peers: soundfile with a handle kept open, in this
environment; musdb in one of its own, with ffmpeg on the path.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from harness import HERE, Report, Row, SkippedError, one_core, peer_python, rates, run_json

import numpy as np  # isort: skip
import soundfile  # isort: skip

from tonewright.audio.corpus import Corpus, load_corpus
from tonewright.audio.files import SoundWriter
from tonewright.audio.windows import Windows, WindowSettings

RATE, SECONDS, SONG_SECONDS = 44100, 1.5, 240
FRAMES = round(RATE * SECONDS)
STEMS = ("mixture", "drums", "bass", "other", "vocals")
FORMATS = (
    ("WAV, 16 bit", ".wav", "PCM_16"),
    ("FLAC, 16 bit", ".flac", "PCM_16"),
    ("WAV, 24 bit", ".wav", "PCM_24"),
    ("WAV, 32 bit float", ".wav", "FLOAT"),
)


def music(seconds: float, seed: int) -> np.ndarray:
    """Partials that come and go over a little noise: (time, 2), for codecs to work on as they do on music."""
    generator = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE), dtype=np.float32)[:, None] / RATE
    sound = 0.01 * generator.standard_normal((len(time_s), 2), np.float32)
    for _ in range(6):
        frequency, beat, phase = (
            generator.uniform(60, 4000),
            generator.uniform(0.1, 3),
            generator.uniform(0, 6, 2),
        )
        tone = np.sin(2 * np.pi * frequency * time_s + phase, dtype=np.float32)
        sound += 0.08 * tone * np.square(np.sin(np.pi * beat * time_s, dtype=np.float32))
    return sound.astype(np.float32)


def windows_of(folder: Path, *, layout: str, stems: tuple[str, ...] = ("mixture",)) -> tuple[Corpus, Windows]:
    """The training windows of a folder, as a training run would have them."""
    corpus = load_corpus(folder, layout=layout)
    settings = WindowSettings(seconds=SECONDS, sample_rate=RATE, channels=2, stems=stems)
    return corpus, Windows(corpus, settings, seed=0, length=10**9)


def windows_rows(folder: Path) -> list[Row]:
    """Windows from four files of four minutes, against soundfile with a handle kept for each."""
    rows = []
    songs = [music(SONG_SECONDS, seed) for seed in range(4)]
    for name, suffix, subtype in FORMATS:
        place = folder / subtype / suffix[1:]
        place.mkdir(parents=True)
        for number, song in enumerate(songs):
            soundfile.write(place / f"{number}{suffix}", song, RATE, subtype=subtype)
        _, windows = windows_of(place, layout="folder")
        handles = [soundfile.SoundFile(path) for path in sorted(place.iterdir())]
        generator = np.random.default_rng(0)

        def bare(_: int, handles: list = handles, generator: np.random.Generator = generator) -> None:
            handle = handles[generator.integers(len(handles))]
            handle.seek(generator.integers(handle.frames - FRAMES))
            handle.read(FRAMES, dtype="float32", always_2d=True)

        ours, theirs = rates(
            lambda number, windows=windows: windows[0, number], bare, calls=100 if suffix == ".flac" else 400
        )
        required = "≥ 0.8 ×" if subtype == "PCM_16" else ""
        met = ours >= 0.8 * theirs if required else None
        work = f"random {SECONDS} s stereo windows, {name}"
        rows.append(Row(work, "/s", ours, "soundfile, handle kept", theirs, required, met))
        shutil.rmtree(place)
    return rows


def stems_rows(folder: Path, report: Report) -> list[Row]:
    """Mixtures and five aligned stems from a MUSDB18-HQ folder, against musdb."""
    if shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None:
        raise SkippedError("musdb reads through ffmpeg and ffprobe, which are not on the path")
    python = peer_python("musdb")
    for number in range(2):
        song = folder / "train" / f"Artist - Song {number}"
        song.mkdir(parents=True)
        parts = [music(SONG_SECONDS, 10 * number + part) / 4 for part in range(4)]
        for stem, samples in zip(STEMS, [np.sum(parts, axis=0), *parts], strict=True):
            soundfile.write(song / f"{stem}.wav", samples, RATE, subtype="PCM_16")
    peer = run_json([python, str(HERE / "peers" / "run_musdb.py"), str(folder), str(SECONDS), "3"])
    report.peers |= peer["versions"]
    rows = []
    for work, stems, key in (("mixture", ("mixture",), "mixture"), ("five stems, aligned", STEMS, "stems")):
        corpus, windows = windows_of(folder, layout="musdb18hq", stems=stems)
        assert len(corpus) == 2
        (ours,) = rates(lambda number, windows=windows: windows[0, number], calls=100)
        theirs = peer[key]
        rows.append(Row(f"MUSDB18-HQ, {work}", "/s", ours, "musdb", theirs, "≥ 20 ×", ours >= 20 * theirs))
    return rows


def index_rows(folder: Path, files: int = 10_000) -> list[Row]:
    """An index of many files, without and with the memory of the last time."""
    clip = music(0.2, 0)
    for number in range(files):
        place = folder / f"{number // 100:03}"
        place.mkdir(exist_ok=True)
        # Of one length, so that all are looked into for copies, and of different sound, so that none is one.
        sound = clip * (0.5 + number / (2 * files))
        soundfile.write(place / f"clip {number}.{'flac' if number % 4 == 0 else 'wav'}", sound, RATE)
    rows = []
    for work, limit in (("cold", 10.0), ("warm", 0.5)):
        begin = time.perf_counter()
        corpus = load_corpus(folder, layout="folder")
        taken = time.perf_counter() - begin
        assert len(corpus) == files
        rows.append(
            Row(f"index of {files} files, {work}", "s", taken, required=f"≤ {limit:g} s", met=taken <= limit)
        )
    return rows


def memory_rows(folder: Path) -> list[Row]:
    """Most memory of a process that windows, resamples and writes an hour of stereo."""
    minute, source = music(60, 0).T.copy(), folder / "hour.wav"
    with SoundWriter(source, sample_rate=RATE, channels=2) as writer:
        for _ in range(60):
            writer.write(minute)
    figures = run_json([sys.executable, str(HERE / "long_file.py"), str(source), str(folder)])
    note = "a 1 h file windowed, resampled to 48 kHz and written as FLAC"
    peak = figures["peak_mb"]
    return [Row(f"peak memory: {note}", "MB", peak, required="≤ 300 MB", met=peak <= 300)]


def main() -> None:
    """Measure what was asked for and print the table."""
    parts = ("windows", "stems", "index", "memory")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--only", default=",".join(parts), help="parts to measure, separated by commas")
    options = parser.parse_args()
    wanted = set(options.only.split(","))
    if not wanted <= set(parts):
        parser.error(f"--only: choose among {', '.join(parts)}")
    report = Report("Data", ("tonewright", "numpy", "soundfile", "soxr"))
    with tempfile.TemporaryDirectory(prefix="tonewright-bench-") as scratch:
        os.environ["TONEWRIGHT_CACHE"] = str(Path(scratch, "cache"))
        measurements = {
            "windows": (windows_rows, one_core(), ("random windows",)),
            "stems": (
                lambda folder: stems_rows(folder, report),
                one_core(),
                ("MUSDB18-HQ, mixture and five stems",),
            ),
            "index": (index_rows, nullcontext(), ("index",)),
            "memory": (memory_rows, nullcontext(), ("peak memory",)),
        }
        for part, (measure, cores, names) in measurements.items():
            if part in wanted:
                folder = Path(scratch, part)
                folder.mkdir()
                with cores:
                    report.measure(lambda folder=folder, measure=measure: measure(folder), *names)
                shutil.rmtree(folder)
    report.print(as_json=options.json)


if __name__ == "__main__":
    main()
