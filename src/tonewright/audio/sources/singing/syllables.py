"""Where the syllables of speech are.

After P. Mermelstein, "Automatic segmentation of speech into syllabic units", J. Acoust. Soc. Am. 58, 1975,
and N. H. de Jong, T. Wempe, "Praat script to detect syllable nuclei and measure speech rate automatically",
Behavior Research Methods 41, 2009: a syllable is a peak of voiced energy between two dips.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage, signal

from tonewright.audio.sources.singing.score import NoVoiceError
from tonewright.audio.sources.singing.world import FRAME_S, Voice

_BAND_HZ = (200.0, 4000.0)
_SMOOTHING_S = 0.035
_APART_S = 0.11
_DIP_DB = 1.5
_WEAKEST_DB = 25.0  # below the loudest
_NUCLEUS_DB = 12.0
_PAUSE_DB = 38.0  # below the loudest
_PAUSE_S = 0.12
_LONGEST_SIDE_S = 0.3
_LATE_DB = 12.0
_SHORTEST_NUCLEUS_S = 0.03


@dataclass(frozen=True, slots=True)
class Syllable:
    """Frames of a syllable: what comes before the vowel, the vowel, what comes after it.

    Parameters
    ----------
    start : first frame of its consonants
    vowel_start, vowel_end : what may be stretched
    end : one after its last frame
    pause : frames of silence between it and the next, 0 where the next follows at once
    """

    start: int
    vowel_start: int
    vowel_end: int
    end: int
    pause: int


def find_syllables(voice: Voice) -> tuple[Syllable, ...]:
    """The syllables of a voice, in order.

    Peaks of voiced energy between 200 Hz and 4 kHz at least 110 ms apart, cut at the valleys. A vowel is
    what is voiced and within 12 dB of its peak. Long silence belongs to no syllable.

    Raises
    ------
    NoVoiceError
        If there are none.
    """
    vowels = _vowels(level_of_vowels_db(voice), voice.voiced)
    if not vowels:
        raise NoVoiceError("there are no syllables in the sound")
    # The energy of an s lies above that of vowels: it is neither a pause nor a dip.
    level_db = _band_level_db(voice, _BAND_HZ[0], voice.sample_rate / 2)
    smooth = _smooth(level_db)
    loudest = max(smooth[first:last].max() for first, last in vowels)
    quiet = _long_runs(level_db < loudest - _PAUSE_DB, round(_PAUSE_S / FRAME_S))
    ends, starts, pauses = [], [_leading(quiet, vowels[0][0])], []
    for (_, vowel_end), (vowel_start, _) in pairwise(vowels):
        end, start = _cut(smooth, quiet, vowel_end, vowel_start)
        ends.append(end)
        starts.append(start)
        pauses.append(start - end)
    ends.append(_trailing(quiet, vowels[-1][1]))
    pauses.append(0)
    return tuple(
        Syllable(start, vowel_start, vowel_end, end, pause)
        for start, (vowel_start, vowel_end), end, pause in zip(starts, vowels, ends, pauses, strict=True)
    )


def level_of_vowels_db(voice: Voice) -> np.ndarray:
    """(time,) energy where vowels have theirs, 200 Hz to 4 kHz, in dB."""
    return _band_level_db(voice, *_BAND_HZ)


def _band_level_db(voice: Voice, low_hz: float, high_hz: float) -> np.ndarray:
    low, high = np.searchsorted(voice.frequencies_hz, (low_hz, high_hz))
    return 10 * np.log10(np.exp(voice.envelope[:, low:high]).sum(axis=1))


def _vowels(level_db: np.ndarray, voiced: np.ndarray) -> list[tuple[int, int]]:
    """First frame and one after the last of every vowel."""
    if not voiced.any():
        return []
    floor = level_db[voiced].max() - _WEAKEST_DB
    # Silence is no deeper than the floor before smoothing, or it would eat into vowels beside it.
    level_db = _smooth(np.maximum(level_db, floor))
    sonority = np.where(voiced, level_db, floor)
    padded = np.pad(sonority, 1, constant_values=floor)
    peaks = signal.find_peaks(padded, distance=round(_APART_S / FRAME_S), prominence=_DIP_DB)[0] - 1
    vowels = []
    for number, peak in enumerate(peaks):
        left = peaks[number - 1] + np.argmin(sonority[peaks[number - 1] : peak]) if number else 0
        right = len(sonority)
        if number + 1 < len(peaks):
            right = peak + np.argmin(sonority[peak : peaks[number + 1]])
        loud = voiced & (level_db > max(level_db[peak] - _NUCLEUS_DB, floor))
        first, last = _run_around(loud, peak, int(left), int(right))
        if (last - first) * FRAME_S >= _SHORTEST_NUCLEUS_S:
            vowels.append((first, last))
    return vowels


def _smooth(level_db: np.ndarray) -> np.ndarray:
    return ndimage.gaussian_filter1d(level_db, _SMOOTHING_S / FRAME_S / 2)


def _run_around(kept: np.ndarray, peak: int, left: int, right: int) -> tuple[int, int]:
    """The unbroken run of true values around a peak, inside left … right."""
    before = np.flatnonzero(~kept[left:peak])
    after = np.flatnonzero(~kept[peak:right])
    first = left + before[-1] + 1 if len(before) else left
    last = peak + after[0] if len(after) else right
    return int(first), int(last)


def _long_runs(flags: np.ndarray, shortest: int) -> np.ndarray:
    """Flags without runs shorter than `shortest`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    kept = np.zeros(len(flags), dtype=bool)
    for first, last in edges.reshape(-1, 2):
        if last - first >= shortest:
            kept[first:last] = True
    return kept


def _cut(level_db: np.ndarray, quiet: np.ndarray, first: int, last: int) -> tuple[int, int]:
    """Where, between two vowels, the first syllable ends and the second begins."""
    longest = round(_LONGEST_SIDE_S / FRAME_S)
    silent = np.flatnonzero(quiet[first:last])
    if len(silent):
        return min(first + int(silent[0]), first + longest), max(first + int(silent[-1]) + 1, last - longest)
    if last - first > 2 * longest:
        return first + longest, last - longest
    if last == first:
        return first, first
    # A consonant between vowels belongs to the second; only a clear dip, as of a closed mouth, comes first.
    late = np.linspace(0.0, _LATE_DB, last - first)
    lowest = first + int(np.argmin(level_db[first:last] + late))
    return lowest, lowest


def _leading(quiet: np.ndarray, vowel_start: int) -> int:
    """Where the consonants before the first vowel begin."""
    earliest = max(0, vowel_start - round(_LONGEST_SIDE_S / FRAME_S))
    silent = np.flatnonzero(quiet[earliest:vowel_start])
    return earliest + int(silent[-1]) + 1 if len(silent) else earliest


def _trailing(quiet: np.ndarray, vowel_end: int) -> int:
    """Where the consonants after the last vowel end."""
    latest = min(len(quiet), vowel_end + round(_LONGEST_SIDE_S / FRAME_S))
    silent = np.flatnonzero(quiet[vowel_end:latest])
    return vowel_end + int(silent[0]) if len(silent) else latest
