"""Decay curves of a room at points equally far apart in level, continued where the noise hides them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tonewright.reverb.fitting.bands import Bands, decibels
from tonewright.reverb.fitting.room import Room
from tonewright.reverb.fitting.slopes import curve_db, fitted_decays_s

POINTS, CONTINUED = 64, 16
# A curve counts in full until −35 dB, where T30 ends, and less below.
_FULL_DB, _LAST_DB, _LESS = -37.0, -60.0, 0.3
# The first point is all the late energy, which clarity hangs on.
_FIRST = 6.0
_FAINT_DB, _BEYOND_DB, _LEAST_FALL_DB = -90.0, 25.0, 8.0
# How far a curve may be from a straight decay, and how much longer than the sound a decay may be.
_CROOKED_DB, _SLOWEST = 5.0, 6.0
# Decay time times bandwidth: what is less is the ringing of the band's filter.
_RINGING = 10.0
# Close to its end, a curve hangs on where that is.
_GAIN = 0.85
_FINE = 512
# How much longer than its measured part a curve may become.
_LONGER, _LONGER_S = 1.5, 0.2


@dataclass(frozen=True, eq=False)
class Curves:
    """Energies still to come, per channel and octave.

    Attributes
    ----------
    times_s, levels_db, weights : (channels, octaves, points); weights are 0 where a band cannot be measured
    ends_s : (channels, octaves) until when energy is counted
    """

    times_s: np.ndarray
    levels_db: np.ndarray
    weights: np.ndarray
    ends_s: np.ndarray

    @property
    def measured(self) -> np.ndarray:
        """(octaves,) whether a decay could be measured in any channel."""
        return np.asarray((self.weights > 0).any(axis=(0, 2)))

    def band(self, index: int, missing_db: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
        """Times, ends, levels and weights of those channels in which an octave can be measured.

        Parameters
        ----------
        index : the octave
        missing_db : (channels, octaves, points) to give in place of the levels
        """
        rows = (self.weights[:, index] > 0).any(axis=1)
        levels = self.levels_db if missing_db is None else missing_db
        return tuple(part[rows, index] for part in (self.times_s, self.ends_s, levels, self.weights))

    def decays_s(self, slopes: int) -> tuple[np.ndarray, float]:
        """Decay times (octaves, slopes) that fit the curves, and the mean distance that remains in dB.

        A band that could not be measured has NaN.
        """
        found = np.full((self.times_s.shape[1], slopes), np.nan)
        distances = []
        for band in np.flatnonzero(self.measured):
            found[band], distance = fitted_decays_s(*self.band(int(band)), slopes=slopes)
            distances.append(distance)
        return found, float(np.mean(distances)) if distances else np.inf


def measured_curves(
    room: Room, samples: np.ndarray, octaves: Bands, ends: np.ndarray, split: float
) -> Curves:
    """The curves from `split` until shortly before the decays end, noise taken away.

    Parameters
    ----------
    room : the room
    samples : (channels, time) of it
    octaves : the bands
    ends : (channels, octaves) of the decays in seconds
    split : where late begins, in seconds
    """
    fine = np.linspace(0.0, 1.0, _FINE) * np.ones((len(octaves.centers_hz), 1))
    found = [], [], []
    for sound, end, noise in zip(samples, ends, room.noise, strict=True):
        times = split + (_GAIN * end - split).clip(0.0)[:, None] * fine
        whole = octaves.remaining(sound, np.zeros((len(end), 1)), end, noise)
        levels = decibels(octaves.remaining(sound, times, end, noise)) - decibels(whole)
        falling = np.minimum.accumulate(levels, axis=1)
        last = np.maximum(falling[:, -1], np.minimum(falling[:, 0] - _BEYOND_DB, _LAST_DB))
        wanted = falling[:, :1] + (last - falling[:, 0])[:, None] * np.linspace(0.0, 1.0, POINTS)
        rows = zip(wanted, falling, times, strict=True)
        times = np.stack([np.interp(-want, -fall, time) for want, fall, time in rows])
        levels = decibels(octaves.remaining(sound, times, end, noise))
        relative = levels - decibels(whole)
        usable = times[:, -1] - times[:, 0] > 0.01
        usable &= (relative[:, 0] > _FAINT_DB) & (relative[:, 0] - relative[:, -1] > _LEAST_FALL_DB)
        found[0].append(levels)
        found[1].append(times)
        weight = np.where(relative > _FULL_DB, 1.0, _LESS) * usable[:, None]
        weight[:, 0] *= _FIRST
        found[2].append(weight)
    levels, times, weights = map(np.stack, found)
    curves = Curves(times, levels, weights, ends)
    weights[~_decays(room, curves)] = 0.0
    return curves


def continued(curves: Curves, *, longest_s: float) -> Curves:
    """Curves that go on, where they ended in noise or with the sound, as their decays let expect.

    What comes after the end is added everywhere. Without it, whatever the network did there would go unseen.

    Parameters
    ----------
    curves : as measured
    longest_s : after which nothing is counted
    """
    decays, _ = curves.decays_s(2)
    most = np.minimum(_LONGER * curves.ends_s + _LONGER_S, longest_s)
    ends = np.maximum(curves.ends_s, most)
    times = np.repeat(curves.times_s[..., -1:], CONTINUED, axis=-1)
    levels, weights = np.zeros_like(times), np.zeros_like(times)
    measured = curves.levels_db.copy()
    for channel, band in np.argwhere((curves.weights > 0).any(axis=-1)):
        at = channel, band
        here = curves.times_s[at]
        span = np.array([curves.ends_s[at]]), np.array([ends[at]])
        old, new = (curve_db(here[None], end, decays[band])[0] for end in span)
        height = np.average(curves.levels_db[at] - old, weights=curves.weights[at])
        measured[at] = decibels(
            10 ** (curves.levels_db[at] / 10) + np.maximum(_energy(new) - _energy(old), 0.0) * _energy(height)
        )
        last = curve_db(here[None, -1:], span[1], decays[band])[0, 0]
        fine = np.linspace(here[-1], ends[at], _FINE)[:-1]
        falling = curve_db(fine[None], span[1], decays[band])[0]
        wanted = np.linspace(last, max(falling[-1], last - _BEYOND_DB), CONTINUED + 1)[1:]
        times[at] = np.interp(-wanted, -falling, fine)
        levels[at] = np.interp(times[at], fine, falling) + height
        weights[at] = _LESS
    return Curves(
        np.concatenate([curves.times_s, times], axis=-1),
        np.concatenate([measured, levels], axis=-1),
        np.concatenate([curves.weights, weights], axis=-1),
        ends,
    )


def _energy(level_db: np.ndarray) -> np.ndarray:
    return 10 ** (level_db / 10)


def _decays(room: Room, curves: Curves) -> np.ndarray:
    """Whether each band (channels, octaves) decays as rooms do: steadily, and not far too slowly."""
    widths = room.analysis.bands_hz * (2**0.5 - 2**-0.5)
    found = np.asarray((curves.weights > 0).any(axis=-1))
    for channel, band in np.argwhere(found):
        at = slice(channel, channel + 1), band
        row = curves.times_s[at], curves.ends_s[at], curves.levels_db[at], curves.weights[at]
        (decay,), distance = fitted_decays_s(*row, slopes=1)
        measured = np.isfinite(room.analysis.decay_s[channel, band])
        steady = distance < (_CROOKED_DB if measured else 0.5 * _CROOKED_DB)
        slow = decay > _SLOWEST * curves.ends_s[channel, band]
        ringing = decay * widths[band] < _RINGING
        found[channel, band] = steady and not slow and (measured or not ringing)
    return found
