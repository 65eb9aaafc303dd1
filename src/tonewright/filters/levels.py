"""Banks that leave a sound as loud as it was."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.audio.files import probe, stream
from tonewright.filters.bank import Bank
from tonewright.filters.bank_checks import MOST_LEVEL_DB

if TYPE_CHECKING:
    from tonewright.timbre.loudness import LoudnessMeter

_BLOCK_SECONDS = 10.0
_LEAST_RATE = 4000


def as_loud(bank: Bank, clip: Clip) -> Bank:
    """The bank at the level at which a sound keeps its loudness (ITU-R BS.1770) through it.

    Where there is nothing to hear, before or behind the bank, it stays as it is. Under 4 kHz the power is
    kept.

    Parameters
    ----------
    bank : its own level does not matter
    clip : of any rate
    """
    return _as_loud(bank, (clip.samples,), clip.sample_rate, clip.channels)


def as_loud_file(
    bank: Bank, path: str | os.PathLike[str], *, progress: Callable[[int, int], None] | None = None
) -> Bank:
    """As `as_loud`, for a sound file, in memory that does not grow with its length.

    Parameters
    ----------
    path : of the sound
    progress : called with the frames heard and their total
    """
    info = probe(path)

    def blocks() -> Iterable[np.ndarray]:
        done = 0
        for block in stream(path, block_frames=max(1, round(_BLOCK_SECONDS * info.sample_rate))):
            yield block
            done += block.shape[1]
            if progress:
                progress(done, info.frames)

    return _as_loud(bank, blocks(), info.sample_rate, info.channels)


def _as_loud(bank: Bank, blocks: Iterable[np.ndarray], sample_rate: int, channels: int) -> Bank:
    from tonewright.filters.rendering.streaming import BankFilter

    bank = dataclasses.replace(bank, level_db=0.0)
    through = BankFilter(bank, sample_rate, channels)
    before, after = _Loudness(sample_rate, channels), _Loudness(sample_rate, channels)
    for block in blocks:
        before.add(block)
        after.add(through.process(block.astype(np.float64)))
    change_db = before.level_db() - after.level_db()
    if not math.isfinite(change_db):
        return bank
    return dataclasses.replace(bank, level_db=float(np.clip(change_db, -MOST_LEVEL_DB, MOST_LEVEL_DB)))


class _Loudness:
    """Loudness of a sound that comes in blocks; at rates too low for it, the power."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._meters: list[LoudnessMeter] = []
        self._power = 0.0
        if sample_rate >= _LEAST_RATE:
            from tonewright.timbre.loudness import LoudnessMeter

            self._meters = [LoudnessMeter(sample_rate) for _ in range(channels)]

    def add(self, block: np.ndarray) -> None:
        """Take in (channels, time)."""
        self._power += float(np.sum(np.square(block, dtype=np.float64)))
        for meter, samples in zip(self._meters, block, strict=False):
            meter.add(samples)

    def level_db(self) -> float:
        """In LUFS, or dB of something; −∞ of silence."""
        from tonewright.timbre.loudness import loudness_together

        if self._meters:
            return loudness_together(self._meters)
        return 10 * math.log10(self._power) if self._power > 0 else -math.inf
