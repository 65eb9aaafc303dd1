"""Recorded notes and drums, played: the nearest recording, moved in pitch by a few semitones at most."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import soxr

from tonewright.audio.band.score import Hit, Note
from tonewright.audio.band.synthesis import pan_gains
from tonewright.audio.sources.ensemble.arrangement import Part
from tonewright.audio.sources.ensemble.banks import RecordedKit, RecordedNotes
from tonewright.audio.sources.ensemble.instruments import INSTRUMENTS
from tonewright.audio.sources.ensemble.kits import struck
from tonewright.audio.sources.manifest import Piece

SAMPLE_RATE = 44_100
Read = Callable[[Piece], np.ndarray]

_ONSET = 0.06  # of the peak: where a recording begins to be heard
_BEFORE_S = 0.002
_RELEASE_S = {True: 0.09, False: 0.25}
_LOOP_S = 0.12
# Peaks of a kit's pieces at full strength, in dB; the recordings themselves are often all at one peak.
_PIECE_DB = {
    "kick": 0.0, "snare": -1.5, "rim": -6.0, "clap": -5.0, "hat": -12.0, "pedal_hat": -14.0,
    "open_hat": -10.0, "tom_low": -3.0, "tom_mid": -3.5, "tom_high": -4.0, "crash": -7.0, "ride": -12.0,
    "bell": -10.0, "splash": -9.0, "tambourine": -14.0, "cowbell": -12.0, "shaker": -16.0,
    "conga_high": -6.0, "conga_low": -5.0, "clave": -12.0, "block": -12.0, "triangle": -16.0,
}  # fmt: skip
_PIECE_PAN = {
    "hat": -0.35, "pedal_hat": -0.35, "open_hat": -0.35, "ride": 0.4, "bell": 0.4, "crash": 0.3,
    "splash": -0.5, "tom_low": 0.45, "tom_mid": 0.1, "tom_high": -0.25, "shaker": 0.5, "tambourine": -0.5,
    "cowbell": 0.25, "conga_high": -0.2, "conga_low": 0.2, "clave": 0.35, "triangle": -0.4,
}  # fmt: skip
_CHOKED_BY = {"hat": ("open_hat",), "pedal_hat": ("open_hat",)}


def play_notes(part: Part, recorded: RecordedNotes, frames: int, *, read: Read) -> np.ndarray:
    """A part played with recorded notes.

    Parameters
    ----------
    part : its bends are not heard
    recorded : notes of its instrument
    frames : of the song
    read : gives the samples (channels, frames) of a piece

    Returns
    -------
    (1, frames) float32
    """
    sustained = INSTRUMENTS[part.instrument].sustained
    track = np.zeros((1, frames), np.float32)
    moved: dict[tuple[int, float], tuple[np.ndarray, int]] = {}
    for note in part.notes:
        number = int(np.argmin([abs(pitch - note.pitch) for pitch, _ in recorded.notes]))
        key = (number, note.pitch)
        if key not in moved:
            pitch, piece = recorded.notes[number]
            moved[key] = prepared(read(piece).mean(axis=0), semitones=note.pitch - pitch)
        sound, lead = moved[key]
        _add(track, _lasting(sound, note, lead, sustained), round(note.start_s * SAMPLE_RATE) - lead)
    if part.swells:
        times = np.arange(frames, dtype=np.float32) / np.float32(SAMPLE_RATE)
        track *= np.interp(times, [s.start_s for s in part.swells], [s.level for s in part.swells]).astype(
            np.float32
        )
    return track


def prepared(sound: np.ndarray, *, semitones: float = 0.0) -> tuple[np.ndarray, int]:
    """A recording moved in pitch and cut to begin with its onset.

    Played faster by 2^(semitones / 12), it sounds so much higher; soxr does the resampling.

    Parameters
    ----------
    sound : (time,)
    semitones : upwards

    Returns
    -------
    (time,) float32, and the frame at which it is heard to begin
    """
    if semitones:
        sound = np.asarray(soxr.resample(sound, SAMPLE_RATE * 2 ** (semitones / 12), SAMPLE_RATE), np.float32)
    near = np.flatnonzero(np.abs(sound) > _ONSET * np.abs(sound).max(initial=0.0))
    onset = int(near[0]) if near.size else 0
    lead = min(onset, round(_BEFORE_S * SAMPLE_RATE))
    sound = sound[onset - lead :].astype(np.float32)
    sound[:lead] *= np.linspace(0.0, 1.0, lead, endpoint=False, dtype=np.float32)
    return sound, lead


def _lasting(sound: np.ndarray, note: Note, lead: int, sustained: bool) -> np.ndarray:
    """A recording as long as its note, with a release; a held tone that is too short goes round."""
    release = round(_RELEASE_S[sustained] * SAMPLE_RATE)
    wanted = lead + round(note.seconds * SAMPLE_RATE) + release
    if sustained and wanted > len(sound):
        sound = looped(sound, wanted)
    sound = sound[:wanted] * np.float32(note.level**1.3)
    fade = min(release, len(sound))
    sound[len(sound) - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2
    return sound


def looped(sound: np.ndarray, frames: int) -> np.ndarray:
    """A tone prolonged by its middle part, crossfaded with equal power; at least so many frames if it can be.

    Parameters
    ----------
    sound : (time,)
    frames : wanted
    """
    cross = round(_LOOP_S * SAMPLE_RATE)
    first, last = int(0.35 * len(sound)), int(0.8 * len(sound))
    if last - first < 2 * cross:
        return sound
    middle = sound[first:last]
    up = np.sin(np.linspace(0, np.pi / 2, cross, dtype=np.float32))
    rounds = -(-max(frames - last, 0) // (len(middle) - cross))
    result = np.empty(last + rounds * (len(middle) - cross), np.float32)
    result[:last] = sound[:last]
    end = last
    for _ in range(rounds):
        result[end - cross : end] = result[end - cross : end] * up[::-1] + middle[:cross] * up
        result[end : end + len(middle) - cross] = middle[cross:]
        end += len(middle) - cross
    return result


def play_hits(part: Part, kit: RecordedKit, frames: int, *, read: Read, variant: int = 0) -> np.ndarray:
    """A part played on a recorded kit, its pieces spread from left to right.

    Parameters
    ----------
    part : strokes in order of time
    kit : its drums
    frames : of the song
    read : gives the samples (channels, frames) of a piece
    variant : which drum of several of a kind

    Returns
    -------
    (2, frames) float32
    """
    track = np.zeros((2, frames), np.float32)
    there = frozenset(kit.drums)
    sounds: dict[str, tuple[np.ndarray, int]] = {}
    ends = _ends(part.hits, there, frames)
    for hit, end in zip(part.hits, ends, strict=True):
        name = struck(hit.piece, there)
        if name is None:
            continue
        drums = kit.drums[name]
        takes = drums[variant % len(drums)]
        piece = takes[min(int(hit.level * len(takes)), len(takes) - 1)]
        if piece.name not in sounds:
            sounds[piece.name] = prepared(read(piece).mean(axis=0))
        sound, lead = sounds[piece.name]
        start = round(hit.start_s * SAMPLE_RATE) - lead
        sound = _choked(sound, end - start)
        loud = 10 ** (_PIECE_DB[name] / 20) * hit.level**1.5 / (np.abs(sound).max() + 1e-9)
        _add(track, sound * (pan_gains(_PIECE_PAN.get(name, 0.0))[:, None] * np.float32(loud)), start)
    return track


def _ends(hits: tuple[Hit, ...], there: frozenset[str], frames: int) -> list[int]:
    """The frame at which each stroke is cut off: an open hat by a closed one, all by the song's end."""
    following: dict[str, int] = {}
    ends: list[int] = []
    for hit in reversed(hits):
        name = struck(hit.piece, there)
        ends.append(following.get(name or "", frames))
        for choked in _CHOKED_BY.get(name or "", ()):
            following[choked] = round(hit.start_s * SAMPLE_RATE)
    return ends[::-1]


def _choked(sound: np.ndarray, frames: int) -> np.ndarray:
    """A sound cut to so many frames, faded at its end."""
    if frames >= len(sound):
        return sound
    cut = sound[: max(frames, 1)].copy()
    fade = min(len(cut), round(0.015 * SAMPLE_RATE))
    cut[len(cut) - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return cut


def _add(track: np.ndarray, sound: np.ndarray, start: int) -> None:
    """Add a sound (time,) or (channels, time) to a track from a frame on; what lies outside is left out."""
    first, last = max(start, 0), min(start + sound.shape[-1], track.shape[-1])
    if first < last:
        track[..., first:last] += sound[..., first - start : last - start]
