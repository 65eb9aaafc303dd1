"""What may be played: instruments with their programs and ranges.

Programs are numbered as in General MIDI Level 1 (MMA RP-003), from 0. Ranges are those of the written
practice of each instrument, at sounding pitch. Programs that imitate voices (choirs, "oohs", vox pads) and
effects (rain, birds, applause) are left out: what is sung belongs to the stem of the voice.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument.

    Parameters
    ----------
    name : such as "alto_sax"
    program : of General MIDI, from 0
    low, high : lowest and highest sounding pitch, as MIDI numbers
    sustained : whether a note keeps sounding, so that it can swell, glide and vibrate
    recorded : what collections of recorded notes call it, where they have it
    """

    name: str
    program: int
    low: int
    high: int
    sustained: bool = False
    recorded: str = ""

    @property
    def glides(self) -> bool:
        """Whether its pitch can bend: fretless strings, winds, electric leads."""
        return self.sustained and self.program in _GLIDING


_GLIDING = {22, 29, 30, 35, 40, 41, 42, 43, 110, 111, *range(56, 61), *range(64, 88)}


def _struck(name: str, program: int, low: int, high: int, recorded: str = "") -> Instrument:
    return Instrument(name, program, low, high, recorded=recorded)


def _held(name: str, program: int, low: int, high: int, recorded: str = "") -> Instrument:
    return Instrument(name, program, low, high, sustained=True, recorded=recorded)


_ALL = (
    _struck("piano", 0, 26, 100, "piano"),
    _struck("bright_piano", 1, 26, 100),
    _struck("electric_grand", 2, 28, 96),
    _struck("honky_tonk", 3, 30, 96),
    _struck("rhodes", 4, 28, 96),
    _struck("tine_piano", 5, 28, 96),
    _struck("harpsichord", 6, 29, 86),
    _struck("clavinet", 7, 36, 84),
    _struck("celesta", 8, 60, 101),
    _struck("glockenspiel", 9, 72, 103),
    _struck("music_box", 10, 60, 96),
    _struck("vibraphone", 11, 53, 89),
    _struck("marimba", 12, 45, 91),
    _struck("xylophone", 13, 65, 103, "xylophone"),
    _struck("tubular_bells", 14, 60, 77),
    _struck("dulcimer", 15, 48, 84),
    _held("drawbar_organ", 16, 36, 91, "organ"),
    _held("percussive_organ", 17, 36, 91),
    _held("rock_organ", 18, 36, 91),
    _held("church_organ", 19, 36, 91),
    _held("reed_organ", 20, 36, 84, "harmonium"),
    _held("accordion", 21, 53, 89),
    _held("harmonica", 22, 60, 89),
    _held("bandoneon", 23, 50, 86),
    _struck("nylon_guitar", 24, 40, 81, "guitar-nylon"),
    _struck("steel_guitar", 25, 40, 83, "guitar-acoustic"),
    _struck("jazz_guitar", 26, 40, 83),
    _struck("clean_guitar", 27, 40, 84, "guitar-electric"),
    _struck("muted_guitar", 28, 40, 80),
    _held("overdriven_guitar", 29, 40, 84),
    _held("distorted_guitar", 30, 40, 84),
    _struck("acoustic_bass", 32, 28, 55),
    _struck("finger_bass", 33, 28, 57, "bass-electric"),
    _struck("picked_bass", 34, 28, 57),
    _held("fretless_bass", 35, 28, 57),
    _struck("slap_bass", 36, 28, 57),
    _struck("pop_bass", 37, 28, 57),
    _held("synth_bass", 38, 28, 57),
    _held("analogue_bass", 39, 28, 57),
    _held("violin", 40, 55, 96, "violin"),
    _held("viola", 41, 48, 84),
    _held("cello", 42, 36, 76, "cello"),
    _held("double_bass", 43, 28, 55, "contrabass"),
    _held("tremolo_strings", 44, 40, 90),
    _struck("pizzicato", 45, 36, 88),
    _struck("harp", 46, 28, 98, "harp"),
    _struck("timpani", 47, 40, 57),
    _held("strings", 48, 36, 91),
    _held("slow_strings", 49, 36, 91),
    _held("synth_strings", 50, 36, 91),
    _held("silky_strings", 51, 36, 91),
    _held("trumpet", 56, 55, 82, "trumpet"),
    _held("trombone", 57, 40, 70, "trombone"),
    _held("tuba", 58, 29, 55, "tuba"),
    _held("muted_trumpet", 59, 55, 82),
    _held("french_horn", 60, 41, 77, "french-horn"),
    _held("brass_section", 61, 43, 84),
    _held("synth_brass", 62, 43, 84),
    _held("warm_brass", 63, 43, 84),
    _held("soprano_sax", 64, 56, 87),
    _held("alto_sax", 65, 49, 80, "saxophone"),
    _held("tenor_sax", 66, 44, 75),
    _held("baritone_sax", 67, 37, 68),
    _held("oboe", 68, 58, 89),
    _held("english_horn", 69, 52, 79),
    _held("bassoon", 70, 34, 70, "bassoon"),
    _held("clarinet", 71, 50, 88, "clarinet"),
    _held("piccolo", 72, 74, 100),
    _held("flute", 73, 60, 94, "flute"),
    _held("recorder", 74, 60, 90),
    _held("pan_flute", 75, 60, 91),
    _held("shakuhachi", 77, 55, 84),
    _held("ocarina", 79, 60, 86),
    _held("square_lead", 80, 40, 91),
    _held("saw_lead", 81, 40, 91),
    _held("calliope", 82, 48, 91),
    _held("chiff_lead", 83, 48, 91),
    _held("charang", 84, 40, 86),
    _held("fifths_lead", 86, 40, 84),
    _struck("fantasia", 88, 40, 88),
    _held("warm_pad", 89, 36, 88),
    _held("polysynth", 90, 36, 88),
    _held("bowed_glass", 92, 40, 88),
    _held("metal_pad", 93, 40, 88),
    _held("sweep_pad", 95, 36, 88),
    _held("soundtrack", 97, 36, 84),
    _struck("crystal", 98, 48, 96),
    _struck("atmosphere", 99, 40, 90),
    _struck("brightness", 100, 40, 90),
    _struck("star_theme", 103, 40, 90),
    _struck("sitar", 104, 45, 77),
    _struck("banjo", 105, 48, 84),
    _struck("shamisen", 106, 50, 79),
    _struck("koto", 107, 48, 84),
    _struck("kalimba", 108, 53, 84),
    _held("bagpipe", 109, 55, 79),
    _held("fiddle", 110, 55, 93),
    _held("shanai", 111, 50, 84),
    _struck("steel_drums", 114, 52, 84),
)
INSTRUMENTS = {instrument.name: instrument for instrument in _ALL}
RECORDED = {instrument.recorded: instrument.name for instrument in _ALL if instrument.recorded}
