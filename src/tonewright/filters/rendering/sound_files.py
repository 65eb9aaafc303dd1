"""Sound files through a bank, in memory that does not grow with their length."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tonewright.audio.files import SoundInfo, SoundWriter, probe, stream
from tonewright.errors import OutputError
from tonewright.filters.bank import Bank
from tonewright.filters.rendering.sounds import block_frames, warn_left_out
from tonewright.filters.rendering.streaming import BankFilter

BLOCK_SECONDS = 10.0

logger = logging.getLogger("tonewright")


def apply_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    bank: Bank,
    *,
    mix: float = 1.0,
    block_seconds: float = BLOCK_SECONDS,
    encoding: str | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a sound file as it sounds through a bank, whole or not at all.

    The filters are designed for the file's rate; length, rate and channels stay. What goes over full scale is
    kept where the output holds floating point, and otherwise clipped, with a warning.

    Parameters
    ----------
    source : sound file
    target : .wav, .flac or .ogg
    mix : from 0, the sound as it was, to 1, the filtered sound alone
    block_seconds : work in blocks of about this length, with results equal to the whole
    encoding : as for `tonewright.audio.files.write`; where not given, "float" for a WAV from a source of
        floating point
    overwrite : replace what is there
    progress : called with the frames written and their total
    """
    info, target = probe(source), Path(target)
    if target.exists() and target.samefile(source):
        raise OutputError(f"{target}: is the input itself; choose another output")
    frames = block_frames(block_seconds, info.sample_rate)
    encoding = encoding or _encoding(info, target)
    bank_filter = BankFilter(bank, info.sample_rate, info.channels, mix=mix)
    warn_left_out(bank, info.sample_rate, os.fspath(source))
    written, over = 0, False
    with SoundWriter(
        target, sample_rate=info.sample_rate, channels=info.channels, encoding=encoding, overwrite=overwrite
    ) as writer:
        for block in stream(source, block_frames=frames):
            made = bank_filter.process(block)
            over = over or (encoding != "float" and bool(np.abs(made).max(initial=0.0) > 1.0))
            writer.write(made)
            written += made.shape[1]
            if progress:
                progress(written, info.frames)
    if over:
        logger.warning("%s: went over full scale and was clipped; lower the level of %s", target, source)
    return target


def _encoding(info: SoundInfo, target: Path) -> str | None:
    """Floating point stays floating point where the output can hold it."""
    return "float" if info.encoding in ("FLOAT", "DOUBLE") and target.suffix.lower() == ".wav" else None
