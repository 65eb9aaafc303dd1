"""Spectra of the tracks of a corpus: which sounds there are, and what each of them gives."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tonewright.audio.handles import HANDLES
from tonewright.audio.members import status_of
from tonewright.audio.stems import parts_of
from tonewright.audio.tracks import Track
from tonewright.errors import AudioError
from tonewright.filters.config import Config
from tonewright.filters.spectra.sounds import spectrum_of_blocks

_BLOCK_FRAMES = 1 << 20
_BATCH_SOUNDS, _BATCH_SECONDS = 64, 120.0

Stamp = tuple[tuple[str, int, int], ...]


class Sound(NamedTuple):
    """A stem of a track.

    Attributes
    ----------
    name : of the track; with the stem behind a colon unless it is the mixture
    parts : files and the factors by which they add up
    sample_rate : Hz
    start, frames : the section of the files that it is
    stamp : path, size and time of change of each file, and the section; what decides whether it is known
    labels : of the track
    """

    name: str
    parts: tuple[tuple[str, float], ...]
    sample_rate: int
    start: int
    frames: int
    stamp: Stamp
    labels: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


@dataclass(frozen=True, eq=False)
class Measured:
    """What a sound gives.

    Parameters
    ----------
    values : (pieces, points) float32, `Spectrum.magnitude_db` of each piece that has a spectrum
    levels_db : (pieces,) float32
    starts_s : (pieces,) where in the sound they begin
    reason : why it gives nothing, where it does not
    lasting : it would be the same another time
    """

    values: np.ndarray
    levels_db: np.ndarray
    starts_s: tuple[float, ...]
    reason: str = ""
    lasting: bool = True

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self.starts_s)


def sounds_of(tracks: Iterable[Track], stems: Sequence[str]) -> Iterator[Sound]:
    """Every stem that is wanted, of every track that has or gives it."""
    stamps: dict[str, tuple[str, int, int]] = {}
    for track in tracks:
        for stem in stems:
            parts = parts_of(stem, track.stems)
            if parts is None:
                continue
            files = tuple((track.stems[name], factor) for name, factor in parts)
            for path, _ in files:
                if path not in stamps:
                    stamps[path] = _stamp(path)
            stamp = (*(stamps[path] for path, _ in files), ("", track.start, track.frames))
            name = track.name if stem == "mixture" else f"{track.name}:{stem}"
            yield Sound(name, files, track.sample_rate, track.start, track.frames, stamp, tuple(track.labels))


def batches(sounds: Iterable[Sound]) -> list[list[Sound]]:
    """Sounds in handfuls that are worth the way to another process."""
    result: list[list[Sound]] = [[]]
    seconds = 0.0
    for sound in sounds:
        if len(result[-1]) == _BATCH_SOUNDS or seconds > _BATCH_SECONDS:
            result.append([])
            seconds = 0.0
        result[-1].append(sound)
        seconds += sound.seconds
    return [batch for batch in result if batch]


def measured(sounds: Sequence[Sound], *, config: Config, seconds: float) -> list[Measured]:
    """What each sound gives.

    Parameters
    ----------
    seconds : a sound is cut into consecutive pieces of this length, the last of which is between half and
        one and a half times as long
    """
    return [_measured(sound, config, seconds) for sound in sounds]


def nothing(reason: str, config: Config, *, lasting: bool = True) -> Measured:
    """A sound that gives nothing, and why."""
    return Measured(np.zeros((0, config.size), np.float32), np.zeros(0, np.float32), (), reason, lasting)


def _measured(sound: Sound, config: Config, seconds: float) -> Measured:
    piece = max(1, round(seconds * sound.sample_rate))
    # Half a piece more or less is one piece still.
    count = max(1, (2 * sound.frames + piece) // (2 * piece))
    spectra, starts, reason = [], [], ""
    for start in range(0, count * piece, piece):
        end = sound.frames if start == (count - 1) * piece else start + piece
        try:
            blocks = _blocks(sound, start, end)
            spectra.append(spectrum_of_blocks(blocks, sound.sample_rate, config=config, name=sound.name))
            starts.append(start / sound.sample_rate)
        except AudioError as error:
            reason = reason or error.reason
    if not spectra:
        return nothing(reason, config)
    values = np.stack([spectrum.magnitude_db for spectrum in spectra])
    levels = np.array([spectrum.level_db for spectrum in spectra], dtype=np.float32)
    return Measured(values, levels, tuple(starts))


def _blocks(sound: Sound, start: int, end: int) -> Iterator[np.ndarray]:
    for begin in range(start, end, _BLOCK_FRAMES):
        at, count = sound.start + begin, min(_BLOCK_FRAMES, end - begin)
        block = np.zeros((1, 1), np.float32)
        for path, factor in sound.parts:
            samples = HANDLES.reader(path).part(at, count)
            block = samples if len(sound.parts) == 1 else block + np.float32(factor) * samples
        yield block


def _stamp(path: str) -> tuple[str, int, int]:
    try:
        facts = status_of(path)
    except OSError:
        return path, -1, -1
    return os.fspath(path), facts.st_size, facts.st_mtime_ns
