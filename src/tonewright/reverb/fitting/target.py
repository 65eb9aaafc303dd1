"""What the late sound must reach: decay curves in octaves and levels in thirds, from a measured response."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tonewright.reverb.fitting.bands import Bands, decibels
from tonewright.reverb.fitting.room import Room
from tonewright.reverb.fitting.slopes import fitted_decays_s

POINTS = 64
# Early is what arrives until the decay curve has fallen so far, and 80 ms at most.
SPLIT_DB, SPLIT_S = -20.0, (0.008, 0.08)
_MIDDLE_HZ = (177.0, 5700.0)
# A curve counts in full until −35 dB, where T30 ends, and less below.
_FULL_DB, _LAST_DB, _LESS = -37.0, -60.0, 0.3
# The first point is all the late energy, which clarity hangs on.
_FIRST = 6.0
# How far a curve may be from a straight decay, and how much longer than the sound a decay may be.
_CROOKED_DB, _SLOWEST = 5.0, 6.0
# Decay time times bandwidth: what is less is the ringing of the band's filter.
_RINGING = 10.0
_FAINT_DB, _BEYOND_DB, _LEAST_FALL_DB = -90.0, 25.0, 8.0
# Close to its end, a curve hangs on where that is.
_GAIN = 0.85
_FINE = 512
_BEYOND_S = 0.03


@dataclass(frozen=True, eq=False)
class Target:
    """Decay curves and levels of a room from `split_s` on; channels that are silent are not among them.

    Attributes
    ----------
    samples : (channels, time) as long as it is worth comparing
    sample_rate : in Hz
    split_s : where early ends and late begins
    octaves, thirds : the bands
    ends_s : (channels, octaves) ends of the decays
    thirds_ends_s : (channels, thirds)
    times_s : (channels, octaves, POINTS) of the curves
    curves_db : (channels, octaves, POINTS) energy from then to the end of the decay
    weights : (channels, octaves, POINTS); 0 where a band cannot be measured
    levels_db : (channels, thirds) energy from `split_s` to the end
    heard : (channels, thirds) where that stands out of the noise
    """

    samples: np.ndarray
    sample_rate: int
    split_s: float
    octaves: Bands
    thirds: Bands
    ends_s: np.ndarray
    thirds_ends_s: np.ndarray
    times_s: np.ndarray
    curves_db: np.ndarray
    weights: np.ndarray
    levels_db: np.ndarray
    heard: np.ndarray

    @property
    def measured(self) -> np.ndarray:
        """(octaves,) whether a decay could be measured in any channel."""
        return np.asarray((self.weights > 0).any(axis=(0, 2)))

    def curves_of(self, sounds: np.ndarray) -> np.ndarray:
        """Decay curves of other sounds (channels, time) at the same points, (channels, octaves, POINTS)."""
        rows = zip(sounds, self.times_s, self.ends_s, strict=True)
        return decibels(np.stack([self.octaves.remaining(*row) for row in rows]))

    def levels_of(self, sounds: np.ndarray) -> np.ndarray:
        """Levels of other sounds (channels, time) in thirds, (channels, thirds)."""
        return decibels(_late_energy(self.thirds, sounds, self.split_s, self.thirds_ends_s, None))

    def decays_s(self, slopes: int) -> tuple[np.ndarray, float]:
        """Decay times (octaves, slopes) that fit the curves, and the mean distance that remains in dB.

        A band that could not be measured has NaN.
        """
        found = np.full((len(self.octaves.centers_hz), slopes), np.nan)
        distances = []
        for band in np.flatnonzero(self.measured):
            rows = (self.weights[:, band] > 0).any(axis=1)
            parts = (self.times_s, self.ends_s, self.curves_db, self.weights)
            found[band], distance = fitted_decays_s(*(part[rows, band] for part in parts), slopes=slopes)
            distances.append(distance)
        return found, float(np.mean(distances)) if distances else np.inf


def target_of(room: Room, *, longest_s: float) -> Target:
    """What the late sound of a network must reach to stand for a room.

    Parameters
    ----------
    room : the room
    longest_s : of the response that is compared
    """
    rate = room.sample_rate
    heard = room.samples[~room.silent]
    seconds = heard.shape[1] / rate
    split = split_s(room)
    ends = np.clip(np.nan_to_num(room.ends_s, nan=seconds), 2 / rate, min(seconds, longest_s))
    longest = min(seconds, max(float(ends.max()), split + _BEYOND_S))
    samples = heard[:, : max(1, int(np.ceil(rate * longest)))]
    octaves, thirds = (Bands(samples.shape[1], rate, fraction=fraction) for fraction in (1, 3))
    curves, times, weights = _curves(room, samples, octaves, ends, split)
    places = np.log(thirds.centers_hz), np.log(octaves.centers_hz)
    thirds_ends = np.stack([np.interp(*places, row) for row in ends])
    noise = np.stack([np.exp(np.interp(*places, np.log(row + 1e-30))) for row in _thirds_noise(room)])
    energy = _late_energy(thirds, samples, split, thirds_ends, noise)
    doubt = noise * np.maximum(thirds_ends - split, 0.0) * rate
    return Target(
        samples, rate, split, octaves, thirds, ends, thirds_ends, times, curves, weights,
        decibels(energy), (energy > doubt) & (energy > 1e-14 * energy.max()),
    )  # fmt: skip


def split_s(room: Room) -> float:
    """Where early ends: as soon as most bands have fallen by 20 dB, and at 80 ms at the latest."""
    analysis = room.analysis
    middle = (analysis.bands_hz > _MIDDLE_HZ[0]) & (analysis.bands_hz < _MIDDLE_HZ[1])
    curves = analysis.curves_db[:, middle if middle.any() else slice(None)]
    fallen = np.where(np.isfinite(curves), curves, -np.inf) <= SPLIT_DB
    times = np.where(fallen.any(axis=-1), analysis.curve_times_s[fallen.argmax(axis=-1)], np.inf)
    length = room.samples.shape[1] / room.sample_rate
    return float(min(np.clip(np.median(times), *SPLIT_S), 0.5 * length))


def _thirds_noise(room: Room) -> np.ndarray:
    """Noise of a third, of the octaves' (channels, octaves)."""
    return room.noise / 3


