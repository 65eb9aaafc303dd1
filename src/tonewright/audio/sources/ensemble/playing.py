"""A whole song: composed, cast, played, mixed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.sources.ensemble.arrangement import Arrangement, Part
from tonewright.audio.sources.ensemble.banks import Banks, RecordedKit, RecordedNotes, Rights, Soundfont
from tonewright.audio.sources.ensemble.casting import Cast, cast
from tonewright.audio.sources.ensemble.composing import ROOMS, compose, generator
from tonewright.audio.sources.ensemble.mixing import Desk, master, room_response
from tonewright.audio.sources.ensemble.sampler import SAMPLE_RATE, play_hits, play_notes
from tonewright.audio.sources.ensemble.synthesizer import render
from tonewright.audio.sources.ensemble.voices import Singer, sing
from tonewright.audio.sources.manifest import Piece
from tonewright.audio.sources.shelves import read_piece


@dataclass(frozen=True, slots=True)
class PlayedSong:
    """A song.

    Parameters
    ----------
    arrangement : what is played
    stems : "mixture" and what it is the exact sum of, int16 (2, frames) each
    rights : of everything that is heard in it
    """

    arrangement: Arrangement
    stems: dict[str, np.ndarray]
    rights: tuple[Rights, ...]

    @property
    def leads(self) -> tuple[str, ...]:
        """The instruments that carry the tune by themselves."""
        roles = ("lead", "solo")
        return tuple(dict.fromkeys(p.instrument for p in self.arrangement.parts if p.role in roles))

    def facts(self) -> dict[str, Any]:
        """What is known of it, for whoever looks for a song or tells of one."""
        frame = self.arrangement.frame
        return {
            "style": self.arrangement.style,
            "tempo_bpm": frame.grid.tempo_bpm,
            "meter": frame.grid.meter,
            "key": frame.key.name,
            "sections": [[section.name, section.bars] for section in frame.sections],
            "parts": [[part.stem, part.role, part.instrument] for part in self.arrangement.parts],
        }


def song_key(line_up: str, number: int, seed: int) -> str:
    """What decides the split of a song."""
    return f"ensemble/{line_up}/{seed}/{number}"


def play(
    pool: Path, line_up: str, number: int, *, seed: int, banks: Banks, singers: tuple[Singer, ...] = ()
) -> PlayedSong:
    """The song `number` of a line-up, with every stem of it.

    Where it is sung, and the speech does not reach as high as the instruments, everything ends where the
    speech does: otherwise the treble alone would tell the voice from the rest.

    Parameters
    ----------
    pool : whose notes are played
    line_up : a key of `LINE_UPS`
    number : 0 or more
    seed : of all songs
    banks : what the pool holds to play with
    singers : of whom one sings where there is a melody to sing
    """
    arrangement = compose(line_up, number, seed=seed, stage=banks.stage)
    casting = generator(seed, line_up, number, "casting")
    casts = [cast(part, banks, arrangement.style, casting) for part in arrangement.parts]
    frames = round(arrangement.seconds * SAMPLE_RATE)
    rights = dict.fromkeys(right for each in casts for right in each.rights)
    mixing = generator(seed, line_up, number, "mixing")
    response = room_response(seed, arrangement.room, ROOMS)
    singing = generator(seed, line_up, number, "singing")
    singer = None
    if singers and arrangement.melody:
        singer = singers[int(singing.integers(len(singers)))].of_split(song_key(line_up, number, seed))
    desk = Desk(frames, response, highest_hz=singer.bandwidth_hz if singer else None)
    for each, track in tracks(pool, casts, frames):
        desk.add(each.part, track)
    if singer is not None:
        sung = sing(arrangement.melody, singer, frames, singing, read=partial(read_piece, pool))
        desk.add(_voice_part(mixing), sung.samples)
        rights |= dict.fromkeys(sung.rights)
    return PlayedSong(arrangement, master(desk.stems(mixing), mixing), tuple(rights))


def _voice_part(rng: np.random.Generator) -> Part:
    """Where the singer stands: in the middle, near, now and then with an echo."""
    return Part(
        "voice",
        "vocals",
        "voice",
        pan=float(np.clip(rng.normal(0.0, 0.05), -0.3, 0.3)),
        room_db=float(rng.uniform(-20.0, -7.0)),
        treble_db=float(rng.normal(0.0, 2.0)),
        echo_s=float(rng.uniform(0.15, 0.45)) if rng.random() < 0.2 else 0.0,
    )


def tracks(pool: Path, casts: list[Cast], frames: int) -> Iterator[tuple[Cast, np.ndarray]]:
    """Every part and its sound, (1 or 2, frames) float32: what one soundfont plays comes from one process."""
    by_font: dict[Path, list[Cast]] = {}

    @lru_cache(maxsize=64)
    def read(piece: Piece) -> np.ndarray:
        return read_piece(pool, piece)

    for each in casts:
        if isinstance(each.player, Soundfont):
            by_font.setdefault(each.player.path, []).append(each)
        elif isinstance(each.player, RecordedNotes):
            yield each, play_notes(each.part, each.player, frames, read=read)
        elif isinstance(each.player, RecordedKit):
            yield each, play_hits(each.part, each.player, frames, read=read, variant=each.variant)
    for together in by_font.values():
        yield from zip(together, render(together, frames), strict=True)
