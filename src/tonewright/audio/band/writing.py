"""The band on disk: planned by name, written song by song, finished by band.json."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.band.composing import compose
from tonewright.audio.band.names import PlannedSong, plan_songs
from tonewright.audio.files import Clip, atomic_output, write
from tonewright.audio.processes import deaf_to_interrupts
from tonewright.errors import OutputError, UsageError

FORMAT = 1
BAND_FILE = "band.json"
_PLAN_FILE = "band.partial.json"
_SHORTEST_S = 2.0
_FOLDERS = ("train", "test", "dry", "rooms", "one-shots")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class BandSummary:
    """What was written.

    Parameters
    ----------
    folder : where
    seed, seconds : as asked for
    songs : what band.json says of each song
    rooms, one_shots : likewise
    """

    folder: Path
    seed: int
    seconds: float
    songs: tuple[dict, ...]
    rooms: tuple[dict, ...]
    one_shots: tuple[str, ...]

    def as_dict(self) -> dict:
        """As band.json has it, and the folder."""
        return {"folder": str(self.folder), **_band_facts(self)}


def write_band(
    folder: str | os.PathLike[str],
    *,
    songs: int = 20,
    seconds: float = 30.0,
    seed: int = 0,
    jobs: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> BandSummary:
    """Write a generated band into a folder: songs in MUSDB18-HQ's layout, dry stems, rooms, one-shots.

    ::

        folder/{train,test}/<song>/{mixture,drums,bass,other,vocals}.wav     44.1 kHz, stereo, 16 bit
        folder/dry/{train,test}/<song>/{drums,bass,other,vocals}.wav         before the room
        folder/rooms/*.wav       folder/one-shots/*.wav       folder/band.json

    The mixture is the exact sum of its stems. The same seed and length give the same bytes, whatever
    the number of jobs; song k is the same whatever the number of songs. band.json is written last: a
    band that was interrupted is finished by the same call.

    Parameters
    ----------
    folder : made where it is missing
    songs : how many
    seconds : length of each, 2 or more
    seed : of everything, 0 or more
    jobs : processes; None for one a core
    overwrite : replace the band that is there; other files are never touched
    progress : called with (done, total)

    Raises
    ------
    OutputError
        If the folder holds a band or folders of those names already, or cannot be written.
    """
    if songs < 1 or not seconds >= _SHORTEST_S or seconds > 3600 or seed < 0:
        raise UsageError(
            f"a band needs songs of 1 or more, seconds of {_SHORTEST_S:g} to 3600 and a seed of 0 or more;"
            f" got songs={songs}, seconds={seconds:g}, seed={seed}"
        )
    root = Path(folder).expanduser().resolve()
    planned = plan_songs(songs, seed)
    plan = {"format": FORMAT, "seed": seed, "seconds": seconds, "songs": [asdict(song) for song in planned]}
    with _output_errors(root):
        _prepare(root, plan, overwrite=overwrite)
        results = _run(root, planned, seed=seed, seconds=float(seconds), jobs=jobs, progress=progress)
        summary = BandSummary(root, seed, float(seconds), *results)
        _write_json(root / BAND_FILE, _band_facts(summary))
        (root / _PLAN_FILE).unlink()
    return summary


def _band_facts(summary: BandSummary) -> dict:
    return {
        "format": FORMAT,
        "seed": summary.seed,
        "seconds": summary.seconds,
        "sample_rate": 44100,
        "songs": list(summary.songs),
        "rooms": list(summary.rooms),
        "one_shots": list(summary.one_shots),
    }


@contextmanager
def _output_errors(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{error.filename or root}: cannot be written ({error.strerror or error})"
        ) from error


def _write_json(path: Path, facts: dict) -> None:
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or not isinstance(facts.get("songs"), list):
        raise OutputError(f"{path}: is not what a band wrote; remove it or choose another folder")
    return facts


def _prepare(root: Path, plan: dict, *, overwrite: bool) -> None:
    """Leave the folder with a plan, what the plan has finished, and nothing else of a band."""
    band, partial = root / BAND_FILE, root / _PLAN_FILE
    if root.exists() and not root.is_dir():
        raise OutputError(f"{root}: is a file; choose a folder")
    if band.exists() and not overwrite:
        raise OutputError(f"{root}: holds a band already; choose another folder, or overwrite it (--force)")
    earlier = [_read_json(path) for path in (band, partial) if path.exists()]
    if not earlier:
        for name in _FOLDERS:
            if (root / name).exists():
                raise OutputError(f"{root / name}: is there and no band wrote it; choose another folder")
    begun = bool(earlier) and not band.exists() and not overwrite
    if begun and {**earlier[0], "stale": []} == {**plan, "stale": []}:
        plan = earlier[0]
    stale = [song for facts in earlier for song in (*facts["songs"], *facts.get("stale", []))]
    if plan.get("stale") != []:  # else nothing is left of an earlier band, and songs that are there are ours
        _write_json(partial, {**plan, "stale": stale})
        band.unlink(missing_ok=True)
        _remove(root, stale)
        _write_json(partial, {**plan, "stale": []})


def _remove(root: Path, songs: list[dict]) -> None:
    """Remove songs by their names, and rooms and one-shots."""
    for song in songs:
        for parent in (root, root / "dry"):
            target = parent / str(song["folder"])
            if target.parent.name in _FOLDERS:
                for path in (target, _partial(target)):
                    if path.is_dir():
                        shutil.rmtree(path)
    for name in ("rooms", "one-shots"):
        for path in (root / name).glob("*.wav"):
            path.unlink()


def _partial(target: Path) -> Path:
    """Where a song lies until it is whole; hidden, so that no corpus finds it."""
    return target.with_name(f".{target.name}.partial")


def _run(
    root: Path,
    planned: tuple[PlannedSong, ...],
    *,
    seed: int,
    seconds: float,
    jobs: int | None,
    progress: Progress | None,
) -> tuple[tuple[dict, ...], tuple[dict, ...], tuple[str, ...]]:
    """All work, in processes; gives what band.json says of songs, rooms and one-shots."""
    from joblib import Parallel, cpu_count, delayed

    tasks = [delayed(_numbered)(k, write_song, root, song, seed, seconds) for k, song in enumerate(planned)]
    tasks.append(delayed(_numbered)(len(planned), write_rooms, root, seed))
    tasks.append(delayed(_numbered)(len(planned) + 1, write_one_shots, root, seed))
    workers = min(jobs or cpu_count(), len(tasks))
    done: dict[int, Any] = {}
    with deaf_to_interrupts():
        results: Any = Parallel(n_jobs=workers, return_as="generator_unordered")(tasks)
    for number, result in results:
        done[number] = result
        if progress:
            progress(len(done), len(tasks))
    ordered = [done[number] for number in range(len(tasks))]
    return tuple(ordered[:-2]), ordered[-2], ordered[-1]


def _numbered(number: int, work: Callable, *arguments: object) -> tuple[int, object]:
    # Ctrl-C reaches every process of a terminal; the first one answers it, and ends these.
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return number, work(*arguments)


def write_song(root: Path, song: PlannedSong, seed: int, seconds: float) -> dict:
    """Write one song, whole or not at all, unless it is there; gives what band.json says of it."""
    from tonewright.audio.band.songs import describe, render_song

    target, dry = root / song.folder, root / "dry" / song.folder
    if target.is_dir():
        return describe(
            compose(song.index, seconds=seconds, seed=seed), name=song.name, folder=song.folder, seed=seed
        )
    score, mix = render_song(song.index, seconds=seconds, seed=seed)
    if dry.is_dir():
        shutil.rmtree(dry)
    _write_stems(dry, mix.dry)
    _write_stems(target, {"mixture": mix.mixture, **mix.wet})
    return describe(score, name=song.name, folder=song.folder, seed=seed)


def _write_stems(target: Path, stems: dict[str, np.ndarray]) -> None:
    partial = _partial(target)
    if partial.is_dir():
        shutil.rmtree(partial)
    try:
        partial.mkdir(parents=True)
        for name, samples in stems.items():
            clip = Clip(samples.astype(np.float32) / np.float32(32768.0), 44100)
            write(partial / f"{name}.wav", clip, encoding="pcm16")
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_rooms(root: Path, seed: int) -> tuple[dict, ...]:
    """Write the impulse responses, every other one mono; gives what band.json says of them."""
    from tonewright.audio.band.rooms import ROOM_NAMES, draw_room, room_decays_s, room_response

    rooms = []
    for number, (name, decay_s) in enumerate(zip(ROOM_NAMES, room_decays_s(), strict=True)):
        rng = np.random.default_rng([seed, number, 1 << 22])
        response = room_response(draw_room(decay_s, rng), rng)[: 1 + number % 2]
        response *= np.float32(0.9 / np.abs(response).max())
        file = f"{name}_{decay_s:.2f}s_{'stereo' if number % 2 else 'mono'}.wav"
        write(root / "rooms" / file, Clip(response, 44100), encoding="pcm24", overwrite=True)
        rooms.append({"file": f"rooms/{file}", "decay_s": decay_s, "channels": 1 + number % 2})
    return tuple(rooms)


def write_one_shots(root: Path, seed: int) -> tuple[str, ...]:
    """Write the hits and notes; gives their files."""
    from tonewright.audio.band.one_shots import one_shots

    files = []
    for name, samples in one_shots(seed):
        files.append(f"one-shots/{name}.wav")
        write(root / files[-1], Clip(samples, 44100), encoding="pcm16", overwrite=True)
    return tuple(files)
