"""Drum kits: pieces, the keys they lie on, and what a recording's file name says of it."""

from __future__ import annotations

import re

# General MIDI Level 1 percussion keys; the first is what is played, others alternate with it.
GM_KEYS = {
    "kick": (36, 35), "snare": (38, 40), "rim": (37,), "clap": (39,), "hat": (42,), "pedal_hat": (44,),
    "open_hat": (46,), "tom_low": (43, 41), "tom_mid": (47, 45), "tom_high": (50, 48), "crash": (49, 57),
    "ride": (51, 59), "bell": (53,), "splash": (55,), "tambourine": (54,), "cowbell": (56,),
    "shaker": (70, 82), "conga_high": (63,), "conga_low": (64,), "clave": (75,), "block": (76,),
    "triangle": (81,),
}  # fmt: skip
# The kits of avldrums (their samples are named by key): one rack tom, two ways to open the hat.
AVL_KEYS = {
    "kick": (36,), "snare": (38, 40), "rim": (37,), "clap": (39,), "hat": (42,), "pedal_hat": (44,),
    "open_hat": (46, 48), "tom_low": (41, 43), "tom_mid": (45,), "tom_high": (47,), "crash": (49, 57),
    "ride": (51, 59), "bell": (53,), "splash": (55,), "tambourine": (54,), "cowbell": (56,), "shaker": (64,),
}  # fmt: skip

# What is struck where a kit lacks a piece, nearest first; nothing where that is missing as well.
SUBSTITUTES = {
    "rim": ("snare",),
    "clap": ("snare", "rim"),
    "pedal_hat": ("hat",),
    "open_hat": ("hat", "ride"),
    "hat": ("pedal_hat", "ride", "shaker"),
    "ride": ("hat", "bell"),
    "bell": ("ride", "cowbell"),
    "crash": ("splash", "ride", "open_hat"),
    "splash": ("crash",),
    "tom_high": ("tom_mid", "tom_low"),
    "tom_mid": ("tom_high", "tom_low"),
    "tom_low": ("tom_mid", "tom_high"),
    "shaker": ("tambourine", "hat"),
    "tambourine": ("shaker", "hat"),
    "cowbell": ("block", "bell", "rim"),
    "conga_high": ("tom_high", "tom_mid"),
    "conga_low": ("tom_low", "tom_mid"),
    "clave": ("rim", "block"),
    "block": ("clave", "rim"),
    "triangle": ("bell", "ride"),
}
PIECES = tuple(GM_KEYS)

# The first pattern found in a file's name decides, so that "Snare-Rim" is a rim and "CrashRide-Bell" a bell.
_PIECE_PATTERNS = tuple(
    (piece, re.compile(pattern, re.IGNORECASE))
    for piece, pattern in (
        ("rim", r"rim|stick|click|^rs_"),
        ("bell", r"ride.*(bell|cup)"),
        ("clap", r"clap"),
        ("open_hat", r"(hat|hh|hihat).*(op|swish|semi)|open.*(hat|hh)|^ho_|ohh"),
        ("pedal_hat", r"(hat|hh).*(ped|pd|foot)|pedal"),
        ("hat", r"hat|(^|[^a-z])c?hh|^hc_"),
        ("ride", r"(^|[^h])ride|(^|[^a-z])r[dc]\d?([^a-z]|$)"),
        ("splash", r"splash"),
        ("crash", r"crash|china|cymbal|^cc_"),
        ("kick", r"kick|bass-?_?drum|(^|[^a-z])bd\d?([^a-z]|$)"),
        ("snare", r"snare|(^|[^a-z])s[nd]?\d?[_-]"),
        ("tom_low", r"floor|tom[ _-]?(lo|0?3)|(^|[^a-z])(tm2|ft)_"),
        ("tom_high", r"tom[ _-]?(hi|h$|h[^a-z]|small|0?1)|(^|[^a-z])(tm|t1)_"),
        ("tom_mid", r"(?<!s)tom|(^|[^a-z])t2_"),
        ("tambourine", r"tamb"),
        ("shaker", r"shaker|maraca|cabasa"),
        ("cowbell", r"cow-?bell|agogo|(^|[^a-z])cb\d?_"),
        ("conga_high", r"conga.*(1|hi)|bongo.*(1|hi)"),
        ("conga_low", r"conga|bongo|djembe|timbal"),
        ("clave", r"clave|wood"),
        ("triangle", r"triangle"),
    )
)
_TAKE = re.compile(r"([ _-]?(\d+|soft(est)?|med|hard(est)?|normal))+$", re.IGNORECASE)


def piece_of(file: str) -> str | None:
    """The piece of the kit that a recording's file name speaks of, "Kick-3.wav" or "hihat-open-1.flac"."""
    return next((piece for piece, pattern in _PIECE_PATTERNS if pattern.search(_stem(file))), None)


def drum_of(file: str) -> str:
    """The file's name without what tells its takes apart: "SnareOff" for "SnareOff-3.wav"."""
    return _TAKE.sub("", _stem(file))


def _stem(file: str) -> str:
    return re.split(r"[/:]", file)[-1].rsplit(".", 1)[0]


def struck(piece: str, there: frozenset[str]) -> str | None:
    """The piece that is struck for `piece` on a kit with the pieces `there`; None where nothing will do."""
    if piece in there:
        return piece
    return next((other for other in SUBSTITUTES.get(piece, ()) if other in there), None)
