"""A bank that runs on sound, block after block."""

from __future__ import annotations

import numpy as np

from tonewright.errors import UsageError
from tonewright.filters.bank import Bank
from tonewright.filters.rendering.kernels import (
    LANES,
    cascade,
    padded,
    resonate,
    resonate_in_stages,
    working_rows,
)

# Frames of a channel in double precision, in and out, that stay in the second cache.
_CHUNK = 16_384


class BankFilter:
    """A bank as a stream: sound goes in in blocks of any length, and as much comes out; there is no latency.

    Joined, the blocks equal the whole. All is computed in double precision.

    Parameters
    ----------
    bank : filters that are not usable at the rate are left out
    sample_rate : of the sound; the filters are designed for it
    channels : of the sound, each filtered alike
    mix : from 0, the sound as it was, to 1, the filtered sound alone
    """

    def __init__(self, bank: Bank, sample_rate: float, channels: int = 1, *, mix: float = 1.0) -> None:
        if int(channels) != channels or channels < 1:
            raise UsageError(f"a sound has at least 1 channel; got {channels}")
        self.bank, self.sample_rate, self.channels = bank, float(sample_rate), int(channels)
        self.mix = checked_mix(mix)
        sections = bank.to_sos(sample_rate=self.sample_rate)
        make = _Resonators if bank.kind == "parallel" else _Cascade
        self._channels = [make(sections) for _ in range(self.channels)]

    def process(self, block: np.ndarray) -> np.ndarray:
        """What comes out while a block goes in.

        Parameters
        ----------
        block : (channels, time), float32 or float64, of any length

        Returns
        -------
        (channels, time) of the same dtype
        """
        block = np.asarray(block)
        if block.ndim != 2 or block.shape[0] != self.channels:
            raise UsageError(f"the block has shape {block.shape}; it must be ({self.channels}, time)")
        if not np.issubdtype(block.dtype, np.floating):
            raise UsageError(f"a sound is floating point with full scale ±1; got {block.dtype}")
        if not np.isfinite(block).all():
            raise UsageError("the sound holds NaN or infinite samples; repair them first")
        made = np.empty_like(block)
        for channel, (sound, filtered) in enumerate(zip(block, made, strict=True)):
            for start in range(0, block.shape[1], _CHUNK):
                part = slice(start, start + _CHUNK)
                self._mixed(self._channels[channel], sound[part], filtered[part])
        if not np.isfinite(made).all():
            raise UsageError(
                "the bank makes this sound louder than a number can hold; lower its gains or level"
            )
        return made

    def _mixed(self, channel: _Resonators | _Cascade, sound: np.ndarray, filtered: np.ndarray) -> None:
        wet = channel.process(sound)
        if self.mix < 1:
            wet *= self.mix
            wet += (1 - self.mix) * sound.astype(np.float64)
        with np.errstate(over="ignore"):
            filtered[:] = wet


class _Resonators:
    """A parallel bank on one channel.

    Parameters
    ----------
    sections : (filters, 6) or (filters, order, 6), the gain in the first of a filter
    """

    def __init__(self, sections: np.ndarray) -> None:
        rows = sections.reshape(len(sections), -1, 6)
        self.order, self.width = rows.shape[1], padded(len(rows))
        coefficients = np.zeros((4, self.width))
        coefficients[0, : len(rows)] = rows[:, 0, 0]
        coefficients[1:3, : len(rows)] = -rows[:, 0, 4:].T
        coefficients[3, : len(rows)] = rows[:, -1, 0]
        self._coefficients = coefficients.ravel()
        self._states = np.zeros(self.order * 2 * self.width)
        self._rows = working_rows()
        self._past = np.zeros(2)

    def process(self, sound: np.ndarray) -> np.ndarray:
        """(time,) of any dtype to float64."""
        entering = np.empty(2 + sound.size)
        entering[:2], entering[2:] = self._past, sound
        made = np.empty(sound.size)
        numbers, states, width = self._coefficients, self._states, self.width
        if self.order == 1:
            resonate(entering, numbers, states, width, self._rows, made)
        else:
            resonate_in_stages(entering, numbers, states, width, self.order, self._rows, made)
        self._past = entering[-2:].copy()
        return made


class _Cascade:
    """A series on one channel.

    Parameters
    ----------
    sections : (filters, 6)
    """

    def __init__(self, sections: np.ndarray) -> None:
        coefficients = np.zeros((padded(len(sections)), 5))
        coefficients[:, 0] = 1
        coefficients[: len(sections), :3] = sections[:, :3]
        coefficients[: len(sections), 3:] = -sections[:, 4:]
        self._coefficients = coefficients.reshape(-1, LANES, 5).transpose(0, 2, 1).ravel()
        self._states = np.zeros(2 * len(coefficients))
        self._numbers = np.arange(float(LANES))

    def process(self, sound: np.ndarray) -> np.ndarray:
        """(time,) of any dtype to float64."""
        made = sound.astype(np.float64, order="C")
        cascade(made, self._coefficients, self._states, self._numbers)
        return made


def checked_mix(mix: float) -> float:
    """The mix, refused outside 0 to 1."""
    if not isinstance(mix, int | float | np.number) or not 0 <= mix <= 1:
        raise UsageError(f"the mix is {mix}; choose from 0 (dry) to 1 (wet)")
    return float(mix)
