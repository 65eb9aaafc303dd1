"""Singers: the speakers of a pool, whose speech is sung to a song's melody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import soxr

from tonewright.audio.band.score import Note
from tonewright.audio.sources.ensemble.banks import Rights
from tonewright.audio.sources.ensemble.performing import LEAD_IN_S
from tonewright.audio.sources.manifest import Piece
from tonewright.audio.tracks import SPLITS, split_of
from tonewright.errors import MissingExtraError, TonewrightError

SAMPLE_RATE = 44_100
Read = Callable[[Piece], np.ndarray]

_LEAST_SPEECH_S = 60.0
_LONGEST_SPEECH_S = 12.0
_RATES = (8_000, 16_000, 22_050, 44_100)
_PHRASE_GAP_S = 0.3
_LONGEST_PHRASE_S = 10.0
_BEFORE_S = 0.4  # for the consonants before a phrase
_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Singer:
    """One speaker, with enough speech to sing with."""

    name: str
    pieces: tuple[Piece, ...]

    def of_split(self, song: str) -> Singer:
        """The singer with the words of one split alone: what a song of the training says, no test says."""
        split = split_of(song)
        return replace(self, pieces=tuple(piece for piece in self.pieces if split_of(piece.song) == split))

    @property
    def bandwidth_hz(self) -> float:
        """Up to where the speech reaches, by the middle one of its pieces."""
        return float(np.median([piece.bandwidth_hz for piece in self.pieces]))


@dataclass(frozen=True, slots=True)
class SungMelody:
    """What was sung: (1, frames) float32, and the rights of the speech."""

    samples: np.ndarray
    rights: tuple[Rights, ...]


def can_sing() -> bool:
    """Whether speech can be re-sung on this machine."""
    from tonewright.audio.sources.singing import resing

    try:
        resing(np.zeros((1, 8000), np.float32), sample_rate=16_000)
    except MissingExtraError:
        return False
    except TonewrightError:  # it looked for a voice
        return True
    return True


def find_singers(pieces: tuple[Piece, ...]) -> tuple[Singer, ...]:
    """Speakers with a minute of speech or more, some of it in every split; several people are no speaker."""
    found: dict[str, list[Piece]] = defaultdict(list)
    for piece in pieces:
        if piece.part == "voices" and len(piece.labels) > 2 and piece.labels[2] != "various":
            found[f"{piece.package} {piece.labels[2]}"].append(piece)
    singers = (Singer(name, tuple(spoken)) for name, spoken in sorted(found.items()))
    return tuple(singer for singer in singers if _has_words(singer))


def _has_words(singer: Singer) -> bool:
    splits = {split_of(piece.song) for piece in singer.pieces}
    return len(splits) == len(SPLITS) and sum(piece.seconds for piece in singer.pieces) >= _LEAST_SPEECH_S


def phrases(melody: tuple[Note, ...]) -> list[tuple[Note, ...]]:
    """A melody cut where it breathes, and where it has been sung for ten seconds."""
    result: list[list[Note]] = []
    for note in melody:
        last = result[-1][-1] if result else None
        breath = last is None or note.start_s - (last.start_s + last.seconds) > _PHRASE_GAP_S
        if breath or note.start_s + note.seconds - result[-1][0].start_s > _LONGEST_PHRASE_S:
            result.append([])
        result[-1].append(note)
    return [tuple(phrase) for phrase in result]


def sing(
    melody: tuple[Note, ...], singer: Singer, frames: int, rng: np.random.Generator, *, read: Read
) -> SungMelody:
    """A melody sung by a speaker, phrase by phrase with other words, all in one voice and one octave.

    Parameters
    ----------
    melody : in order of time
    singer : who sings
    frames : of the song
    rng : of words and voice
    read : gives the samples (channels, frames) of a piece
    """
    settings = _one_voice(rng)
    shift = None
    track = np.zeros(frames, np.float32)
    used: list[Piece] = []
    for phrase in phrases(melody):
        begin = phrase[0].start_s - _BEFORE_S
        sung, piece = _phrase(phrase, begin, shift, singer, settings, rng, read)
        if sung is None or piece is None:
            continue
        if shift is None:
            shift = 12.0 * round((sung.notes[0].pitch - phrase[0].pitch) / 12.0)
        used.append(piece)
        sound = np.asarray(soxr.resample(sung.samples[0], sung.sample_rate, SAMPLE_RATE), np.float32)
        start = round((begin + LEAD_IN_S) * SAMPLE_RATE)
        first, last = max(start, 0), min(start + len(sound), frames)
        if first < last:
            track[first:last] += sound[first - start : last - start]
    rights = dict.fromkeys(Rights(piece.licence, piece.author) for piece in used)
    return SungMelody(track[None], tuple(rights))


def _one_voice(rng: np.random.Generator) -> Any:
    """Settings for a whole song: the voice itself is drawn once, its manner may vary a little."""
    from tonewright.audio.sources.singing import SingingSettings

    wide = SingingSettings()

    def once(name: str) -> dict[str, tuple[float, float]]:
        value = float(rng.uniform(*getattr(wide, name)))
        return {name: (value, value)}

    drawn = {}
    for name in ("formants", "tilt_db", "ring_db", "vibrato_hz", "vibrato_semitones", "glide_s"):
        drawn |= once(name)
    return replace(wide, **drawn)


def _phrase(
    phrase: tuple[Note, ...],
    begin_s: float,
    shift: float | None,
    singer: Singer,
    settings: Any,
    rng: np.random.Generator,
    read: Read,
) -> tuple[Any, Piece | None]:
    """A phrase sung, from `begin_s` on, and the piece whose words it has; None where no piece would do."""
    from tonewright.audio.sources.singing import Note as SungNote
    from tonewright.audio.sources.singing import NoVoiceError, resing

    up = shift or 0.0
    notes = [SungNote(note.start_s - begin_s, note.seconds, note.pitch + up) for note in phrase]
    for _ in range(_ATTEMPTS):
        piece = singer.pieces[int(rng.integers(len(singer.pieces)))]
        samples, rate = _speech(read(piece), piece.source_rate, rng)
        try:
            sung = resing(
                samples,
                sample_rate=rate,
                seed=int(rng.integers(1 << 31)),
                notes=notes,
                settings=replace(settings, fit_octave=shift is None),
            )
        except NoVoiceError:
            continue
        if sung.notes:
            return sung, piece
    return None, None


def _speech(samples: np.ndarray, source_rate: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Up to twelve seconds of speech, (1, frames), at the lowest rate that holds it."""
    frames = round(_LONGEST_SPEECH_S * SAMPLE_RATE)
    start = int(rng.integers(max(1, samples.shape[1] - frames + 1)))
    part = samples[:, start : start + frames].mean(axis=0)
    rate = next((rate for rate in _RATES if rate >= source_rate), _RATES[-1])
    if rate != SAMPLE_RATE:
        part = np.asarray(soxr.resample(part, SAMPLE_RATE, rate))
    return part[None].astype(np.float32), rate
