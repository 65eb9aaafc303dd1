"""Samples as they lie in a file, spread over the channels as float32 by a few passes of NumPy.

16-bit and 24-bit integers convert exactly: divided by 2^(bits − 1).
"""

from __future__ import annotations

import os
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tonewright.audio.clips import convert_channels
from tonewright.errors import AudioError

SCRATCH_BYTES = 1 << 20
LEAD = 4  # bytes before the samples in the scratch, so that they are aligned and one more can precede them
_HEADER_BYTES = 4096
_EXTENSIBLE, _PCM, _FLOAT = 0xFFFE, 1, 3


class _Scratch(threading.local):
    """Memory that every read of a thread uses again: fresh memory costs more than the conversion does."""

    def __init__(self) -> None:
        self.raw = np.empty(SCRATCH_BYTES, np.uint8)
        self.words = np.empty(SCRATCH_BYTES // 3, np.int32)  # a 24-bit sample takes 3 bytes


SCRATCH = _Scratch()


def spread_int16(raw: np.ndarray, planar: np.ndarray) -> None:
    """16-bit frames behind the lead to float32 (channels, frames) in [-1, 1)."""
    channels = planar.shape[0]
    samples = raw[LEAD:].view("<i2").reshape(-1, channels)
    if channels == 2 and sys.byteorder == "little":
        # A frame as one 32-bit word, each half in turn in its upper 16 bits: unit stride in every pass.
        words, upper = samples.view(np.int32)[:, 0], SCRATCH.words[: len(samples)]
        np.left_shift(words, 16, out=upper)
        planar[0] = upper
        np.bitwise_and(words, np.int32(-65536), out=upper)
        planar[1] = upper
        planar *= np.float32(2.0**-31)
    else:
        planar[...] = samples.T
        planar *= np.float32(2.0**-15)


def mean_int16(raw: np.ndarray, mean: np.ndarray) -> None:
    """Stereo 16-bit frames behind the lead to the mean of both channels, float32 (frames,), exactly."""
    words, left = raw[LEAD:].view(np.int32), SCRATCH.words[: len(mean)]
    right = mean.view(np.int32)
    np.left_shift(words, 16, out=left)
    np.right_shift(left, 16, out=left)
    np.right_shift(words, 16, out=right)
    np.add(left, right, out=left)
    mean[...] = left
    mean *= np.float32(2.0**-16)


def _spread_int24(raw: np.ndarray, planar: np.ndarray) -> None:
    """24-bit frames behind the lead to float32 (channels, frames), in the upper bytes of words."""
    channels, frames = planar.shape
    upper = SCRATCH.words[:frames]
    for channel in range(channels):
        place = LEAD - 1 + 3 * channel
        words = np.ndarray((frames,), "<i4", raw.data, offset=place, strides=(3 * channels,))
        planar[channel] = np.bitwise_and(words, np.int32(-256), out=upper)
    planar *= np.float32(2.0**-31)


def _spread_float(raw: np.ndarray, planar: np.ndarray) -> None:
    """Float frames behind the lead to float32 (channels, frames)."""
    planar[...] = raw[LEAD:].view("<f4").reshape(-1, planar.shape[0]).T


_SPREAD = {"pcm16": spread_int16, "pcm24": _spread_int24, "float": _spread_float}


class WavReader:
    """A WAV whose samples lie on disk as they are: 16-bit or 24-bit integers or 32-bit float.

    Reads name their place, so that threads can share the descriptor, and copy, so that a file that is cut
    short in the meantime is a short read; a mapping of it into memory would end the process.
    """

    def __init__(self, path: str, descriptor: int, layout: WavLayout) -> None:
        self.path, self._descriptor, self._layout = path, descriptor, layout
        self.sample_rate, self.channels, self.frames = layout.sample_rate, layout.channels, layout.frames

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        """Close the file once nobody reads from it; `os` may be gone when the interpreter ends."""
        close(self._descriptor)

    def part(self, start: int, frames: int) -> np.ndarray:
        """Frames from `start` on, (channels, frames)."""
        planar = np.empty((self.channels, frames), np.float32)
        for done, raw in self._blocks(start, frames):
            count = (len(raw) - LEAD) // self._layout.frame_bytes
            _SPREAD[self._layout.kind](raw, planar[:, done : done + count])
        return planar

    def mean(self, start: int, frames: int) -> np.ndarray:
        """The mean of the channels from `start` on, (1, frames)."""
        if self.channels != 2 or self._layout.kind != "pcm16" or sys.byteorder != "little":
            return convert_channels(self.part(start, frames), 1)
        mean = np.empty((1, frames), np.float32)
        for done, raw in self._blocks(start, frames):
            mean_int16(raw, mean[0, done : done + (len(raw) - LEAD) // self._layout.frame_bytes])
        return mean

    def _blocks(self, start: int, frames: int) -> Iterator[tuple[int, np.ndarray]]:
        """Bytes of the frames behind the lead, as many at once as the scratch holds, and how many before."""
        size = self._layout.frame_bytes
        block = (SCRATCH_BYTES - LEAD) // size
        for done in range(0, frames, block):
            yield (
                done,
                self._fetch(self._layout.offset + (start + done) * size, min(block, frames - done) * size),
            )

    def _fetch(self, begin: int, size: int) -> np.ndarray:
        """Bytes of the file behind `LEAD` others, the last of which precedes them in the file."""
        raw = SCRATCH.raw[: LEAD + size]
        view, begin = memoryview(raw.data)[LEAD - 1 :], begin - 1
        while view:
            try:
                count = os.preadv(self._descriptor, [view], begin)
            except OSError as error:
                raise AudioError(self.path, f"cannot be read: {error.strerror}") from error
            if count == 0:
                raise AudioError(self.path, "ends before its header says: it is truncated or being rewritten")
            view, begin = view[count:], begin + count
        return raw


@dataclass(frozen=True, slots=True)
class WavLayout:
    """Where the samples of a plain WAV lie; built by `of`, which gives None for anything else."""

    kind: str  # "pcm16", "pcm24" or "float"
    sample_rate: int
    channels: int
    offset: int  # of the first sample, in bytes of the file that is open
    frames: int
    frame_bytes: int

    @classmethod
    def of(cls, descriptor: int, *, begin: int = 0, size: int | None = None) -> WavLayout | None:
        """The layout of an open file, if it is a WAV of a kind read here and whole.

        Parameters
        ----------
        descriptor : of the file
        begin, size : the bytes of it that are the WAV; without `size`, to the end
        """
        header = os.pread(descriptor, _HEADER_BYTES, begin)
        if header[:4] != b"RIFF" or header[8:12] != b"WAVE":
            return None
        size, place, form = os.fstat(descriptor).st_size - begin if size is None else size, 12, b""
        while place + 8 <= len(header):
            name, length = struct.unpack_from("<4sI", header, place)
            if name == b"fmt ":
                form = header[place + 8 : place + 8 + length]
            elif name == b"data":
                whole = place + 8 + length <= size
                return cls._from_chunks(form, begin + place + 8, length) if whole else None
            place += 8 + length + length % 2
        return None

    @classmethod
    def _from_chunks(cls, form: bytes, offset: int, length: int) -> WavLayout | None:
        if len(form) < 16:
            return None
        tag, channels, sample_rate, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", form)
        if tag == _EXTENSIBLE and len(form) >= 26:
            tag = struct.unpack_from("<H", form, 24)[0]
        kind = {(_PCM, 16): "pcm16", (_PCM, 24): "pcm24", (_FLOAT, 32): "float"}.get((tag, bits))
        if kind is None or not channels or not sample_rate or frame_bytes != channels * bits // 8:
            return None
        return cls(kind, sample_rate, channels, offset, length // frame_bytes, frame_bytes)