def _late_energy(
    thirds: Bands, sounds: np.ndarray, split: float, ends_s: np.ndarray, noise: np.ndarray | None
) -> np.ndarray:
    """Energy (channels, thirds) from the split to the end."""
    times = np.full((len(thirds.centers_hz), 1), split)
    levels = [None] * len(sounds) if noise is None else noise
    return np.stack(
        [
            thirds.remaining(sound, times, np.maximum(end, split + 0.01), level)[:, 0]
            for sound, end, level in zip(sounds, ends_s, levels, strict=True)
        ]
    )


def _curves(
    room: Room, samples: np.ndarray, octaves: Bands, ends: np.ndarray, split: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Curves in dB, their times and their weights, (channels, octaves, POINTS) each.

    The points are equally far apart in level.
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
    curves, times, weights = map(np.stack, found)
    weights[~_decays(room, times, ends, curves, weights)] = 0.0
    return curves, times, weights


def _decays(
    room: Room, times: np.ndarray, ends: np.ndarray, curves: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Whether each band (channels, octaves) decays as rooms do: steadily, and not far too slowly."""
    widths = room.analysis.bands_hz * (2**0.5 - 2**-0.5)
    found = np.asarray((weights > 0).any(axis=-1))
    for channel, band in np.argwhere(found):
        row = tuple(part[channel : channel + 1, band] for part in (times, ends, curves, weights))
        (decay,), distance = fitted_decays_s(*row, slopes=1)
        measured = np.isfinite(room.analysis.decay_s[channel, band])
        steady = distance < (_CROOKED_DB if measured else 0.5 * _CROOKED_DB)
        slow = decay > _SLOWEST * ends[channel, band]
        ringing = decay * widths[band] < _RINGING
        found[channel, band] = steady and not slow and (measured or not ringing)
    return found
