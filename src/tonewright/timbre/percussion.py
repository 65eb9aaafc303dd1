"""What of a sound is percussive: what stands out along time against what stands out along frequency.

D. FitzGerald, "Harmonic/percussive separation using median filtering", DAFx 2010: with medians of magnitudes
over 31 frames (h) and over 31 bins (p), the percussive part of a spectrum is its product with the mask
p² / (p² + h²). The harmonic part is the rest, in time as well. Of either only the energy of each hop is kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit

from tonewright.timbre.lane_formulas import Lane, formula
from tonewright.timbre.lane_fourier import factors, places, transform
from tonewright.timbre.lanes import LANES, OPTIONS, instructions, load, root, spread, store
from tonewright.timbre.medians import REACH, fill_medians, mirrored
from tonewright.timbre.spectra import BINS, FRAME, HOP, OVERLAP, PAIR, hann_window, hops, lay_frames
from tonewright.timbre.turning import turn_all

# Bins in whole vectors. Rows of levels: of 32 frames, of the 32 before them, and of 15 more.
_WIDE = -(-BINS // LANES) * LANES
_ROWS = REACH + 2 * PAIR
_NOTHING = np.float32(0)


class Parts(NamedTuple):
    """A sound in two parts.

    Attributes
    ----------
    percussive, harmonic : (time // 512,) float64, energy of each part in each hop of 512 samples
    power : (1025,) float64, power spectrum of centred Hann frames of 2048 samples, summed over the frames
    """

    percussive: np.ndarray
    harmonic: np.ndarray
    power: np.ndarray


class _Room(NamedTuple):
    """Where 32 frames at a time are worked on, all float32; frames stand side by side but for rows of levels.

    Attributes
    ----------
    work : (2048, 2, LANES) frames and transforms
    spectra : (2, 2 · bins, PAIR) real and imaginary parts in turn, of these frames and of those before
    around : (bins + 30, PAIR) magnitudes, mirrored at both ends
    along_bins : (2, bins, PAIR) medians, of these frames and of those before
    levels : (79, bins) magnitudes by frame
    by_frame, along_time : (PAIR, bins) and (bins, PAIR) medians
    before : (2048, LANES) the sixteen windowed frames of the percussive part before
    power : (bins, LANES) summed over frames as far as they share a lane
    """

    work: np.ndarray
    spectra: np.ndarray
    around: np.ndarray
    along_bins: np.ndarray
    levels: np.ndarray
    by_frame: np.ndarray
    along_time: np.ndarray
    before: np.ndarray
    power: np.ndarray


def parts(samples: np.ndarray) -> Parts:
    """The percussive and the harmonic part of a sound, hop by hop.

    Parameters
    ----------
    samples : (time,)
    """
    frames = 1 + samples.size // HOP
    count = (frames // PAIR + 1) * PAIR
    sound = hops(samples, count + OVERLAP, lead=FRAME // 2)
    # The spectra of frames that begin before the sound or after its last hop are not taken.
    present = np.zeros(OVERLAP + count, dtype=np.float32)
    present[OVERLAP : OVERLAP + frames] = 1
    energies = np.zeros((2, count), dtype=np.float32)
    room = _room()
    # The medians of frames need the 15 after them: each 32 are done when the next are there.
    for first in range(0, count + 1, PAIR):
        # In two pieces that do not overlap.
        room.levels[:PAIR] = room.levels[PAIR : 2 * PAIR]
        room.levels[PAIR : PAIR + REACH] = room.levels[2 * PAIR :]
        if first < frames:
            _read_frames(sound, first, present, room)
        if first:
            _take_apart(sound, first - PAIR, frames, present, room, energies)
    percussive, harmonic = energies[:, OVERLAP // 2 : frames + 1].astype(np.float64)
    return Parts(percussive, harmonic, room.power.sum(axis=1, dtype=np.float64))


def _room() -> _Room:
    shapes = (
        (FRAME, 2, LANES),
        (2, 2 * BINS, PAIR),
        (_WIDE + 2 * REACH, PAIR),
        (2, _WIDE, PAIR),
        (_ROWS, _WIDE),
        (PAIR, _WIDE),
        (_WIDE, PAIR),
        (FRAME, LANES),
        (BINS, LANES),
    )
    return _Room(*(np.zeros(shape, dtype=np.float32) for shape in shapes))


def _read_frames(sound: np.ndarray, first: int, present: np.ndarray, room: _Room) -> None:
    """Spectra of 32 frames, their medians along bins, and their magnitudes in the last rows of levels."""
    turn_of = first // PAIR % 2
    lay_frames(sound, hann_window() / 2, first, room.work)
    transform(room.work, factors(FRAME))
    _separate(room.work, places(FRAME), first, present, room.spectra[turn_of], room.around, room.power)
    fill_medians(room.around, room.along_bins[turn_of])
    turn_all(room.around[REACH : REACH + _WIDE], room.levels[REACH + PAIR :])


def _take_apart(
    sound: np.ndarray, first: int, frames: int, present: np.ndarray, room: _Room, energies: np.ndarray
) -> None:
    """Add the energies of 32 frames, whose magnitudes stand in the rows of levels from the 16th on.

    The hop with which frame t begins, in `sound` and in `energies`, is t.
    """
    turn_of = first // PAIR % 2
    numbers = np.arange(first - REACH, min(first + PAIR, frames) + REACH)
    outside = np.flatnonzero((numbers < 0) | (numbers >= frames))
    if outside.size:
        room.levels[outside] = room.levels[mirrored(numbers[outside], frames) - first + REACH]
    fill_medians(room.levels, room.by_frame)
    turn_all(room.by_frame, room.along_time)
    _join_percussive(room.spectra[turn_of], room.along_bins[turn_of], room.along_time, room.work)
    transform(room.work, factors(FRAME))
    _add_energies(room.work, room.before, _backward_places(), hann_window(), sound, first, present, energies)


@lru_cache(maxsize=1)
def _backward_places() -> np.ndarray:
    """Where the transform of a spectrum leaves each sample of its frame, which come in reverse order."""
    return places(FRAME)[-np.arange(FRAME) % FRAME]


@njit(**OPTIONS)
def _separate(
    work: np.ndarray,
    place: np.ndarray,
    begin: int,
    present: np.ndarray,
    spectra: np.ndarray,
    around: np.ndarray,
    power: np.ndarray,
) -> None:
    """Spectra and magnitudes of the frames in either part, from transforms with half the window."""
    first, other = load(present, OVERLAP + begin), load(present, OVERLAP + begin + LANES)
    for k in range(BINS):
        one, mirror = place[k] * PAIR, place[(FRAME - k) % FRAME] * PAIR
        a, b, c, d = load(work, one), load(work, one + LANES), load(work, mirror), load(work, mirror + LANES)
        ar, ai, br, bi = a + c, b - d, b + d, c - a
        at, to = 2 * k * PAIR, (k + REACH) * PAIR
        store(spectra, at, ar)
        store(spectra, at + LANES, br)
        store(spectra, at + PAIR, ai)
        store(spectra, at + PAIR + LANES, bi)
        a, b = ar * ar + ai * ai, br * br + bi * bi
        store(power, k * LANES, load(power, k * LANES) + a * first + b * other)
        store(around, to, root(a))
        store(around, to + LANES, root(b))
    for k in range(REACH):
        for at in range(0, PAIR, LANES):
            store(around, (REACH - 1 - k) * PAIR + at, load(around, (REACH + k) * PAIR + at))
            last = (REACH + BINS - 1) * PAIR + at
            store(around, last + (1 + k) * PAIR, load(around, last - k * PAIR))


@formula
def _share(percussive: Lane, harmonic: Lane) -> Lane:
    """Of a spectrum, what is percussive, from both medians."""
    power = percussive * percussive
    total = power + harmonic * harmonic
    return (total > 0.0).chosen(power / total, 0.5)


@njit(**OPTIONS)
def _join_percussive(
    spectra: np.ndarray, along_bins: np.ndarray, along_time: np.ndarray, work: np.ndarray
) -> None:
    """Fill `work` with A + i B, A and B being the percussive parts of the first frames and of the others.

    Where both medians are 0, half of it is percussive.
    """
    for k in range(BINS):
        at = 2 * k * PAIR
        a, b = load(spectra, at), load(spectra, at + PAIR)
        c, d = load(spectra, at + LANES), load(spectra, at + PAIR + LANES)
        p, h = load(along_bins, k * PAIR), load(along_time, k * PAIR)
        share = _share(p, h)
        a, b = a * share, b * share
        p, h = load(along_bins, k * PAIR + LANES), load(along_time, k * PAIR + LANES)
        share = _share(p, h)
        c, d = c * share, d * share
        # Imaginary parts of bins 0 and 1024 are 0.
        store(work, k * PAIR, a - d)
        store(work, k * PAIR + LANES, b + c)
        mirror = (FRAME - k) % FRAME * PAIR
        store(work, mirror, a + d)
        store(work, mirror + LANES, c - b)


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


@njit(**OPTIONS)
def _add_energies(
    work: np.ndarray,
    before: np.ndarray,
    place: np.ndarray,
    window: np.ndarray,
    sound: np.ndarray,
    first: int,
    present: np.ndarray,
    energies: np.ndarray,
) -> None:
    """Add windowed frames over the sum of squared windows; energies of that, and of the sound without it.

    `before` holds the 16 frames that precede those of `work`, and is left as the next call needs it.
    """
    size = spread(np.float32(FRAME))
    for part in range(0, PAIR, LANES):
        begin = OVERLAP + first + part
        exists = load(present, begin)
        percussive, harmonic = spread(_NOTHING), spread(_NOTHING)
        for j in range(HOP):
            total, squares = spread(_NOTHING), spread(_NOTHING)
            for late in range(OVERLAP):
                n = late * HOP + j
                weight = spread(window[n])
                now, earlier = load(work, place[n] * PAIR + part) * weight * exists, load(before, n * LANES)
                store(before, n * LANES, now)
                if late == 1:
                    now = _delay_1(earlier, now)
                elif late == 2:
                    now = _delay_2(earlier, now)
                elif late == 3:
                    now = _delay_3(earlier, now)
                total += now
                squares += load(present, begin - late) * weight * weight
            total = total / (squares * size)
            rest = load(sound, j * sound.shape[1] + first + part) - total
            percussive += total * total
            harmonic += rest * rest
        store(energies, first + part, percussive)
        store(energies, energies.shape[1] + first + part, harmonic)
