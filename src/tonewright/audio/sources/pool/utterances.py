"""Short utterances joined into pieces long enough to cut windows from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from tonewright.audio.sources.screening import Screened
from tonewright.audio.sources.shelves import SAMPLE_RATE

ENOUGH_S = 5.0
GAP_S = 0.1


def joined_utterances(sounds: Iterable[Screened], *, by_song: bool) -> Iterator[Screened]:
    """Utterances that follow each other, of one speaker and licence, joined until they last 5 s.

    A prompt lasts 1.4 s on average: windows of 1.5 s cut from it alone would be silence for a good part. One
    that lasts 5 s stays as it is. A joined piece has the name and song of its first utterance, all their
    files with " + " between them, the highest of their bandwidths, and the mean of the rest.

    Parameters
    ----------
    sounds : in order
    by_song : keep songs apart, where a song is more than one file
    """
    held: list[Screened] = []
    for sound in sounds:
        if held and _kind(held[0], by_song) != _kind(sound, by_song):
            yield _joined(held)
            held = []
        held.append(sound)
        if sum(item.frames for item in held) >= ENOUGH_S * SAMPLE_RATE:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _kind(sound: Screened, by_song: bool) -> tuple:
    song = sound.song if by_song else ""
    return song, sound.labels, sound.licence, sound.author, sound.source_rate, tuple(sound.sounds)


def _joined(held: list[Screened]) -> Screened:
    if len(held) == 1:
        return held[0]
    frames = np.array([sound.frames for sound in held], float)
    return replace(
        held[0],
        sounds={stem: _one_after_another([sound.sounds[stem] for sound in held]) for stem in held[0].sounds},
        name=f"{held[0].name}+{len(held) - 1}",
        file=" + ".join(sound.file for sound in held),
        bandwidth_hz=max(sound.bandwidth_hz for sound in held),
        level_db=float(np.average([sound.level_db for sound in held], weights=frames)),
        gain_db=float(np.average([sound.gain_db for sound in held], weights=frames)),
        clipped=float(np.average([sound.clipped for sound in held], weights=frames)),
    )


def _one_after_another(arrays: list[np.ndarray]) -> np.ndarray:
    gap = np.zeros((arrays[0].shape[0], round(GAP_S * SAMPLE_RATE)), arrays[0].dtype)
    parts = [part for array in arrays for part in (gap, array)][1:]
    return np.concatenate(parts, axis=1)
