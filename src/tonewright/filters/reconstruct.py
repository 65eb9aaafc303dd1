"""A sound through the bank that its own spectrum stands for, as loud as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.audio.files import probe, stream
from tonewright.errors import AudioError
from tonewright.filters.bank import Bank
from tonewright.filters.levels import as_loud, as_loud_file
from tonewright.filters.spectra.sounds import SpectrumMeter

if TYPE_CHECKING:
    from tonewright.filters.trained import FilterModel

BLOCK_SECONDS = 10.0
_NOTHING = Bank(np.array([1000.0]), np.array([1.0]), np.array([0.0]), kind="series")


def process_clip(model: FilterModel, clip: Clip, *, block_seconds: float | None = None) -> Clip:
    """A clip through the bank that its encoding stands for, as loud as it was; silence stays as it is.

    Parameters
    ----------
    clip : any rate and channels
    block_seconds : work in blocks of about this length; None takes the clip whole, with equal results
    """
    meter = SpectrumMeter(model.config, clip.sample_rate, name="the clip")
    _hear(meter, clip.samples, "the clip")
    bank = _own_bank(model, meter)
    return clip if bank is None else as_loud(bank, clip).apply(clip, block_seconds=block_seconds)


def process_file(
    source: str | Path,
    target: str | Path,
    model: FilterModel,
    *,
    overwrite: bool = False,
    block_seconds: float = BLOCK_SECONDS,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a file as `process_clip` gives it, in memory that does not grow with its length."""
    from tonewright.filters.rendering.sound_files import apply_file

    info = probe(source)
    meter = SpectrumMeter(model.config, info.sample_rate, name=source)
    for block in stream(source, block_frames=max(1, round(block_seconds * info.sample_rate))):
        _hear(meter, block, source)
    bank = _own_bank(model, meter)
    return apply_file(
        source,
        target,
        _NOTHING if bank is None else as_loud_file(bank, source),
        mix=0.0 if bank is None else 1.0,
        block_seconds=block_seconds,
        overwrite=overwrite,
        progress=progress,
    )


def _hear(meter: SpectrumMeter, block: np.ndarray, name: str | Path) -> None:
    if not np.isfinite(block).all():
        raise AudioError(name, "holds NaN or infinite samples; repair them first")
    meter.add(block)


def _own_bank(model: FilterModel, meter: SpectrumMeter) -> Bank | None:
    """The bank of what was heard; None where that is no samples, silence, or a constant."""
    try:
        spectrum = meter.spectrum()
    except AudioError:
        return None
    return model.bank(model.encode_spectrum(spectrum).z)
