"""How much of a sound is percussive: what stands out along time against what stands out along frequency.

D. FitzGerald, "Harmonic/percussive separation using median filtering", DAFx 2010: with medians of magnitudes
over 31 frames (h) and over 31 bins (p), the percussive part of a spectrum is its product with the mask
p² / (p² + h²). The harmonic part is the rest, in time as well. Of either only the energy of each hop is kept.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit

from tonewright.timbre.lane_fourier import factors, places, transform
from tonewright.timbre.lanes import CALLED, LANES, OPTIONS, instructions, load, root, spread, store, where
from tonewright.timbre.medians import REACH, fill_medians
from tonewright.timbre.names import UnmeasurableError
from tonewright.timbre.spectra import BINS, FRAME, HOP, OVERLAP, PAIR, hann_window, hops, join
from tonewright.timbre.turning import rows_to_lanes

# A row of levels, in whole vectors.
_WIDE = -(-BINS // LANES) * LANES
_ODD = np.float32(0.5)
_NOTHING = np.float32(0)


def percussive_share(spectrum: np.ndarray, samples: np.ndarray) -> float:
    """Σ percussive / Σ (percussive + harmonic), over the RMS of blocks of 1024 samples every 512.

    Parameters
    ----------
    spectrum : (frames, 1025) complex64, from `centred_spectrum` of the samples
    samples : (time,)

    Raises
    ------
    UnmeasurableError
        If the sound is shorter than a hop, or silent.
    """
    energies = part_energies(spectrum, samples)
    if energies.shape[1] > 1:
        energies = energies[:, :-1] + energies[:, 1:]
    percussive, harmonic = np.sqrt(energies).sum(axis=1)
    if not percussive + harmonic > 0:
        raise UnmeasurableError("too short for a percussive part: fewer than 512 samples")
    return float(percussive / (percussive + harmonic))


def part_energies(spectrum: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Energy of the percussive and of the harmonic part in each hop of 512 samples.

    Parameters
    ----------
    spectrum, samples : as for `percussive_share`

    Returns
    -------
    (2, frames − 1) float64
    """
    frames = spectrum.shape[0]
    before = OVERLAP // 2
    energies = np.zeros((2, (frames // PAIR + 1) * PAIR), dtype=np.float32)
    rows = np.ascontiguousarray(spectrum, dtype=np.complex64).view(np.float32)
    sound = hops(samples, energies.shape[1], lead=before * HOP)
    _part_energies(rows, sound, hann_window(), factors(FRAME), _backward_places(), _room(), energies)
    return energies[:, before : frames + 1].astype(np.float64)


def _backward_places() -> np.ndarray:
    """Where the transform of a spectrum leaves each sample of its frame, which come in reverse order."""
    return places(FRAME)[-np.arange(FRAME) % FRAME]


class _Room(NamedTuple):
    """What 32 frames at a time are worked on in, all float32.

    Attributes
    ----------
    levels : (62, bins) magnitudes of the frames and of 15 before and after them
    around : (bins + 30, LANES) magnitudes of 16 frames, mirrored at both ends
    by_row : (16, bins) medians along time
    along_time, along_bins : (bins, LANES) medians
    lanes : (2, 2 · bins, LANES) spectra
    work : (2048, 2, LANES)
    before : (2048, LANES) the windowed frames before, at first none
    there : (4, LANES) which frames of a hop there are
    """

    levels: np.ndarray
    around: np.ndarray
    by_row: np.ndarray
    along_time: np.ndarray
    along_bins: np.ndarray
    lanes: np.ndarray
    work: np.ndarray
    before: np.ndarray
    there: np.ndarray


def _room() -> _Room:
    shapes = (
        (PAIR + 2 * REACH, _WIDE),
        (_WIDE + 2 * REACH, LANES),
        (LANES, _WIDE),
        (_WIDE, LANES),
        (_WIDE, LANES),
        (2, 2 * BINS, LANES),
        (FRAME, 2, LANES),
        (FRAME, LANES),
        (OVERLAP, LANES),
    )
    return _Room(*(np.zeros(shape, dtype=np.float32) for shape in shapes))


@njit(**OPTIONS)
def _part_energies(
    rows: np.ndarray,
    sound: np.ndarray,
    window: np.ndarray,
    rotations: np.ndarray,
    place: np.ndarray,
    room: _Room,
    energies: np.ndarray,
) -> None:
    """32 frames at a time; the hop with which frame t begins, in `sound` and in `energies`, is t."""
    frames = rows.shape[0]
    for first in range(0, frames + 1, PAIR):
        _read_levels(rows, first, room.levels)
        for half in range(2):
            part = room.lanes[half]
            rows_to_lanes(rows[first + half * LANES :], part)
            _levels_in_lanes(part, room.around)
            fill_medians(room.around, room.along_bins)
            fill_medians(room.levels[half * LANES :], room.by_row)
            rows_to_lanes(room.by_row, room.along_time)
            _mask(room.along_bins, room.along_time, part)
        join(room.lanes, room.work)
        transform(room.work, rotations)
        _add_energies(room.work, room.before, place, window, sound, first, frames, room.there, energies)


@njit(**CALLED)
def _read_levels(rows: np.ndarray, first: int, levels: np.ndarray) -> None:
    """Magnitudes of frames `first` − 15 … `first` + 46, mirrored at both ends of the sound."""
    frames, kept = rows.shape[0], 0
    if first:
        kept = 2 * REACH
        for at in range(0, kept * _WIDE, LANES):
            store(levels, at, load(levels, at + PAIR * _WIDE))
    for row in range(kept, levels.shape[0]):
        frame = (first - REACH + row) % (2 * frames)
        frame = min(frame, 2 * frames - 1 - frame)
        for k in range(BINS):
            real, imaginary = rows[frame, 2 * k], rows[frame, 2 * k + 1]
            levels[row, k] = np.sqrt(real * real + imaginary * imaginary)


@njit(**CALLED)
def _levels_in_lanes(lanes: np.ndarray, around: np.ndarray) -> None:
    """Magnitudes of 16 frames, mirrored by 15 bins at both ends: (bins + 30, LANES)."""
    for k in range(BINS):
        real, imaginary = load(lanes, 2 * k * LANES), load(lanes, (2 * k + 1) * LANES)
        store(around, (k + REACH) * LANES, root(real * real + imaginary * imaginary))
    last = REACH + BINS - 1
    for k in range(REACH):
        store(around, (REACH - 1 - k) * LANES, load(around, (REACH + k) * LANES))
        store(around, (last + 1 + k) * LANES, load(around, (last - k) * LANES))


@njit(**CALLED)
def _mask(along_bins: np.ndarray, along_time: np.ndarray, lanes: np.ndarray) -> None:
    """Leave the percussive part: p² / (p² + h²) of each bin, half of it where both are 0."""
    for k in range(BINS):
        p, h = load(along_bins, k * LANES), load(along_time, k * LANES)
        p = p * p
        both = p + h * h
        share = where(both > spread(_NOTHING), p / both, spread(_ODD))
        at = 2 * k * LANES
        store(lanes, at, load(lanes, at) * share)
        store(lanes, at + LANES, load(lanes, at + LANES) * share)


def _delay(frames: int) -> Any:
    """A function (before, now) of two vectors of 16 frames that follow each other: `now`, so much later."""

    @instructions
    def delayed(typingctx, before, now):  # type: ignore[no-untyped-def]
        def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
            lanes = list(range(LANES - frames, 2 * LANES - frames))
            return builder.shuffle_vector(*args, ir.Constant(ir.VectorType(ir.IntType(32), LANES), lanes))

        return now(before, now), generate

    return delayed


_delay_1, _delay_2, _delay_3 = _delay(1), _delay(2), _delay(3)


@njit(**CALLED)
def _add_energies(
    work: np.ndarray,
    before: np.ndarray,
    place: np.ndarray,
    window: np.ndarray,
    sound: np.ndarray,
    first: int,
    frames: int,
    there: np.ndarray,
    energies: np.ndarray,
) -> None:
    """Add windowed frames over the sum of squared windows; energies of that, and of the sound without it.

    `before` holds the 16 frames that precede those of `work`, and is left as the next call needs it.
    """
    for begin in range(first, first + PAIR, LANES):
        part = (begin - first) // LANES * LANES
        for late in range(OVERLAP):
            for lane in range(LANES):
                there[late, lane] = FRAME if 0 <= begin + lane - late < frames else 0
        percussive, harmonic = spread(_NOTHING), spread(_NOTHING)
        for j in range(HOP):
            total, squares = spread(_NOTHING), spread(_NOTHING)
            for late in range(OVERLAP):
                n = late * HOP + j
                weight = spread(window[n])
                now, earlier = load(work, place[n] * PAIR + part) * weight, load(before, n * LANES)
                store(before, n * LANES, now)
                if late == 1:
                    now = _delay_1(earlier, now)
                elif late == 2:
                    now = _delay_2(earlier, now)
                elif late == 3:
                    now = _delay_3(earlier, now)
                total += now
                squares += load(there, late * LANES) * weight * weight
            total = total / squares
            rest = load(sound, j * sound.shape[1] + begin) - total
            percussive += total * total
            harmonic += rest * rest
        store(energies, begin, percussive)
        store(energies, energies.shape[1] + begin, harmonic)
