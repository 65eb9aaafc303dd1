"""A whole song: composed, cast, played, mixed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.sources.ensemble.arrangement import Arrangement
from tonewright.audio.sources.ensemble.banks import Banks, RecordedKit, RecordedNotes, Rights, Soundfont
from tonewright.audio.sources.ensemble.casting import Cast, cast
from tonewright.audio.sources.ensemble.composing import ROOMS, compose, generator
from tonewright.audio.sources.ensemble.mixing import Desk, master, room_response
from tonewright.audio.sources.ensemble.sampler import SAMPLE_RATE, play_hits, play_notes
from tonewright.audio.sources.ensemble.synthesizer import render
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


def play(pool: Path, line_up: str, number: int, *, seed: int, banks: Banks) -> PlayedSong:
    """The song `number` of a line-up, with every stem of it.

    Parameters
    ----------
    pool : whose notes are played
    line_up : a key of `LINE_UPS`
    number : 0 or more
    seed : of all songs
    banks : what the pool holds to play with
    """
    arrangement = compose(line_up, number, seed=seed, stage=banks.stage)
    casting = generator(seed, line_up, number, "casting")
    casts = [cast(part, banks, arrangement.style, casting) for part in arrangement.parts]
    frames = round(arrangement.seconds * SAMPLE_RATE)
    desk = Desk(frames, room_response(seed, arrangement.room, ROOMS))
    for each, track in tracks(pool, casts, frames):
        desk.add(each.part, track, each.part.stem)
    mixing = generator(seed, line_up, number, "mixing")
    stems = master(desk.stems(mixing), mixing)
    rights = tuple(dict.fromkeys(right for each in casts for right in each.rights))
    return PlayedSong(arrangement, stems, rights)


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
