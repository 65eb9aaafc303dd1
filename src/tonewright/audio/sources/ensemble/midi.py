"""Parts as a MIDI file: one take after another on one time line, so that one process renders them all.

A tick of the file is a sample at 44.1 kHz; a take begins at a multiple of 64 samples, the block in which
fluidsynth takes notice of events.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tonewright.audio.sources.ensemble.arrangement import Part
from tonewright.audio.sources.ensemble.banks import DRUM_BANK
from tonewright.audio.sources.ensemble.casting import Cast, Soundfont
from tonewright.audio.sources.ensemble.kits import struck
from tonewright.errors import MissingExtraError

SAMPLE_RATE = 44_100
BLOCK = 64
_TICKS_PER_BEAT = 22_050
_TEMPO_US = 500_000
_DRUM_CHANNEL = 9
_BEND_RANGE = 2.0
_DRUM_S = 1.5
_GAP_FRAMES = 32 * BLOCK
_BANK_SELECT, _VOLUME, _PAN, _EXPRESSION, _SOUND_OFF, _RESET = 0, 7, 10, 11, 120, 121

# (frame, order among events of one frame, type, values)
Event = tuple[int, int, str, dict[str, int]]


def take_start(number: int, frames: int) -> int:
    """The frame at which the take `number` of several begins, each of so many frames."""
    return number * (-(-frames // BLOCK) * BLOCK + _GAP_FRAMES)


def write_takes(path: Path, casts: Sequence[Cast], frames: int) -> None:
    """Write parts played by one soundfont, one after another, as a standard MIDI file.

    Parameters
    ----------
    path : of the file
    casts : parts with presets of the soundfont
    frames : length of each, at 44.1 kHz

    Raises
    ------
    MissingExtraError
        If mido is not installed.
    """
    mido = require_mido()
    events = [
        event
        for number, cast in enumerate(casts)
        for event in _take(cast, take_start(number, frames), frames)
    ]
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=_TEMPO_US)])
    now = 0
    for frame, _, kind, values in sorted(events, key=lambda event: event[:2]):
        track.append(mido.Message(kind, time=frame - now, **values))
        now = frame
    track.append(mido.MetaMessage("end_of_track", time=take_start(len(casts), frames) - now))
    mido.MidiFile(type=0, ticks_per_beat=_TICKS_PER_BEAT, tracks=[track]).save(path)


def require_mido() -> Any:
    """The module mido.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import mido
    except ImportError as error:
        raise MissingExtraError("mido", "sources") from error
    return mido


def _take(cast: Cast, start: int, frames: int) -> list[Event]:
    """All events of a take, at frames of the time line; silence at its end."""
    bank, program = cast.preset
    channel = _DRUM_CHANNEL if bank == DRUM_BANK else 0
    events: list[Event] = [
        (start, 0, "control_change", {"channel": channel, "control": _RESET, "value": 0}),
        (
            start,
            1,
            "control_change",
            {"channel": channel, "control": _BANK_SELECT, "value": bank % DRUM_BANK},
        ),
        (start, 2, "program_change", {"channel": channel, "program": program}),
        (start, 3, "control_change", {"channel": channel, "control": _VOLUME, "value": 127}),
        (start, 3, "control_change", {"channel": channel, "control": _PAN, "value": 64}),
        (start + frames, 9, "control_change", {"channel": channel, "control": _SOUND_OFF, "value": 0}),
    ]
    notes = _strokes(cast) if cast.part.hits else _notes(cast.part)
    for begin, end, key, velocity in notes:
        first, last = round(begin * SAMPLE_RATE), round(end * SAMPLE_RATE)
        if 0 <= first < frames:
            note = {"channel": channel, "note": key}
            events.append((start + first, 6, "note_on", {**note, "velocity": velocity}))
            events.append((start + min(last, frames), 5, "note_off", {**note, "velocity": 0}))
    return events + _controls(cast.part, start, frames)


def _velocity(level: float) -> int:
    return min(127, max(1, round(18 + 109 * level)))


def _notes(part: Part) -> list[tuple[float, float, int, int]]:
    """(start, end, key, velocity) of every note."""
    return [(n.start_s, n.start_s + n.seconds, round(n.pitch), _velocity(n.level)) for n in part.notes]


def _strokes(cast: Cast) -> list[tuple[float, float, int, int]]:
    """(start, end, key, velocity) of every stroke; one that is repeated ends the one before."""
    if not isinstance(cast.player, Soundfont):
        raise TypeError("strokes as MIDI are for soundfonts")
    keys, there = cast.player.keys, frozenset(cast.player.keys)
    strokes: list[tuple[float, float, int, int]] = []
    following: dict[int, float] = {}
    for hit in reversed(cast.part.hits):
        piece = struck(hit.piece, there)
        if piece is None:
            continue
        key = keys[piece][cast.variant % len(keys[piece])]
        end = min(hit.start_s + _DRUM_S, following.get(key, float("inf")) - 1e-3)
        if end > hit.start_s:
            strokes.append((hit.start_s, end, key, _velocity(hit.level)))
            following[key] = hit.start_s
    return strokes


def _controls(part: Part, start: int, frames: int) -> list[Event]:
    """Swells as expression and bends as pitch wheel."""
    events: list[Event] = []
    for swell in part.swells:
        value = min(127, max(1, round(127 * swell.level)))
        time = round(swell.start_s * SAMPLE_RATE)
        events.append(
            (start + time, 4, "control_change", {"channel": 0, "control": _EXPRESSION, "value": value})
        )
    for bend in part.bends:
        pitch = round(8191 * max(-1.0, min(1.0, bend.semitones / _BEND_RANGE)))
        events.append(
            (start + round(bend.start_s * SAMPLE_RATE), 4, "pitchwheel", {"channel": 0, "pitch": pitch})
        )
    return [event for event in events if event[0] < start + frames]
