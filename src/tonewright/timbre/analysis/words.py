"""What the descriptors mean, and why a descriptor was chosen or left out, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tonewright.timbre.analysis.summary import Analysis
from tonewright.timbre.names import EXTRAS

# name -> what little of it sounds like, what much of it sounds like, what is measured
MEANINGS: dict[str, tuple[str, str, str]] = {
    "hardness": ("soft, padded", "struck, biting", "fast attacks and a wide, bright spectrum at them"),
    "depth": ("thin, small", "full, large", "a low centre and much energy below 500 Hz, of long decay"),
    "brightness": ("dull, muffled", "bright, brilliant", "share above 2 kHz, centre of the spectrum"),
    "roughness": ("smooth", "harsh, rattling", "partials that beat, some 30 to 70 times a second"),
    "warmth": ("cold, thin", "warm, rounded", "energy about the fundamental, highs that fall off evenly"),
    "sharpness": ("mellow", "piercing", "centre of the loudness on the Bark scale, highs weighted up"),
    "boominess": ("tight, lean", "booming", "share of the loudness below 280 Hz"),
    "reverb": ("dry", "reverberant", "0 or 1: whether decays between sounds are those of a room"),
    "reverb_probability": ("dry", "reverberant", "how likely it is reverberant; the class is 1 from 0.5"),
    "reverb_time_s": ("dry", "reverberant", "estimated time of a decay by 60 dB"),
    "loudness_lufs": ("quiet", "loud", "loudness of the sound as it came, ITU-R BS.1770"),
    "crest_db": ("dense, squeezed", "peaky", "peak over RMS"),
    "centroid_hz": ("dark", "bright", "centre of the spectrum"),
    "flatness": ("tonal", "noisy", "geometric over arithmetic mean of the spectrum"),
    "onsets_per_s": ("sustained", "busy", "onsets a second"),
}


# What a reader should know before using the figures.
LIMITS = (
    "Every descriptor but reverb is a regression on ratings by listeners, of single sounds a few seconds "
    "long, on a scale from 0 to 100. Whole mixes and speech were not what it was fitted to.",
    "Hardness was fitted to 202 sounds of 32 kinds of source: R² is .76 on those and .57 on new ones, more "
    "than a single listener reaches (Pearce, Brookes and Mason, Applied Sciences 9, 466, 2019). So one "
    "sound's value can be many points off, while the order of clearly different sounds and the means of "
    "groups hold. The models' code comes with no such figures for the others.",
    "Reverb is judged from decays between sounds and barely separates: dry recordings with long notes are "
    "often called reverberant, and the class is only whether a probability reaches one half.",
    "Correlations, the subset and the outliers are those of this set. Music and single strokes differ: on "
    "another set, descriptors that go together here may part.",
)


def subset_reasons(analysis: Analysis) -> list[tuple[str, str, str]]:
    """Each descriptor used, whether it is kept, and why, in sentences; kept ones first.

    Returns
    -------
    (name, "keep" or "leave out", why)
    """
    subset = analysis.subset
    rows = [(name, "keep", _kept(analysis, name)) for name in subset.chosen]
    rest = sorted(subset.explained.items(), key=lambda item: -item[1])
    return rows + [(name, "leave out", _left_out(analysis, name, share)) for name, share in rest]


def _kept(analysis: Analysis, name: str) -> str:
    subset = analysis.subset
    stands_for = [other for other in subset.explained if _closest(analysis, other) == name]
    lacking, share = subset.needed[name]
    words = []
    if stands_for:
        words.append(f"stands for {listed([_related(analysis, name, other) for other in stands_for])}")
    if subset.rows <= len(subset.chosen):
        words.append("too few sounds to tell whether it follows from others")
    elif len(subset.chosen) == 1:
        words.append("the others follow from it alone")
    elif lacking == name:
        little = f"only {_percent(share)}" if share >= 0.01 else "nothing"
        words.append(f"{little} of its ranking follows from the others kept")
    else:
        words.append(f"without it only {_percent(share)} of the ranking of {plain(lacking)} would follow")
    return "; ".join(words)


def _left_out(analysis: Analysis, name: str, share: float) -> str:
    closest = _closest(analysis, name)
    if len(analysis.subset.chosen) == 1:
        return f"{_percent(share)} of its ranking follows from {_related(analysis, name, closest)}"
    return (
        f"{_percent(share)} of its ranking follows from those kept; most like "
        f"{_related(analysis, name, closest)}"
    )


def _closest(analysis: Analysis, name: str) -> str:
    """The kept descriptor that goes with this one most."""
    return max(analysis.subset.chosen, key=lambda kept: abs(_rho(analysis, name, kept)))


def _related(analysis: Analysis, name: str, other: str) -> str:
    return f"{plain(other)} (ρ {signed(_rho(analysis, name, other))})"


def _rho(analysis: Analysis, first: str, second: str) -> float:
    return float(np.nan_to_num(analysis.correlations.of(first, second)))


def component_words(loadings: np.ndarray, names: Sequence[str]) -> tuple[str, str]:
    """What lies at the far and the near end of a component: its descriptors from .25 on, strongest first.

    Parameters
    ----------
    loadings : (d,) of a component
    names : of the descriptors
    """
    order = np.argsort(-np.abs(loadings), kind="stable")
    strong = [int(index) for index in order if abs(loadings[index]) >= 0.25]
    more, less = (
        listed([plain(names[index]) for index in strong if sign * loadings[index] > 0]) for sign in (1, -1)
    )
    return more, less


def plain(name: str) -> str:
    """A column's name as words, without its unit: reverb time, loudness; reverb for its probability."""
    words = {"reverb_probability": "reverb"}.get(name, name.removesuffix("_per_s"))
    for unit in ("_s", "_lufs", "_db", "_hz"):
        words = words.removesuffix(unit)
    return words.replace("_", " ")


def labelled(name: str) -> str:
    """A column's name as words with its unit, where it has one: loudness (LUFS)."""
    unit = EXTRAS.get(name)
    words = "reverb probability" if name == "reverb_probability" else plain(name)
    return f"{words} ({unit})" if unit else words


def signed(value: float) -> str:
    """A coefficient with its sign and two digits: +.93, −.61."""
    if not np.isfinite(value):
        return "–"
    text = f"{abs(value):.2f}".removesuffix(".00")
    return "0" if text == "0" else ("+" if value > 0 else "−") + text.removeprefix("0")


def _percent(share: float) -> str:
    """Rounded down, so that what misses a threshold does not read as if it reached it."""
    return f"{int(100 * share + 1e-9)} %"


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
