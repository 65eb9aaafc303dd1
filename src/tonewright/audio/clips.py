"""A sound in memory, and the two changes of format that every reader needs: rate and channels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from tonewright.errors import UsageError


@dataclass(frozen=True, eq=False)
class Clip:
    """A sound in memory.

    Parameters
    ----------
    samples : (channels, time), floating point, full scale ±1; kept as C-contiguous float32
    sample_rate : frames per second

    Raises
    ------
    UsageError
        If the array is not two-dimensional floating point, or the rate is not positive.
    """

    samples: np.ndarray
    sample_rate: int

    def __post_init__(self) -> None:
        """Check the shape and settle on one dtype."""
        samples = np.asarray(self.samples)
        if samples.ndim != 2 or samples.shape[0] == 0:
            raise UsageError(f"a clip's samples have shape (channels, time); got {samples.shape}")
        if not np.issubdtype(samples.dtype, np.floating):
            raise UsageError(f"a clip's samples are floating point with full scale ±1; got {samples.dtype}")
        if int(self.sample_rate) != self.sample_rate or self.sample_rate <= 0:
            raise UsageError(f"a sample rate is a whole number above 0; got {self.sample_rate}")
        object.__setattr__(self, "samples", np.ascontiguousarray(samples, dtype=np.float32))
        object.__setattr__(self, "sample_rate", int(self.sample_rate))

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.samples.shape[0]

    @property
    def frames(self) -> int:
        """Length in samples of one channel."""
        return self.samples.shape[1]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate

    def mono(self) -> Clip:
        """The mean of the channels, as one channel."""
        return self.with_channels(1)

    def with_channels(self, channels: int) -> Clip:
        """This sound with another number of channels, by the rule of `convert_channels`."""
        return Clip(convert_channels(self.samples, channels), self.sample_rate)

    def resampled(self, sample_rate: int) -> Clip:
        """This sound at another rate."""
        samples = resample(self.samples, from_rate=self.sample_rate, to_rate=sample_rate)
        return Clip(samples, sample_rate)


def convert_channels(samples: np.ndarray, channels: int) -> np.ndarray:
    """Change the number of channels.

    One channel is copied to all; many become one by their mean; of three and more, fewer are made
    by keeping the first ones (front left and right come first in every common order).

    Parameters
    ----------
    samples : (channels, time)
    channels : the number wanted

    Returns
    -------
    (channels, time), the same array where nothing changes

    Raises
    ------
    UsageError
        If several channels would have to be made more.
    """
    present = samples.shape[0]
    if channels < 1:
        raise UsageError(f"a sound has at least 1 channel; got {channels}")
    if channels == present:
        return samples
    if present == 1:
        return np.repeat(samples, channels, axis=0)
    if channels == 1:
        return samples.mean(axis=0, keepdims=True, dtype=samples.dtype)
    if channels < present:
        return np.ascontiguousarray(samples[:channels])
    raise UsageError(f"{present} channels cannot be made {channels}: choose {present}, or 1 for mono")


def resample(samples: np.ndarray, *, from_rate: int, to_rate: int) -> np.ndarray:
    """Change the sample rate with soxr's high-quality filter (linear phase, no added delay).

    The result has round(time · to_rate / from_rate) frames, but never none where there was one.

    Parameters
    ----------
    samples : (channels, time), float32 or float64
    from_rate, to_rate : Hz

    Returns
    -------
    (channels, new time), the same array where the rates agree
    """
    if from_rate == to_rate:
        return samples
    import soxr

    resampled = soxr.resample(samples.T, from_rate, to_rate, quality="HQ")
    if resampled.shape[0] == 0:
        return samples[:, :1].copy()
    return np.ascontiguousarray(resampled.T)


def resample_blocks(blocks: Iterable[np.ndarray], *, from_rate: int, to_rate: int) -> Iterator[np.ndarray]:
    """Change the sample rate of a sound that comes in blocks; joined, the result equals `resample`.

    Parameters
    ----------
    blocks : arrays (channels, time) of one dtype and number of channels, none of them empty
    from_rate, to_rate : Hz

    Yields
    ------
    (channels, time), of lengths that differ
    """
    import soxr

    converter, held, emitted = None, None, False
    for block in blocks:
        if converter is None:
            converter = soxr.ResampleStream(
                from_rate, to_rate, block.shape[0], dtype=str(block.dtype), quality="HQ"
            )
            first = block[:, :1].copy()
        else:
            assert held is not None
            piece = converter.resample_chunk(np.ascontiguousarray(held.T))
            if piece.shape[0]:
                emitted = True
                yield np.ascontiguousarray(piece.T)
        held = block
    if converter is None or held is None:
        return
    piece = converter.resample_chunk(np.ascontiguousarray(held.T), last=True)
    if piece.shape[0]:
        yield np.ascontiguousarray(piece.T)
    elif not emitted:
        yield first


def equal_blocks(blocks: Iterable[np.ndarray], block_frames: int) -> Iterator[np.ndarray]:
    """Cut a sound that comes in blocks of any length into blocks of one length; the last may be shorter.

    Parameters
    ----------
    blocks : arrays (channels, time)
    block_frames : the length wanted
    """
    kept: list[np.ndarray] = []
    held = 0
    for block in blocks:
        kept.append(block)
        held += block.shape[1]
        if held < block_frames:
            continue
        joined = np.concatenate(kept, axis=1)
        whole = held - held % block_frames
        for start in range(0, whole, block_frames):
            yield np.ascontiguousarray(joined[:, start : start + block_frames])
        kept, held = [joined[:, whole:]], held - whole
    if held:
        yield np.ascontiguousarray(np.concatenate(kept, axis=1))


def fit_length(samples: np.ndarray, frames: int) -> np.ndarray:
    """The first `frames` of (channels, time), zeros after the end where it is shorter."""
    missing = frames - samples.shape[-1]
    if missing > 0:
        return np.pad(samples, ((0, 0), (0, missing)))
    return samples[:, :frames]
