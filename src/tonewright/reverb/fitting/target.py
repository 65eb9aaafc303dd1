"""What the late sound must reach: decay curves in octaves and levels in thirds, from a measured response."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tonewright.reverb.fitting.bands import Bands, decibels
from tonewright.reverb.fitting.curves import Curves, continued, measured_curves
from tonewright.reverb.fitting.room import Room

# Early is what arrives until the decay curve has fallen so far, and 80 ms at most.
SPLIT_DB, SPLIT_S = -20.0, (0.008, 0.08)
_MIDDLE_HZ = (177.0, 5700.0)
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
    curves : decay curves in octaves
    ends_s, thirds_ends_s : (channels, octaves) and (channels, thirds) ends of the measured decays
    levels_db : (channels, thirds) energy from `split_s` to the end
    heard : (channels, thirds) where that stands out of the noise
    """

    samples: np.ndarray
    sample_rate: int
    split_s: float
    octaves: Bands
    thirds: Bands
    curves: Curves
    ends_s: np.ndarray
    thirds_ends_s: np.ndarray
    levels_db: np.ndarray
    heard: np.ndarray

    def curves_of(self, sounds: np.ndarray) -> np.ndarray:
        """Decay curves of other sounds (channels, time) at the same points, (channels, octaves, points)."""
        rows = zip(sounds, self.curves.times_s, self.curves.ends_s, strict=True)
        return decibels(np.stack([self.octaves.remaining(*row) for row in rows]))

    def levels_of(self, sounds: np.ndarray) -> np.ndarray:
        """Levels of other sounds (channels, time) in thirds, (channels, thirds)."""
        return decibels(_late_energy(self.thirds, sounds, self.split_s, self.thirds_ends_s, None))


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
    samples = heard[:, : max(1, int(np.ceil(rate * max(float(ends.max()), split + _BEYOND_S))))]
    octaves = Bands(samples.shape[1], rate, fraction=1)
    curves = continued(measured_curves(room, samples, octaves, ends, split), longest_s=longest_s)
    longer = int(np.ceil(rate * float(curves.ends_s.max()))) - samples.shape[1]
    samples = np.pad(samples, ((0, 0), (0, max(0, longer))))
    octaves, thirds = (Bands(samples.shape[1], rate, fraction=fraction) for fraction in (1, 3))
    places = np.log(thirds.centers_hz), np.log(octaves.centers_hz)
    thirds_ends = np.stack([np.interp(*places, row) for row in ends])
    noise = np.stack([np.exp(np.interp(*places, np.log(row + 1e-30))) for row in _thirds_noise(room)])
    energy = _late_energy(thirds, samples, split, thirds_ends, noise)
    doubt = noise * np.maximum(thirds_ends - split, 0.0) * rate
    return Target(
        samples, rate, split, octaves, thirds, curves, ends, thirds_ends,
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
