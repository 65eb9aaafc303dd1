"""Styles: tempo, meter, harmony, who plays and how. Data only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """A player of the stem "other".

    Parameters
    ----------
    name : "chords", "power", "pad", "arpeggio", "riff", "stabs", "counter" or "lead"
    chance : that there is such a player, 0 … 1
    instruments : from which one is drawn
    figures : patterns for chords; any where there are none
    """

    name: str
    chance: float
    instruments: tuple[str, ...]
    figures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Style:
    """A style.

    Parameters
    ----------
    name : such as "funk"
    tempo_bpm : slowest and fastest
    roles : players of the stem "other"
    grooves : of the drums; none where there are none
    basses, figures : instruments of the stem "bass" and what they play
    meters : (beats a bar, steps a beat), drawn with equal chances
    swing : range of the delay of odd sixteenths, as a share of one; `swing_chance` that there is any
    harmony : "plain", "blue", "jazz", "static" or "classical"
    looseness_s : standard deviation of the players' timing
    seconds : range of the songs' lengths
    """

    name: str
    tempo_bpm: tuple[float, float]
    roles: tuple[Role, ...]
    grooves: tuple[str, ...] = ()
    basses: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    meters: tuple[tuple[int, int], ...] = ((4, 4),)
    swing: tuple[float, float] = (0.1, 0.33)
    swing_chance: float = 0.15
    harmony: str = "plain"
    looseness_s: float = 0.006
    seconds: tuple[float, float] = (26.0, 54.0)


PIANOS = ("piano", "piano", "bright_piano", "electric_grand")
KEYS = ("rhodes", "tine_piano", "clavinet", "drawbar_organ", "percussive_organ")
ORGANS = ("drawbar_organ", "percussive_organ", "rock_organ", "reed_organ")
GUITARS = ("nylon_guitar", "steel_guitar", "jazz_guitar", "clean_guitar")
LOUD_GUITARS = ("overdriven_guitar", "distorted_guitar")
MALLETS = ("vibraphone", "marimba", "xylophone", "glockenspiel", "celesta", "kalimba", "steel_drums")
STRINGS = ("strings", "slow_strings", "synth_strings", "silky_strings", "tremolo_strings")
PADS = ("warm_pad", "polysynth", "bowed_glass", "metal_pad", "sweep_pad", "soundtrack", "silky_strings")
SYNTHS = ("square_lead", "saw_lead", "calliope", "chiff_lead", "charang", "fifths_lead", "polysynth")
PLUCKED_SYNTHS = ("fantasia", "crystal", "atmosphere", "brightness", "star_theme", "square_lead", "saw_lead")
BRASSES = ("trumpet", "muted_trumpet", "trombone", "french_horn")
SAXES = ("soprano_sax", "alto_sax", "tenor_sax", "baritone_sax")
WOODS = ("flute", "clarinet", "oboe", "english_horn", "recorder", "pan_flute", "shakuhachi", "ocarina")
FIDDLES = ("violin", "viola", "cello", "fiddle")
SECTIONS = ("brass_section", "synth_brass", "warm_brass")
ELECTRIC = ("finger_bass", "picked_bass", "fretless_bass", "slap_bass", "pop_bass")
SYNTH_BASSES = ("synth_bass", "analogue_bass")
UPRIGHT = ("acoustic_bass", "double_bass")
LEADS = (*SAXES, *BRASSES, *WOODS, *FIDDLES, "harmonica", "accordion", "clean_guitar", "overdriven_guitar")

_POP = (
    Role("chords", 0.95, (*PIANOS, *GUITARS, *KEYS)),
    Role("pad", 0.6, (*STRINGS, *PADS, *ORGANS)),
    Role("arpeggio", 0.45, (*GUITARS, *PLUCKED_SYNTHS, *MALLETS, "harp", "pizzicato")),
    Role("counter", 0.3, (*FIDDLES, *WOODS, *BRASSES, "strings")),
    Role("stabs", 0.2, (*SECTIONS, "strings")),
    Role("lead", 0.45, LEADS),
)
_ROCK = (
    Role("power", 0.9, LOUD_GUITARS, ("eighths", "quarters", "whole", "syncopated", "anticipated")),
    Role("chords", 0.6, (*GUITARS, *ORGANS, "piano"), ("eighths", "halves", "strum", "syncopated")),
    Role("riff", 0.4, (*LOUD_GUITARS, "muted_guitar", "rock_organ")),
    Role("pad", 0.25, (*ORGANS, "strings")),
    Role(
        "lead", 0.5, (*LOUD_GUITARS, "overdriven_guitar", "harmonica", "rock_organ", "saw_lead", "tenor_sax")
    ),
)
_METAL = (
    Role("power", 1.0, ("distorted_guitar",), ("sixteenths", "gallop", "eighths", "syncopated")),
    Role("power", 0.8, ("distorted_guitar", "overdriven_guitar"), ("sixteenths", "gallop", "whole")),
    Role("riff", 0.5, ("distorted_guitar", "muted_guitar")),
    Role("pad", 0.25, ("strings", "church_organ", "silky_strings")),
    Role("lead", 0.5, ("distorted_guitar", "overdriven_guitar")),
)
_BALLAD = (
    Role("chords", 0.9, (*PIANOS, "rhodes", "tine_piano", "nylon_guitar", "steel_guitar")),
    Role("arpeggio", 0.6, ("piano", "nylon_guitar", "steel_guitar", "harp", "tine_piano", "celesta")),
    Role("pad", 0.8, (*STRINGS, "warm_pad", "drawbar_organ")),
    Role("counter", 0.4, (*FIDDLES, "oboe", "flute", "french_horn", "clarinet")),
    Role("lead", 0.5, ("alto_sax", "soprano_sax", "violin", "flute", "harmonica", "clean_guitar", "cello")),
)
_FUNK = (
    Role("chords", 0.9, ("clavinet", "clean_guitar", "muted_guitar", "rhodes"), ("scratch", "syncopated")),
    Role("stabs", 0.6, (*SECTIONS, "brass_section"), ("hits", "stabs", "scratch")),
    Role("chords", 0.5, ("drawbar_organ", "percussive_organ", "rhodes"), ("stabs", "halves", "charleston")),
    Role("riff", 0.4, ("clavinet", "muted_guitar", "clean_guitar", "synth_brass")),
    Role("lead", 0.4, (*SAXES, "trumpet", "trombone", "square_lead", "overdriven_guitar", "drawbar_organ")),
)
_CLUB = (
    Role(
        "stabs",
        0.6,
        ("polysynth", "piano", "synth_brass", "saw_lead", "drawbar_organ"),
        ("house", "offbeats"),
    ),
    Role("pad", 0.7, (*PADS, *STRINGS)),
    Role("arpeggio", 0.7, (*PLUCKED_SYNTHS, "saw_lead", "square_lead")),
    Role("riff", 0.4, (*SYNTHS, "piano", "brightness")),
    Role("lead", 0.4, SYNTHS),
)
_HIPHOP = (
    Role("chords", 0.7, ("rhodes", "piano", "tine_piano", "jazz_guitar", "vibraphone"), ("whole", "halves")),
    Role("riff", 0.6, (*MALLETS, "pizzicato", "nylon_guitar", "flute", "koto", "harp", "piano")),
    Role("pad", 0.5, (*PADS, *STRINGS)),
    Role("stabs", 0.3, (*SECTIONS, "strings")),
    Role("lead", 0.3, (*WOODS, *SAXES, "square_lead", "saw_lead", "trumpet")),
)
_REGGAE = (
    Role("chords", 1.0, ("clean_guitar", "muted_guitar", "piano", "drawbar_organ"), ("skank", "offbeats")),
    Role("chords", 0.7, ("drawbar_organ", "percussive_organ", "clavinet"), ("offbeats", "scratch")),
    Role("stabs", 0.3, SECTIONS),
    Role("lead", 0.45, ("trombone", "tenor_sax", "harmonica", "flute", "muted_trumpet", "accordion")),
)
_LATIN = (
    Role(
        "chords",
        0.95,
        ("piano", "nylon_guitar", "bright_piano", "accordion"),
        ("bossa", "montuno", "tresillo"),
    ),
    Role("stabs", 0.4, ("brass_section", "trumpet", "trombone")),
    Role("pad", 0.3, STRINGS),
    Role("counter", 0.3, ("flute", "vibraphone", "trombone", "clarinet")),
    Role(
        "lead", 0.6, ("flute", "trumpet", "nylon_guitar", "alto_sax", "tenor_sax", "vibraphone", "accordion")
    ),
)
_JAZZ = (
    Role(
        "chords",
        0.95,
        ("piano", "jazz_guitar", "rhodes", "vibraphone"),
        ("charleston", "anticipated", "stabs"),
    ),
    Role("counter", 0.25, (*SAXES, *BRASSES)),
    Role("lead", 0.85, (*SAXES, *BRASSES, "vibraphone", "jazz_guitar", "clarinet", "flute", "piano")),
)
_COUNTRY = (
    Role("chords", 1.0, ("steel_guitar", "clean_guitar", "nylon_guitar"), ("country", "strum", "eighths")),
    Role("arpeggio", 0.6, ("banjo", "steel_guitar", "nylon_guitar", "dulcimer")),
    Role("pad", 0.2, ("accordion", "reed_organ", "strings")),
    Role(
        "lead", 0.65, ("fiddle", "harmonica", "banjo", "steel_guitar", "clean_guitar", "accordion", "violin")
    ),
)
_FOLK = (
    Role("chords", 0.8, ("steel_guitar", "nylon_guitar", "accordion", "bandoneon", "harp", "dulcimer")),
    Role("arpeggio", 0.6, ("nylon_guitar", "harp", "koto", "banjo", "dulcimer", "kalimba", "sitar")),
    Role("pad", 0.2, ("reed_organ", "accordion", "strings")),
    Role("lead", 0.75, ("fiddle", "recorder", "flute", "harmonica", "pan_flute", "bagpipe", "shakuhachi",
                        "violin", "shanai", "sitar", "shamisen", "accordion", "clarinet", "ocarina")),
)  # fmt: skip
_SYNTHWAVE = (
    Role("arpeggio", 0.9, ("saw_lead", "square_lead", "polysynth", "brightness", "fantasia")),
    Role("pad", 0.9, ("warm_pad", "polysynth", "sweep_pad", "synth_strings", "synth_brass", "bowed_glass")),
    Role("stabs", 0.4, ("synth_brass", "warm_brass", "polysynth")),
    Role("lead", 0.6, (*SYNTHS, "alto_sax", "overdriven_guitar")),
)
_AMBIENT = (
    Role("pad", 1.0, (*PADS, *STRINGS)),
    Role("pad", 0.6, (*PADS, "church_organ", "slow_strings")),
    Role(
        "arpeggio", 0.8, ("harp", "celesta", "kalimba", "crystal", "music_box", "vibraphone", "piano", "koto")
    ),
    Role("lead", 0.4, ("flute", "cello", "shakuhachi", "oboe", "calliope", "french_horn", "violin", "piano")),
)

_WALTZ = (3, 4)
_TRIPLETS = (4, 3)
_STYLES = (
    Style("pop", (84, 132), _POP, ("rock", "straight", "sixteenths", "four_floor", "ballad", "soul"),
          (*ELECTRIC, *SYNTH_BASSES), ("pulse", "syncopated", "soul", "rock", "tresillo", "held")),
    Style("rock", (92, 168), _ROCK, ("rock", "straight", "driving", "half_time", "sixteenths", "toms"),
          ("finger_bass", "picked_bass"), ("pulse", "rock", "riff", "pedal"),
          ((4, 4), (4, 4), (4, 4), _TRIPLETS), harmony="blue"),
    Style("metal", (110, 190), _METAL, ("metal", "gallop", "driving", "half_time"),
          ("picked_bass", "finger_bass"), ("sixteenths", "gallop", "pulse", "pedal")),
    Style("punk", (150, 200), _ROCK, ("punk", "driving", "rock"), ("picked_bass",), ("pulse",),
          looseness_s=0.009),
    Style("ballad", (56, 84), _BALLAD, ("ballad", "brushes", "straight", "half_time"),
          ("finger_bass", "fretless_bass", "acoustic_bass"), ("held", "halves", "tresillo", "syncopated"),
          ((4, 4), (4, 4), _WALTZ, _TRIPLETS), looseness_s=0.01),
    Style("funk", (92, 122), _FUNK, ("funk", "sixteenths", "breakbeat", "soul"),
          ("slap_bass", "pop_bass", "finger_bass", "synth_bass"), ("funk", "slap", "syncopated", "octaves"),
          swing_chance=0.4, harmony="static"),
    Style("soul", (78, 126), _FUNK, ("soul", "sixteenths", "straight", "boom_bap"),
          ("finger_bass", "pop_bass"), ("soul", "syncopated", "riff"), swing_chance=0.35, harmony="jazz"),
    Style("disco", (108, 128), _CLUB, ("disco", "four_floor"), (*ELECTRIC, *SYNTH_BASSES),
          ("octaves", "syncopated", "soul")),
    Style("house", (116, 130), _CLUB, ("house", "four_floor"), SYNTH_BASSES,
          ("offbeat", "octaves", "syncopated", "tresillo"), harmony="static", looseness_s=0.0),
    Style("techno", (122, 145), _CLUB, ("techno", "house"), SYNTH_BASSES, ("offbeat", "acid", "sixteenths"),
          harmony="static", looseness_s=0.0),
    Style("hiphop", (76, 104), _HIPHOP, ("boom_bap", "half_time", "breakbeat"),
          ("finger_bass", "acoustic_bass", *SYNTH_BASSES), ("sub", "syncopated", "riff"),
          swing_chance=0.6, harmony="jazz"),
    Style("trap", (64, 82), _HIPHOP, ("trap",), SYNTH_BASSES, ("sub", "held", "tresillo"), looseness_s=0.001),
    Style("breaks", (128, 174), _CLUB, ("breakbeat", "jungle"), SYNTH_BASSES,
          ("sub", "acid", "held", "pulse"), harmony="static", looseness_s=0.001),
    Style("electro", (100, 128), _SYNTHWAVE, ("electro", "four_floor", "straight"), SYNTH_BASSES,
          ("pulse", "octaves", "sixteenths", "acid"), looseness_s=0.0),
    Style("reggae", (66, 92), _REGGAE, ("reggae", "steppers"), ("finger_bass", "picked_bass"),
          ("reggae", "syncopated", "riff"), swing_chance=0.5),
    Style("bossa", (100, 150), _LATIN, ("bossa", "brushes"), UPRIGHT, ("bossa", "two_beat"), harmony="jazz"),
    Style("latin", (88, 112), _LATIN, ("salsa", "samba", "hand_drums"), (*UPRIGHT, "finger_bass"),
          ("tumbao", "tresillo", "bossa")),
    Style("afro", (96, 124), _POP, ("afro", "hand_drums", "samba"), ELECTRIC,
          ("syncopated", "tresillo", "riff"), harmony="static"),
    Style("jazz", (96, 220), _JAZZ, ("swing", "brushes", "bossa"), UPRIGHT,
          ("walking", "walking", "two_beat"), ((4, 4), (4, 4), (4, 4), _WALTZ), (0.2, 0.33), 0.8, "jazz",
          0.011),
    Style("country", (84, 140), _COUNTRY, ("train", "two_step", "rock"), ("acoustic_bass", "finger_bass"),
          ("two_beat", "pulse", "walking"), ((4, 4), (4, 4), _WALTZ), looseness_s=0.009),
    Style("folk", (70, 132), _FOLK, ("two_step", "hand_drums", "brushes", "march"), UPRIGHT,
          ("two_beat", "halves", "held"), ((4, 4), _WALTZ, _TRIPLETS), looseness_s=0.012),
    Style("ambient", (56, 96), _AMBIENT, ("half_time", "toms", "ballad"), (*SYNTH_BASSES, "fretless_bass"),
          ("held", "halves"), harmony="static", looseness_s=0.008),
)  # fmt: skip
STYLES = {style.name: style for style in _STYLES}
BASSES = (*ELECTRIC, *SYNTH_BASSES, *UPRIGHT)
