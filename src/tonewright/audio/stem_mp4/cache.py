"""Where decoded stems lie, which of them are there, and how they get there.

A song takes the folder ``stems/<place>/<song>/`` of the cache: one 16-bit WAV a stem, and ``source.json``,
which says of which file they were made. It is written beside and takes its name when it is whole. All of it
can be deleted at any time.

WAV, since windows of five stems come from it eighteen times as fast as from FLAC (1 826 a second against 101,
on one core, of a song of four minutes) for a little over twice the room.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tonewright.audio.index import cache_folder
from tonewright.audio.layouts import STEM_SUFFIX
from tonewright.audio.stem_mp4.ffmpeg import Stream, check_ffmpeg, decode_streams, streams_of
from tonewright.errors import AudioError, OutputError

FORMAT = 1
_SOURCE = "source.json"
_PART = ".part-"
_SPARE_BYTES = 50 << 20
_ELSEWHERE = "set TONEWRIGHT_CACHE to choose another place"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Song:
    """An mp4, the names of its streams, and the folder that its stems get."""

    source: Path
    stems: tuple[str, ...]
    folder: Path

    @property
    def files(self) -> dict[str, str]:
        """The file of each stem."""
        return {stem: str(self.folder / f"{stem}.wav") for stem in self.stems}

    def stamp(self) -> dict[str, Any]:
        """What tells whether the source is another than it was."""
        facts = self.source.stat()
        return {"format": FORMAT, "size": facts.st_size, "time_ns": facts.st_mtime_ns}

    def is_decoded(self) -> bool:
        """Whether every stem lies there whole, made of the source as it is now."""
        try:
            known = json.loads((self.folder / _SOURCE).read_bytes())
            if any(known[name] != value for name, value in self.stamp().items()):
                return False
            return all(Path(path).stat().st_size == known["bytes"][stem] for stem, path in self.files.items())
        except (OSError, ValueError, KeyError, TypeError):
            return False


def decode_stems(
    songs: Mapping[Path, Sequence[str]],
    *,
    title: str,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[Path, dict[str, str] | str]:
    """The stems of each song as files of their own, decoded where they are not there yet.

    A song is decoded once for as long as its mp4 keeps its size and time of change. One that cannot be
    decoded is tried again the next time.

    Parameters
    ----------
    songs : path of each mp4 to the names of its audio streams, in their order
    title : what the songs are called where their size is stated, such as "MUSDB18"
    jobs : songs decoded at a time; all cores where not given
    progress : called with (done, total), once a song that has to be decoded

    Returns
    -------
    path of each mp4 to its stems and their files, or to why it cannot be decoded

    Raises
    ------
    CorpusError
        If something has to be decoded and there is no ffmpeg.
    OutputError
        If the disk has not enough room for what has to be decoded, or cannot be written.
    """
    wanted = [_Song(path, tuple(stems), _folder_of(path)) for path, stems in songs.items()]
    results: dict[Path, dict[str, str] | str] = {song.source: song.files for song in wanted}
    if any(not song.is_decoded() for song in wanted):
        check_ffmpeg(wanted[0].source.parent)
        with _alone(cache_folder() / "stems"):
            for left in (cache_folder() / "stems").glob(f"*/{_PART}*"):
                shutil.rmtree(left, ignore_errors=True)  # by a process that was killed
            # Asked again: another process may have decoded them while this one waited.
            todo = [song for song in wanted if not song.is_decoded()]
            failed = _decode_all(todo, title=title, total=len(wanted), jobs=jobs, progress=progress)
        results.update(failed)
    return results


def _folder_of(source: Path) -> Path:
    """Where the stems of a song go: the same whichever folder above it was named."""
    place = hashlib.blake2b(os.fsencode(source.parent.resolve()), digest_size=12).hexdigest()
    return cache_folder() / "stems" / place / source.name[: -len(STEM_SUFFIX)]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process decode at a time; the lock ends with the process, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("a")
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror}); {_ELSEWHERE}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.info("another process is decoding stems into %s; waiting for it", folder)
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise OutputError(f"{folder}: its disk has no locks ({error.strerror}); {_ELSEWHERE}") from error
        yield


def _decode_all(
    songs: Sequence[_Song],
    *,
    title: str,
    total: int,
    jobs: int | None,
    progress: Callable[[int, int], None] | None,
) -> dict[Path, str]:
    """Decode songs side by side; those that failed, with the reason."""
    from joblib import Parallel, delayed

    # The work is ffmpeg's, in processes of its own, so that threads suffice to wait for it.
    workers = Parallel(n_jobs=jobs or -1, prefer="threads", return_as="generator")
    failed: dict[Path, str] = {}
    sound: list[tuple[_Song, list[Stream]]] = []
    for song, streams in zip(songs, workers(delayed(_streams)(song) for song in songs), strict=True):
        if isinstance(streams, list):
            sound.append((song, streams))
        else:
            failed[song.source] = str(streams)
    if sound:
        _state_size([stream for _, streams in sound for stream in streams], len(sound), total, title)
    outcomes = workers(delayed(_decode)(song, streams) for song, streams in sound)
    for done, ((song, _), outcome) in enumerate(zip(sound, outcomes, strict=True), start=1):
        if isinstance(outcome, OutputError):
            raise outcome
        if outcome is not None:
            failed[song.source] = outcome
        if progress is not None:
            progress(done, len(sound))
    return failed


def _state_size(streams: Sequence[Stream], songs: int, total: int, title: str) -> None:
    """Say how much is going to be written, and refuse to begin what the disk has no room for."""
    folder = cache_folder()
    needed, free = sum(stream.bytes for stream in streams), shutil.disk_usage(folder).free
    if needed + _SPARE_BYTES > free:
        room = (
            f"{title} takes about {_size(needed)} when decoded, {_size(_SPARE_BYTES)} are kept free, and"
            f" {_size(free)} are free there"
        )
        raise OutputError(f"{folder}: {room}; {_ELSEWHERE}")
    count = f"{songs} songs" if songs == total else f"{songs} of {total} songs"
    _log.info(
        "%s: %s, about %s, will be decoded into %s; %s", title, count, _size(needed), folder, _ELSEWHERE
    )


def _size(count: int) -> str:
    """Bytes as people say them."""
    gigabytes = count / 1e9
    if gigabytes < 1:
        return f"{max(1, round(count / 1e6))} MB"
    return f"{gigabytes:.1f} GB" if gigabytes < 10 else f"{gigabytes:.0f} GB"


def _streams(song: _Song) -> list[Stream] | str:
    """The streams of a song, or why they cannot be told."""
    try:
        return streams_of(song.source, song.stems)
    except AudioError as error:
        return error.reason


def _decode(song: _Song, streams: Sequence[Stream]) -> str | OutputError | None:
    """Decode one song whole or not at all; what went wrong, if something did."""
    part = song.folder.with_name(_PART + song.folder.name)
    try:
        part.mkdir(parents=True)
        stamp = song.stamp()
        outputs = [part / f"{stem}.wav" for stem in song.stems]
        decode_streams(song.source, streams, outputs)
        sizes = {output.stem: output.stat().st_size for output in outputs}
        (part / _SOURCE).write_text(json.dumps({**stamp, "source": str(song.source), "bytes": sizes}))
        shutil.rmtree(song.folder, ignore_errors=True)
        part.rename(song.folder)
    except AudioError as error:
        if shutil.disk_usage(part).free < min(sum(stream.bytes for stream in streams), _SPARE_BYTES):
            return OutputError(f"{song.folder}: the disk is full; {_ELSEWHERE}")
        return error.reason
    except OSError as error:
        return OutputError(f"{song.folder}: cannot be written ({error.strerror}); {_ELSEWHERE}")
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return None
