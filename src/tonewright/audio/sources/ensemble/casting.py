"""Who plays a part: which preset of which soundfont, which recorded notes, which kit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tonewright.audio.sources.ensemble.arrangement import Part
from tonewright.audio.sources.ensemble.banks import Banks, RecordedKit, RecordedNotes, Rights, Soundfont
from tonewright.audio.sources.ensemble.instruments import INSTRUMENTS

_RECORDED_SHARE = 0.4
_LONGEST_RECORDED_S = 3.0
_VARIANT_SHARE = 0.2
# First and last program of families of kits in the drum bank of General MIDI 2 and Roland GS.
_FAMILIES = {
    "standard": (0, 7),
    "room": (8, 15),
    "power": (16, 23),
    "electronic": (24, 31),
    "jazz": (32, 39),
    "brush": (40, 47),
}
_KITS = {
    "techno": ("electronic",),
    "house": ("electronic", "electronic", "standard"),
    "trap": ("electronic",),
    "electro": ("electronic",),
    "disco": ("standard", "electronic"),
    "breaks": ("electronic", "power", "room"),
    "hiphop": ("standard", "electronic", "room"),
    "metal": ("power", "room"),
    "rock": ("power", "room", "standard"),
    "punk": ("power", "standard"),
    "jazz": ("jazz", "jazz", "brush"),
    "bossa": ("jazz", "brush", "standard"),
    "ballad": ("standard", "room", "brush", "jazz"),
    "ambient": ("brush", "electronic", "room"),
    "folk": ("brush", "standard", "jazz"),
    "country": ("standard", "brush"),
}
_ANY_KITS = ("standard", "room", "power")
_SYNTHETIC = ("techno", "house", "trap", "electro")


@dataclass(frozen=True, slots=True)
class Cast:
    """A part and who plays it: a preset of a soundfont, recorded notes, or a recorded kit.

    Parameters
    ----------
    part : what is played
    player : the bank
    preset : (bank, program), of a soundfont
    variant : which of several keys, takes or drums, where there is a choice
    """

    part: Part
    player: Soundfont | RecordedNotes | RecordedKit
    preset: tuple[int, int] = (0, 0)
    variant: int = 0

    @property
    def rights(self) -> tuple[Rights, ...]:
        """Of everything that may be heard in it."""
        if isinstance(self.player, Soundfont):
            return (self.player.rights,)
        if isinstance(self.player, RecordedNotes):
            pieces = [piece for _, piece in self.player.notes]
        else:
            pieces = [piece for drums in self.player.drums.values() for takes in drums for piece in takes]
        return tuple(dict.fromkeys(Rights(piece.licence, piece.author) for piece in pieces))


def cast(part: Part, banks: Banks, style: str, rng: np.random.Generator) -> Cast:
    """Choose who plays a part.

    Parameters
    ----------
    part : of an instrument that the banks' stage has, or of a kit
    banks : what there is
    style : of the song; it decides which kits suit
    rng : of all choices
    """
    variant = int(rng.integers(1 << 16))
    if part.instrument == "kit":
        return _cast_kit(part, banks, style, variant, rng)
    instrument = INSTRUMENTS[part.instrument]
    recorded = banks.notes.get(part.instrument)
    if recorded is not None and rng.random() < _RECORDED_SHARE and _suits(part, recorded):
        return Cast(part, recorded, variant=variant)
    fonts = [font for font in banks.soundfonts if (0, instrument.program) in font.programs]
    font = fonts[int(rng.integers(len(fonts)))]
    variants = sorted(p for p in font.programs if p[1] == instrument.program and p[0] > 0)
    preset = (0, instrument.program)
    if variants and rng.random() < _VARIANT_SHARE:
        preset = variants[int(rng.integers(len(variants)))]
    return Cast(part, font, preset, variant)


def _suits(part: Part, recorded: RecordedNotes) -> bool:
    """Whether recorded notes reach as far and last as long as a part asks, and need not bend."""
    pitches = [note.pitch for note in part.notes]
    longest = float(np.percentile([note.seconds for note in part.notes], 90))
    return not part.bends and longest <= _LONGEST_RECORDED_S and recorded.reaches(min(pitches), max(pitches))


def _cast_kit(part: Part, banks: Banks, style: str, variant: int, rng: np.random.Generator) -> Cast:
    """A kit: of General MIDI, of a bank of drums alone, or recorded one by one."""
    general = [font for font in banks.soundfonts if font.kits and font.programs]
    alone = [font for font in banks.soundfonts if font.kits and not font.programs]
    groups = [group for group in (general, alone, banks.kits) if group]
    weights = np.array([{id(general): 2.0}.get(id(group), 1.0) for group in groups])
    if general and style in _SYNTHETIC and rng.random() < 0.7:
        groups, weights = [general], np.ones(1)
    group = groups[int(rng.choice(len(groups), p=weights / weights.sum()))]
    player = group[int(rng.integers(len(group)))]
    if isinstance(player, RecordedKit):
        return Cast(part, player, variant=variant)
    return Cast(part, player, _kit_of(player, style, rng), variant)


def _kit_of(font: Soundfont, style: str, rng: np.random.Generator) -> tuple[int, int]:
    """A kit of a soundfont that suits a style, or any that there is."""
    families = _KITS.get(style, _ANY_KITS)
    first, last = _FAMILIES[str(rng.choice(families))]
    kits = sorted(kit for kit in font.kits if first <= kit[1] <= last) or sorted(font.kits)
    return kits[int(rng.integers(len(kits)))]
