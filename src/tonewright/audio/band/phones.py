"""Vowels and consonants as formants, voicing and noise, for an average man's vocal tract."""

from __future__ import annotations

from dataclasses import dataclass

VOWELS: dict[str, tuple[float, float, float]] = {
    "IY": (290, 2250, 2950), "IH": (400, 1950, 2550), "EH": (550, 1800, 2500), "AE": (680, 1680, 2430),
    "AA": (730, 1120, 2480), "AO": (570, 860, 2430), "UH": (450, 1050, 2280), "UW": (320, 900, 2260),
    "AH": (630, 1220, 2430), "ER": (480, 1350, 1720),
}  # fmt: skip

DIPHTHONGS: dict[str, tuple[str, str]] = {
    "AY": ("AA", "IY"),
    "EY": ("EH", "IY"),
    "OW": ("AO", "UW"),
    "AW": ("AA", "UW"),
    "OY": ("AO", "IY"),
}


@dataclass(frozen=True, slots=True)
class Consonant:
    """How a consonant sounds.

    Parameters
    ----------
    kind : fricative, plosive, nasal or glide
    seconds : usual length
    voicing : level of the voice, 0 … 1
    formants : (F1, F2, F3) in Hz, the places that vowels bend towards
    noise_hz, noise_octaves, noise : centre, width and level of the friction or burst
    zero_hz : antiformant of a nasal, 0 for none
    """

    kind: str
    seconds: float
    voicing: float
    formants: tuple[float, float, float]
    noise_hz: float = 2000.0
    noise_octaves: float = 1.0
    noise: float = 0.0
    zero_hz: float = 0.0


_LABIAL, _ALVEOLAR, _PALATAL, _VELAR = (
    (300, 900, 2250),
    (320, 1720, 2600),
    (300, 2000, 2550),
    (300, 1950, 2300),
)

CONSONANTS: dict[str, Consonant] = {
    "p": Consonant("plosive", 0.095, 0.0, _LABIAL, 1100, 1.5, 0.35),
    "t": Consonant("plosive", 0.090, 0.0, _ALVEOLAR, 4800, 0.8, 0.60),
    "k": Consonant("plosive", 0.095, 0.0, _VELAR, 2100, 0.7, 0.55),
    "b": Consonant("plosive", 0.065, 0.14, _LABIAL, 900, 1.4, 0.20),
    "d": Consonant("plosive", 0.060, 0.14, _ALVEOLAR, 4200, 0.9, 0.32),
    "g": Consonant("plosive", 0.065, 0.14, _VELAR, 1900, 0.7, 0.30),
    "ch": Consonant("plosive", 0.120, 0.0, _PALATAL, 3400, 0.6, 0.55),
    "j": Consonant("plosive", 0.090, 0.12, _PALATAL, 3200, 0.6, 0.38),
    "s": Consonant("fricative", 0.120, 0.0, _ALVEOLAR, 7800, 0.5, 0.85),
    "z": Consonant("fricative", 0.085, 0.25, _ALVEOLAR, 7400, 0.5, 0.45),
    "sh": Consonant("fricative", 0.115, 0.0, _PALATAL, 3700, 0.6, 0.6),
    "f": Consonant("fricative", 0.095, 0.0, _LABIAL, 7000, 1.5, 0.16),
    "v": Consonant("fricative", 0.065, 0.40, _LABIAL, 6000, 1.5, 0.07),
    "dh": Consonant("fricative", 0.050, 0.42, (320, 1400, 2550), 6000, 1.3, 0.06),
    "h": Consonant("fricative", 0.075, 0.0, (550, 1400, 2450), 2200, 2.0, 0.05),
    "m": Consonant("nasal", 0.080, 0.50, (260, 1050, 2200), zero_hz=820),
    "n": Consonant("nasal", 0.075, 0.50, (270, 1500, 2500), zero_hz=1350),
    "ng": Consonant("nasal", 0.090, 0.48, (280, 1900, 2300), zero_hz=2300),
    "l": Consonant("glide", 0.070, 0.62, (340, 1050, 2700)),
    "r": Consonant("glide", 0.070, 0.62, (340, 1150, 1600)),
    "w": Consonant("glide", 0.075, 0.60, (300, 650, 2200)),
    "y": Consonant("glide", 0.065, 0.62, (280, 2250, 2950)),
}


def is_vowel(phone: str) -> bool:
    """Whether a phone carries the note."""
    return phone in VOWELS or phone in DIPHTHONGS
