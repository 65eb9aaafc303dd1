"""Sound files through a network, in memory that does not grow with their length."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.clips import resample_blocks
from tonewright.audio.files import SoundInfo, SoundWriter, probe, stream
from tonewright.errors import OutputError
from tonewright.reverb.rendering.renderer import Renderer
from tonewright.reverb.rendering.sounds import checked_mix, mixed

logger = logging.getLogger("tonewright")

BLOCK_SECONDS = 10.0


def render_file(
    source: str | Path,
    target: str | Path,
    network: Any,
    *,
    mix: float = 1.0,
    tail: bool = True,
    block_seconds: float = BLOCK_SECONDS,
    encoding: str | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a sound file as it sounds through a network, whole or not at all.

    Channels, rates, `mix` and `tail` are as for `render`. What goes over full scale is kept where the output
    holds floating point, and otherwise clipped, with a warning.

    Parameters
    ----------
    source : sound file
    target : .wav, .flac or .ogg
    network : FDNBuild or trainable network; it must be stable
    block_seconds : work in blocks of about this length, with results equal to the whole
    encoding : as for `write`; where not given, "float" for a WAV from a source of floating point
    overwrite : replace what is there
    progress : called with the frames written and their total
    """
    info = probe(source)
    if Path(target).exists() and Path(target).samefile(source):
        raise OutputError(f"{target}: is the input itself; choose another output")
    mix, encoding = checked_mix(mix), encoding or _encoding(info, Path(target))
    renderer = Renderer(network, info.channels)
    own, rate = round(renderer.build.fs), info.sample_rate
    frames = info.frames + (int(np.ceil(renderer.tail_samples * rate / own)) if tail else 0)
    block_frames = max(1, round(block_seconds * own))
    blocks = stream(source, block_frames=block_frames, sample_rate=own)
    wet = _resampled(_wet_blocks(renderer, blocks, block_frames, tail=tail), own, rate)
    dry = _Feed(stream(source, block_frames=block_frames) if mix < 1 else iter(()), info.channels)
    with SoundWriter(
        target, sample_rate=rate, channels=renderer.outputs, encoding=encoding, overwrite=overwrite
    ) as writer:
        written, over = 0, False
        for block in _exactly(wet, frames, renderer.outputs):
            block = mixed(block, dry.take(block.shape[1]), mix) if mix < 1 else block
            over = over or (encoding != "float" and bool(np.abs(block).max(initial=0.0) > 1.0))
            writer.write(block)
            written += block.shape[1]
            if progress:
                progress(written, frames)
    if over:
        logger.warning("%s: went over full scale and was clipped; lower the level of %s", target, source)
    return Path(target)


def _encoding(info: SoundInfo, target: Path) -> str | None:
    """Floating point stays floating point where the output can hold it."""
    return "float" if info.encoding in ("FLOAT", "DOUBLE") and target.suffix.lower() == ".wav" else None


def _wet_blocks(
    renderer: Renderer, blocks: Iterable[np.ndarray], block_frames: int, *, tail: bool
) -> Iterator[np.ndarray]:
    for block in blocks:
        yield renderer.process(block)
    left = renderer.tail_samples if tail else 0
    while left > 0:
        yield renderer.tail(min(left, block_frames))
        left -= block_frames


def _resampled(blocks: Iterator[np.ndarray], own: int, rate: int) -> Iterator[np.ndarray]:
    return blocks if own == rate else resample_blocks(blocks, from_rate=own, to_rate=rate)


def _exactly(blocks: Iterable[np.ndarray], frames: int, channels: int) -> Iterator[np.ndarray]:
    """The first `frames` of a stream, with silence after its end where it is shorter."""
    left = frames
    for block in blocks:
        block = block[:, :left]
        left -= block.shape[1]
        if block.shape[1]:
            yield block
    if left:
        yield np.zeros((channels, left), np.float32)


class _Feed:
    """A stream of blocks from which any number of frames is taken, then silence."""

    def __init__(self, blocks: Iterator[np.ndarray], channels: int) -> None:
        self.blocks, self.held = blocks, np.zeros((channels, 0), np.float32)

    def take(self, frames: int) -> np.ndarray:
        """The next frames, (channels, frames)."""
        parts, count = [self.held], self.held.shape[1]
        while count < frames:
            block = next(self.blocks, None)
            if block is None:
                block = np.zeros((self.held.shape[0], frames - count), np.float32)
            parts.append(block)
            count += block.shape[1]
        joined = np.concatenate(parts, axis=1)
        self.held = joined[:, frames:]
        return joined[:, :frames]
