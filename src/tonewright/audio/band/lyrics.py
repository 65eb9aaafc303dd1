"""Words to sing: a small lexicon of syllables written as phones."""

from __future__ import annotations

import numpy as np

# word: syllables with "/" between them; a syllable is its phones with spaces between them.
_WORDS = """
    love: l AH v; night: n AY t; day: d EY; sky: s k AY; fire: f AY / ER; water: w AO / t ER;
    river: r IH / v ER; summer: s AH / m ER; morning: m AO r / n IH ng; shadow: sh AE / d OW;
    heart: h AA r t; stone: s t OW n; dream: d r IY m; dancing: d AE n / s IH ng;
    burning: b ER / n IH ng; falling: f AO / l IH ng; tonight: t UW / n AY t; away: AH / w EY;
    believe: b IH / l IY v; again: AH / g EH n; remember: r IY / m EH m / b ER;
    forever: f AO / r EH / v ER; lonely: l OW n / l IY; city: s IH / t IY; paper: p EY / p ER;
    silver: s IH l / v ER; golden: g OW l / d EH n; you: y UW; me: m IY; I: AY; we: w IY; they: dh EY;
    no: n OW; oh: OW; ah: AA; hey: h EY; yeah: y EH; the: dh AH; and: AE n d; of: AH v; to: t UW;
    in: IH n; my: m AY; your: y AO r; all: AO l; know: n OW; see: s IY; feel: f IY l; hold: h OW l d;
    come: k AH m; take: t EY k; keep: k IY p; gone: g AO n; home: h OW m; rain: r EY n; light: l AY t;
    lights: l AY t s; moon: m UW n; sun: s AH n; star: s t AA r; road: r OW d; sea: s IY;
    sound: s AW n d; down: d AW n; now: n AW; voice: v OY s; boy: b OY; girl: g ER l; kiss: k IH s;
    choose: ch UW z; just: j AH s t; change: ch EY n j; time: t AY m; blue: b l UW; free: f r IY;
    fly: f l AY; breathe: b r IY dh; wish: w IH sh; could: k UH d; good: g UH d; season: s IY / z EH n;
    people: p IY / p EH l; body: b AA / d IY; secret: s IY / k r EH t; baby: b EY / b IY;
    window: w IH n / d OW; only: OW n / l IY; million: m IH l / y EH n; never: n EH / v ER;
    over: OW / v ER; under: AH n / d ER; into: IH n / t UW;
"""


def _lexicon(text: str) -> dict[str, tuple[str, ...]]:
    entries = (entry.split(":") for entry in text.strip(" ;\n").split(";"))
    return {word.strip(): tuple(part.strip() for part in sound.split("/")) for word, sound in entries}


LEXICON: dict[str, tuple[str, ...]] = _lexicon(_WORDS)

_SMALL = ("the", "and", "of", "to", "in", "my", "your", "I", "we", "you", "they", "all", "just", "no", "now")
_STRONG = tuple(word for word in LEXICON if word not in _SMALL)


def draw_syllables(count: int, rng: np.random.Generator) -> list[tuple[str, tuple[str, ...]]]:
    """A line of exactly ``count`` syllables as (word or "" within a word, phones).

    Small words and strong ones take turns, and a line ends on a strong one.
    """
    line: list[tuple[str, tuple[str, ...]]] = []
    small = bool(rng.random() < 0.6)
    while len(line) < count:
        left = count - len(line)
        pool = _SMALL if small and left > 1 else _STRONG
        fitting = [word for word in pool if len(LEXICON[word]) <= left]
        word = fitting[int(rng.integers(len(fitting)))]
        for place, syllable in enumerate(LEXICON[word]):
            line.append((word if place == 0 else "", tuple(syllable.split())))
        small = not small if rng.random() < 0.8 else small
    return line
