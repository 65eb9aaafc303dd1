"""Sound in memory through a bank."""

from __future__ import annotations

import logging
import math

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.errors import UsageError
from tonewright.filters.bank import Bank
from tonewright.filters.rendering.streaming import BankFilter

logger = logging.getLogger("tonewright")


def apply_bank(bank: Bank, clip: Clip, *, mix: float = 1.0, block_seconds: float | None = None) -> Clip:
    """A sound through a bank, as `Bank.apply` says."""
    frames = clip.frames if block_seconds is None else block_frames(block_seconds, clip.sample_rate)
    bank_filter = BankFilter(bank, clip.sample_rate, clip.channels, mix=mix)
    warn_left_out(bank, clip.sample_rate, "the sound")
    if frames >= clip.frames:
        return Clip(bank_filter.process(clip.samples), clip.sample_rate)
    made = np.empty_like(clip.samples)
    for start in range(0, clip.frames, frames):
        part = slice(start, start + frames)
        made[:, part] = bank_filter.process(clip.samples[:, part])
    return Clip(made, clip.sample_rate)


def block_frames(block_seconds: float, sample_rate: int) -> int:
    """Length of a block in frames, at least one."""
    if not (math.isfinite(block_seconds) and block_seconds > 0):
        raise UsageError(f"the length of a block is {block_seconds} s; it must be above 0")
    return max(1, round(block_seconds * sample_rate))


def warn_left_out(bank: Bank, sample_rate: int, name: str) -> None:
    """Say where filters cannot be made at the rate of a sound."""
    missing = bank.filters - int(bank.usable(sample_rate).sum())
    if missing:
        logger.warning(
            "%s: at its sample rate of %d Hz, %d of %d filters cannot be made and are left out",
            name,
            sample_rate,
            missing,
            bank.filters,
        )
