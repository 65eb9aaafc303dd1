"""Who plays where there are no drums: quartets, winds, orchestras, duos, soloists. Data only.

Double basses and bass guitars are left out: they belong to the stem "bass".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ensemble:
    """A small ensemble.

    Parameters
    ----------
    name : such as "quartet"
    players : for every player, from high to low, the instruments of which one is drawn
    tempo_bpm : slowest and fastest
    harmony : as for `Style`
    """

    name: str
    players: tuple[tuple[str, ...], ...]
    tempo_bpm: tuple[float, float] = (60.0, 132.0)
    harmony: str = "classical"


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _players(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(_names(part) for part in text.split("|"))


_PLUCKED = "nylon_guitar steel_guitar jazz_guitar koto sitar banjo dulcimer shamisen"
_KEYBOARDS = "piano harpsichord church_organ celesta rhodes harp accordion reed_organ"
_SINGERS = (
    "violin viola cello fiddle flute oboe english_horn clarinet bassoon recorder trumpet muted_trumpet "
    "trombone french_horn soprano_sax alto_sax tenor_sax baritone_sax harmonica shakuhachi pan_flute shanai "
    "ocarina overdriven_guitar distorted_guitar square_lead saw_lead calliope bagpipe tuba"
)
POLYPHONIC = _names(
    "piano bright_piano electric_grand honky_tonk rhodes tine_piano harpsichord clavinet celesta music_box "
    "vibraphone marimba dulcimer church_organ drawbar_organ reed_organ accordion bandoneon nylon_guitar "
    "steel_guitar jazz_guitar clean_guitar harp koto sitar banjo kalimba warm_pad polysynth steel_drums"
)
DUO = (_names(_SINGERS), _names(f"{_KEYBOARDS} {_PLUCKED} cello marimba vibraphone"))
SOLO = (*_names(_SINGERS), *_names(_SINGERS), *POLYPHONIC, "xylophone", "glockenspiel", "piccolo")

_ENSEMBLES = (
    Ensemble("quartet", _players("violin | violin | viola | cello")),
    Ensemble("strings", _players("violin strings | strings tremolo_strings pizzicato | viola | cello")),
    Ensemble("winds", _players("flute piccolo | oboe | clarinet english_horn | french_horn | bassoon")),
    Ensemble("brass", _players("trumpet | trumpet muted_trumpet | french_horn | trombone | tuba")),
    Ensemble("saxes", _players("soprano_sax | alto_sax | tenor_sax | baritone_sax"), harmony="jazz"),
    Ensemble("recorders", _players("recorder | recorder flute | recorder clarinet | bassoon")),
    Ensemble("trio", _players("violin flute clarinet | cello viola french_horn | piano harp")),
    Ensemble("baroque", _players("violin recorder oboe | violin flute | cello bassoon | harpsichord")),
    Ensemble(
        "orchestra",
        _players(
            "flute violin | oboe clarinet | strings | french_horn brass_section | harp pizzicato celesta"
            " | cello tuba timpani"
        ),
    ),
    Ensemble(
        "mallets",
        _players("glockenspiel xylophone music_box | vibraphone steel_drums | marimba"),
        (84.0, 160.0),
        "static",
    ),
    Ensemble(
        "guitars",
        _players(f"{_PLUCKED} | {_PLUCKED} | nylon_guitar steel_guitar jazz_guitar"),
        harmony="plain",
    ),
    Ensemble(
        "synths",
        _players("saw_lead square_lead crystal | polysynth brightness | warm_pad sweep_pad | synth_brass"),
        (70.0, 130.0),
        "static",
    ),
    Ensemble("keyboards", _players(f"{_KEYBOARDS} | piano church_organ electric_grand")),
    Ensemble(
        "winds_and_harp",
        _players(
            "flute oboe clarinet recorder pan_flute ocarina piccolo | clarinet english_horn viola | harp"
        ),
    ),
)
ENSEMBLES = {ensemble.name: ensemble for ensemble in _ENSEMBLES}
