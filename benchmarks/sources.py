"""How fast material comes: the pool from nothing, its windows, re-sung speech, stems in mp4, shards, memory.

python benchmarks/sources.py [--json] [--only pool,windows,singing,stems,shards,training]
    [--pool FOLDER] [--sounds FOLDER]

The pool is fetched and built in a temporary folder (some 4 GB, and up to 700 MB of download), every process
that takes part being watched for its memory; --pool takes one that is there instead. Windows, singing, stems
and shards run on one core. The peers: musdb, in an environment of its own; and reading the same files one
after another with soundfile.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from harness import HERE, Report, Row, SkippedError, one_core, peer_python, rates, run_json

import numpy as np  # isort: skip
import soundfile  # isort: skip

from data import RATE, SECONDS, SONG_SECONDS, STEMS, music, windows_of

if TYPE_CHECKING:
    from tonewright.codec.evaluate import Score

LIMIT_MB = 500


class Watch:
    """Most memory of any one process among those that this one has started, looked at four times a second."""

    def __init__(self, root: int) -> None:
        self.root, self.peak_mb = root, 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(0.25):
            sizes = [_peak_mb(process) for process in _family(self.root)]
            self.peak_mb = max([self.peak_mb, *sizes])


def _family(root: int) -> list[int]:
    """A process and all below it."""
    found, turn = [], [root]
    while turn:
        process = turn.pop()
        found.append(process)
        try:
            for task in Path(f"/proc/{process}/task").iterdir():
                turn += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def _peak_mb(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM"))


def pool_rows(pool: Path) -> list[Row]:
    """The small pool from nothing: fetched, unpacked, decoded, screened, cached."""
    if shutil.which("apt-get") is None:
        raise SkippedError("the pool is fetched with apt-get, which is not on the path")
    program = [sys.executable, "-m", "tonewright", "data", "pool", str(pool)]
    begin = time.perf_counter()
    with subprocess.Popen(program, stdout=subprocess.DEVNULL) as process:
        watch = Watch(process.pid)
        code = process.wait()
        watch.stop()
    taken = time.perf_counter() - begin
    if code:
        raise SkippedError("tonewright data pool failed; its message is above")
    return [
        Row("pool `small` from nothing", "s", taken, required="≤ 360 s", met=taken <= 360),
        Row(
            "its largest process, at its peak",
            "MB",
            watch.peak_mb,
            required=f"≤ {LIMIT_MB} MB",
            met=watch.peak_mb <= LIMIT_MB,
        ),
    ]


def windows_rows(pool: Path) -> list[Row]:
    """Mono windows from the pool, as `data=pool` cuts them, and from its parts alone."""
    from tonewright.audio.corpus import load_corpus
    from tonewright.audio.windows import Windows
    from tonewright.learning.compose import compose_config
    from tonewright.learning.material import load_material

    common = ["data=pool", f"data.root={pool}", "data.channels=1", "data.windows_per_epoch=1000000"]
    rows = []
    parts = ("voices", "music", "instruments")
    have = {label for track in load_corpus(pool).tracks for label in track.labels}
    for work, extra in (
        ("in the usual proportions", []),
        *((f"{part} alone", [f"data.labels=[{part}]"]) for part in parts if part in have),
    ):
        windows = load_material(compose_config("codec", [*common, *extra])).training
        assert isinstance(windows, Windows)
        assert windows[0, 0]["mixture"].shape == (1, round(SECONDS * RATE))
        (ours,) = rates(lambda number, windows=windows: windows[0, number], calls=2000)
        required = "" if extra else "≥ 5 000/s"
        met = None if extra else ours >= 5000
        rows.append(Row(f"1.5 s mono windows of the pool, {work}", "/s", ours, required=required, met=met))
    return rows


def singing_rows(pool: Path) -> list[Row]:
    """Seconds of song per second of one processor's time, from speech of the pool, at two rates."""
    try:
        import pyworld  # noqa: F401 # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise SkippedError("pyworld is not installed") from error
    from tonewright.audio.clips import resample
    from tonewright.audio.sources.manifest import MANIFEST, read_manifest
    from tonewright.audio.sources.shelves import read_piece
    from tonewright.audio.sources.singing import NoVoiceError, resing

    pieces = [piece for piece in read_manifest(pool / MANIFEST) if piece.part == "voices"]
    chosen = [piece for piece in pieces if 4 <= piece.seconds <= 10][:: max(1, len(pieces) // 40)][:20]
    if not chosen:
        raise SkippedError("the pool has no speech of 4 to 10 s")
    rows = []
    for rate in (16000, 22050):
        speech = [
            resample(read_piece(pool, piece), from_rate=piece.sample_rate, to_rate=rate) for piece in chosen
        ]
        resing(speech[0], sample_rate=rate, seed=0)
        sung, begin = 0.0, time.process_time()
        for seed, samples in enumerate(speech):
            try:
                result = resing(samples, sample_rate=rate, seed=seed)
            except NoVoiceError:
                continue
            sung += result.samples.shape[-1] / result.sample_rate
        pace = sung / (time.process_time() - begin)
        rows.append(Row(f"re-singing at {rate} Hz", "s/CPU s", pace, required="≥ 20", met=pace >= 20))
    return rows


def stems_rows(folder: Path, report: Report) -> list[Row]:
    """Windows of MUSDB18's .stem.mp4, after the first decode, against musdb."""
    if shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None:
        raise SkippedError("stems in mp4 are read through ffmpeg and ffprobe, which are not on the path")
    python = peer_python("musdb")
    for number in range(2):
        write_stem_mp4(folder / "train" / f"Artist - Song {number}.stem.mp4", seed=10 * number)
    peer = run_json([python, str(HERE / "peers" / "run_musdb.py"), str(folder), str(SECONDS), "3", "mp4"])
    report.peers |= peer["versions"]
    rows = []
    begin = time.perf_counter()
    windows_of(folder, layout="musdb18")
    decoded = 2 * SONG_SECONDS / (time.perf_counter() - begin)
    for work, stems, key in (("mixture", ("mixture",), "mixture"), ("five stems, aligned", STEMS, "stems")):
        _, windows = windows_of(folder, layout="musdb18", stems=stems)
        (ours,) = rates(lambda number, windows=windows: windows[0, number], calls=100)
        theirs = peer[key]
        rows.append(
            Row(f"MUSDB18 in mp4, {work}", "/s", ours, "musdb", theirs, "≥ 20 ×", ours >= 20 * theirs)
        )
    return [*rows, Row("MUSDB18 in mp4, the first decode", "s of song/s", decoded)]


def write_stem_mp4(path: Path, *, seed: int) -> None:
    """A song in MUSDB18's own format: five streams of AAC in one mp4."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = [music(SONG_SECONDS, seed + part) / 4 for part in range(4)]
    with tempfile.TemporaryDirectory() as scratch:
        command = ["ffmpeg", "-v", "error"]
        for number, samples in enumerate([np.sum(parts, axis=0), *parts]):
            soundfile.write(f"{scratch}/{number}.wav", samples, RATE)
            command += ["-i", f"{scratch}/{number}.wav"]
        for number in range(5):
            command += ["-map", f"{number}:a"]
        subprocess.run([*command, "-c:a", "aac", "-b:a", "256k", "-y", str(path)], check=True)


def shards_rows(folder: Path) -> list[Row]:
    """All samples of a folder of shards in shuffled order, against the same files read one after another."""
    from tonewright.audio.corpus import load_corpus
    from tonewright.audio.shards import ShardSettings, ShardStream, plan_shards, write_shards

    songs = folder / "songs"
    songs.mkdir(parents=True)
    for seed in range(8):
        soundfile.write(songs / f"{seed}.wav", music(SONG_SECONDS, seed), RATE)
    rows = []
    for encoding in ("wav", "flac"):
        shards, loose = folder / encoding, folder / f"{encoding}-files"
        corpus = load_corpus(songs)
        write_shards(plan_shards(corpus, ShardSettings(encoding=encoding, shard_mb=64)), shards)
        loose.mkdir()
        paths = []
        for number, sample in enumerate(ShardStream(shards, split=None, shuffle_buffer=1)):
            paths.append(loose / f"{number:05}.{encoding}")
            soundfile.write(paths[-1], sample.sounds["mixture"].T, sample.sample_rate, subtype="PCM_16")
        seconds = 8 * SONG_SECONDS

        def stream(turn: int, shards: Path = shards) -> None:
            for sample in ShardStream(shards, split=None, seed=turn):
                assert sample.sounds["mixture"].dtype == np.float32

        def files(_: int, paths: list[Path] = paths) -> None:
            for path in paths:
                soundfile.read(path, dtype="float32", always_2d=True)[0].T.copy()

        ours, theirs = (seconds * rate for rate in rates(stream, files, calls=1, rounds=4))
        name = f"shards streamed and shuffled, {encoding.upper()}"
        rows.append(Row(name, "s of song/s", ours, "files in turn", theirs, "≥ 0.8 ×", ours >= 0.8 * theirs))
    return rows


def training_rows(pool: Path, sounds: Path | None, scratch: Path) -> list[Row]:
    """The codec `tiny` trained on the demo band and on the pool, both heard with recordings of neither."""
    if sounds is None:
        raise SkippedError("name a folder of recordings with --sounds")
    scores = {
        name: score_of_tiny([f"data={name}", f"data.root={root}", f"output={scratch}/runs"], sounds)
        for name, root in (("pool", pool), ("demo", scratch / "band"))
    }
    what, peer = "tiny trained on the pool, recordings", "trained on the band"
    near, far = scores["pool"], scores["demo"]
    return [
        Row(f"{what}: mel distance", "", near.mel_distance, peer, far.mel_distance, note="less is better"),
        Row(f"{what}: SI-SDR", "dB", near.si_sdr_db, peer, far.si_sdr_db, note="more is better"),
    ]


def score_of_tiny(overrides: list[str], sounds: Path) -> Score:
    """Train `tiny` and hear it with 160 windows of a folder."""
    from tonewright.audio.corpus import load_corpus
    from tonewright.audio.windows import FixedWindows, WindowSettings
    from tonewright.codec import load_codec
    from tonewright.codec.evaluate import score
    from tonewright.learning.compose import compose_config
    from tonewright.learning.material import ensure_data
    from tonewright.learning.start import train

    config = compose_config("codec", ["experiment=tiny", "logger=csv", *overrides])
    ensure_data(config.data)
    run = train(config)
    settings = WindowSettings(seconds=config.data.seconds, sample_rate=RATE, channels=config.data.channels)
    return score(run.folder.name, load_codec(run), FixedWindows(load_corpus(sounds), settings, length=160))


def main() -> None:
    """Measure what was asked for and print the table."""
    parts = ("pool", "windows", "singing", "stems", "shards", "training")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--only", default=",".join(parts), help="parts to measure, separated by commas")
    parser.add_argument("--pool", type=Path, help="a pool that is there; it is not built then")
    parser.add_argument("--sounds", type=Path, help="recordings to hear a codec with that was trained here")
    options = parser.parse_args()
    wanted = set(options.only.split(","))
    if not wanted <= set(parts):
        parser.error(f"--only: choose among {', '.join(parts)}")
    report = Report("Sound to learn from", ("tonewright", "numpy", "soundfile", "soxr", "pyworld"))
    with tempfile.TemporaryDirectory(prefix="tonewright-bench-") as scratch:
        os.environ["TONEWRIGHT_CACHE"] = str(Path(scratch, "cache"))
        pool = options.pool or Path(scratch, "pool")

        def of_pool(rows: Callable[[Path], list[Row]]) -> Callable[[], list[Row]]:
            def measured() -> list[Row]:
                if not (pool / "manifest.csv").is_file():
                    raise SkippedError("there is no pool; build one here, or name one with --pool")
                return rows(pool)

            return measured

        measurements = {
            "windows": (of_pool(windows_rows), one_core()),
            "singing": (of_pool(singing_rows), one_core()),
            "stems": (lambda: stems_rows(Path(scratch, "stems"), report), one_core()),
            "shards": (lambda: shards_rows(Path(scratch, "shards")), one_core()),
            "training": (
                of_pool(lambda found: training_rows(found, options.sounds, Path(scratch))),
                nullcontext(),
            ),
        }
        if "pool" in wanted and options.pool is None:
            measurements = {"pool": (lambda: pool_rows(pool), nullcontext()), **measurements}
        for part, (measure, cores) in measurements.items():
            if part in wanted:
                with cores:
                    report.measure(measure, part)
    report.print(as_json=options.json)


if __name__ == "__main__":
    main()
