"""Dry sounds for the fit of the blind reverberation time: the demo band's stems, and what a pool holds.

A pool (``tonewright data pool``) adds speech, singing and single notes, from which patterns are made. Only
sounds whose licence lets the weights be passed on freely are learned from; speakers under other licences
serve to see whether what was learned holds for voices never heard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tonewright.audio.band.songs import render_song
from tonewright.audio.clips import resample
from tonewright.audio.files import SoundReader
from tonewright.audio.sources.manifest import MANIFEST, Piece, read_manifest

RATE = 44100
_FREE = ("CC0", "MIT", "BSD", "CC-BY-3.0", "CC-BY-4.0", "Public domain")
_TAKES = {"drums": 2, "other": 1, "vocals": 1, "mix": 1}
_KINDS = {"drums": "drums", "other": "music", "vocals": "singing", "mix": "music"}


class DrySound(NamedTuple):
    """A sound (time,) at 44.1 kHz, what it is, and whether it may be learned from."""

    kind: str
    learned: bool
    samples: np.ndarray


def dry_sounds(pool: Path | None, seed: int, *, songs: int = 56, pieces: int = 90) -> Iterator[DrySound]:
    """All dry sounds; of every sixth song and pattern of the made ones nothing is learned.

    Parameters
    ----------
    pool : folder of a pool; without one, the demo band alone
    seed : of all draws
    songs : of the demo band
    pieces : at most, of each speaker, and half as many patterns of each sort
    """
    rng = np.random.default_rng(seed)
    for number in range(songs):
        yield from _of_the_band(number, number % 6 != 5, rng)
    for number in range(songs):
        yield DrySound("claps", number % 6 != 5, _claps(rng))
    if pool is None:
        return
    rows = read_manifest(pool / MANIFEST)
    for kind, part in (("speech", "voices"), ("singing", "singing")):
        speakers: dict[str, list[Piece]] = defaultdict(list)
        for piece in rows:
            if piece.part == part:
                speakers[piece.package].append(piece)
        for found in speakers.values():
            free = _free(found[0])
            share = pieces if free else pieces // 8
            for place in rng.permutation(len(found))[: share if part == "voices" else share // 5]:
                yield DrySound(kind, free, _cut(_read(pool, found[place]), rng, vary=free))
    yield from _patterns(pool, rows, pieces, rng)


def _free(piece: Piece) -> bool:
    return piece.licence.startswith(_FREE)


def _of_the_band(number: int, learned: bool, rng: np.random.Generator) -> Iterator[DrySound]:
    """Cuts of a song's stems as they were played, before they came into a room."""
    played = render_song(number, seconds=16.0, seed=77)[1].dry
    stems = {name: stem.astype(np.float32).mean(axis=0) for name, stem in played.items()}
    stems["mix"] = np.sum(list(stems.values()), axis=0)
    for name, takes in _TAKES.items():
        for _ in range(takes):
            sound = _cut(stems[name], rng, vary=learned and rng.random() < 0.3)
            if np.sqrt(np.mean(sound**2)) > 1e-3 * np.abs(stems[name]).max():
                yield DrySound(_KINDS[name], learned, sound)


def _claps(rng: np.random.Generator) -> np.ndarray:
    """A few clicks, or bursts of noise that fade within 1 to 60 ms."""
    sound = np.zeros(int(rng.uniform(2.5, 8) * RATE), np.float32)
    burst_s = np.exp(rng.uniform(np.log(0.001), np.log(0.06)))
    t = np.arange(int(2 * burst_s * RATE) + 1) / RATE
    for start in rng.integers(0, sound.size - t.size, rng.integers(1, 9)):
        burst = rng.standard_normal(t.size) * 10 ** (-3 * t / burst_s)
        sound[start : start + t.size] += rng.uniform(0.3, 1) * burst
    return sound


def _patterns(
    pool: Path, rows: tuple[Piece, ...], pieces: int, rng: np.random.Generator
) -> Iterator[DrySound]:
    """Beats, rolls and tunes of single strokes and notes."""
    notes: dict[str, list[Piece]] = defaultdict(list)
    for piece in rows:
        if piece.part == "instruments" and _free(piece):
            notes["drum" if piece.labels[0] == "drum" else piece.song].append(piece)
    drums = notes.pop("drum", [])
    kits = sorted(notes)
    for number in range(pieces):
        learned = number % 6 != 5
        if drums:
            kit = [drums[k] for k in rng.permutation(len(drums))[: rng.integers(2, 6)]]
            step_s = rng.uniform(0.025, 0.09) if number % 4 == 0 else rng.uniform(0.1, 0.35)
            yield DrySound("drums", learned, _pattern(pool, kit, step_s, rng))
        if kits:
            kit = notes[kits[rng.integers(len(kits))]]
            yield DrySound("notes", learned, _pattern(pool, kit, rng.uniform(0.15, 0.6), rng))


def _pattern(pool: Path, kit: list[Piece], step_s: float, rng: np.random.Generator) -> np.ndarray:
    """Strokes of a kit in a rhythm, let ring or damped."""
    seconds, damped_s = rng.uniform(2.5, 8), rng.uniform(0.05, 0.5)
    damped, likely = rng.random() < 0.5, rng.uniform(0.4, 1.0)
    starts = np.arange(0.05, seconds - 0.2, step_s) * rng.uniform(0.97, 1.03)
    sound = np.zeros(int((seconds + 4) * RATE), np.float32)
    for start_s in starts[rng.random(starts.size) < likely]:
        stroke = _read(pool, kit[rng.integers(len(kit))])[: int(2.5 * RATE)]
        if damped:
            stroke = stroke[: int(damped_s * RATE * rng.uniform(0.6, 1.4))]
        fade = min(int(rng.uniform(0.005, 0.05) * RATE), stroke.size)
        stroke[stroke.size - fade :] *= np.linspace(1, 0, fade)
        place = int(start_s * RATE)
        sound[place : place + stroke.size] += stroke * rng.uniform(0.2, 1) / (np.abs(stroke).max() + 1e-9)
    return sound[: int(seconds * RATE)]


def _cut(sound: np.ndarray, rng: np.random.Generator, *, vary: bool) -> np.ndarray:
    """A piece of 2.5 to 8 s, at another speed where it may be varied."""
    length = min(int(rng.uniform(2.5, 8) * RATE), sound.size)
    start = int(rng.integers(0, sound.size - length + 1))
    piece = sound[start : start + length]
    return resample(piece[None], from_rate=20, to_rate=int(rng.integers(16, 27)))[0] if vary else piece


def _read(pool: Path, piece: Piece) -> np.ndarray:
    """A piece of a pool in mono."""
    with SoundReader(pool / piece.stem_paths()[piece.stems[0]]) as reader:
        return reader.read(start=piece.start, frames=piece.frames).mean(axis=0)
