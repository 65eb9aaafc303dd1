"""Open files, kept for the next read: the short road from a place in a file to float samples.

Plain WAV is read from its place on disk; everything else is decoded by libsndfile from a handle that stays
open. A handle belongs to the process that opened it: nothing of it is pickled, and a forked child starts
with none.
"""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from contextlib import suppress
from typing import Protocol

import numpy as np
import soundfile

from tonewright.audio.clips import convert_channels, resample
from tonewright.audio.members import open_member, status_of
from tonewright.audio.pcm import LEAD, SCRATCH, SCRATCH_BYTES, WavLayout, WavReader, spread_int16
from tonewright.audio.reading import SoundReader
from tonewright.errors import AudioError

MAX_HANDLES = 128
_FILTER_FRAMES = 192  # at the lower rate: an output of the resampler hears less than this on either side


class Reader(Protocol):
    """An open sound file: any part of it as float32."""

    path: str
    sample_rate: int
    frames: int

    def part(self, start: int, frames: int) -> np.ndarray:
        """Frames from `start` on, (channels, frames); an `AudioError` where the file cannot give them all."""
        ...


class DecodingReader(SoundReader):
    """Any file that libsndfile decodes, from a handle that stays open; NaN is let through."""

    def __init__(self, path: str) -> None:
        super().__init__(path, allow_nonfinite=True)
        self.sample_rate, self.frames = self.info.sample_rate, self.info.frames
        self._lock = threading.Lock()

    def part(self, start: int, frames: int) -> np.ndarray:
        """Frames from `start` on, (channels, frames)."""
        with self._lock:
            if self.info.encoding == "PCM_16":
                with suppress(soundfile.LibsndfileError):
                    samples = self._part_by_integers(start, frames)
                    if samples is not None:
                        return samples
            return self.read(start=start, frames=frames)  # or says what is wrong

    def _part_by_integers(self, start: int, frames: int) -> np.ndarray | None:
        """The same by way of 16-bit integers, cheaper from FLAC and as exact; None where frames lack."""
        channels = self.info.channels
        planar = np.empty((channels, frames), np.float32)
        block = (SCRATCH_BYTES - LEAD) // (2 * channels)
        self._sound.seek(start)
        for done in range(0, frames, block):
            count = min(block, frames - done)
            raw = SCRATCH.raw[: LEAD + 2 * channels * count]
            if len(self._sound.read(out=raw[LEAD:].view(np.int16).reshape(count, channels))) < count:
                return None
            spread_int16(raw, planar[:, done : done + count])
        return planar


def open_reader(path: str) -> Reader:
    """Open a sound file for reading parts of it; an `AudioError` where that fails."""
    member = open_member(path)
    if member is not None:
        layout = _layout(member.descriptor, begin=member.place.offset, size=member.place.size)
        return DecodingReader(path) if layout is None else WavReader(path, member.release(), layout)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return DecodingReader(path)  # says what is wrong
    layout = _layout(descriptor)
    if layout is not None:
        return WavReader(path, descriptor, layout)
    os.close(descriptor)
    return DecodingReader(path)


def _layout(descriptor: int, *, begin: int = 0, size: int | None = None) -> WavLayout | None:
    """As `WavLayout.of`; None as well where the header cannot be read."""
    try:
        return WavLayout.of(descriptor, begin=begin, size=size)
    except OSError:
        return None


class HandleCache:
    """The most recently used readers of this process.

    A file that was replaced, changed or removed is noticed at the next read of it, held open or not: what a
    read gives depends on the file, never on what was read before.

    Parameters
    ----------
    capacity : how many files are held open at most
    """

    def __init__(self, capacity: int = MAX_HANDLES) -> None:
        self.capacity = capacity
        self._readers: OrderedDict[str, tuple[tuple[int, ...], Reader]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many files are held open."""
        return len(self._readers)

    def reader(self, path: str) -> Reader:
        """The open reader of a file; an `AudioError` where it cannot be opened."""
        try:
            status = status_of(path)
        except OSError:
            with self._lock:
                self._readers.pop(path, None)
            return open_reader(path)  # says what is wrong
        stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        with self._lock:
            held = self._readers.get(path)
            if held is not None and held[0] == stamp:
                self._readers.move_to_end(path)
                return held[1]
        reader = open_reader(path)
        with self._lock:
            self._readers[path] = (stamp, reader)
            self._readers.move_to_end(path)
            while len(self._readers) > self.capacity:
                self._readers.popitem(last=False)
        return reader

    def forget(self) -> None:
        """Close every file that nobody is reading."""
        self._lock = threading.Lock()  # a forked child may have inherited it locked
        self._readers = OrderedDict()


HANDLES = HandleCache()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=HANDLES.forget)


def read_at_rate(
    path: str,
    *,
    start: int,
    frames: int,
    sample_rate: int,
    section: tuple[int, int] | None = None,
    channels: int | None = None,
) -> np.ndarray:
    """Part of a file as it would be cut from the whole file resampled: (channels, frames) float32.

    Resampling from f₁ to f₂ gives output k at the time of input k f₁ / f₂. With f₁/f₂ = p/q in lowest
    terms, every q-th output falls on an input, so a part that starts at a multiple of p gives the very
    samples of the whole, but for the length of the filter at both ends: so much more is read, and cut off.

    Parameters
    ----------
    path : the file
    start : first frame, at `sample_rate`
    frames : how many, at `sample_rate`
    sample_rate : of the samples returned, Hz
    section : first frame and length, at the file's own rate, of what counts as the whole file
    channels : of the samples returned, by the rule of `convert_channels`; the file's own where not given
    """
    reader = HANDLES.reader(path)
    first, length = (0, reader.frames) if section is None else section
    length = min(length, reader.frames - first)
    if reader.sample_rate == sample_rate:
        _check_end(reader, length, start + frames)
        samples = _part(reader, first + start, min(frames, length - start), mono=channels == 1)
        return samples if channels is None else convert_channels(samples, channels)
    common = math.gcd(reader.sample_rate, sample_rate)
    step_in, step_out = reader.sample_rate // common, sample_rate // common
    _check_end(reader, -(-length * step_out // step_in), start + frames)
    margin = math.ceil(_FILTER_FRAMES * max(1.0, step_in / step_out))
    first_step = max(0, (start * step_in // step_out - margin) // step_in)
    begin = first_step * step_in
    end = min(length, -(-(start + frames) * step_in // step_out) + margin)
    samples = _part(reader, first + begin, end - begin, mono=channels == 1)
    samples = resample(samples, from_rate=reader.sample_rate, to_rate=sample_rate)
    offset = start - first_step * step_out
    samples = samples[:, offset : offset + frames]
    return samples if channels is None else convert_channels(samples, channels)


def _part(reader: Reader, start: int, frames: int, *, mono: bool) -> np.ndarray:
    """Frames of a file; where one channel is wanted, their mean, which costs less before anything else."""
    if mono and isinstance(reader, WavReader):
        return reader.mean(start, frames)
    samples = reader.part(start, frames)
    return convert_channels(samples, 1) if mono else samples


def _check_end(reader: Reader, length: int, end: int) -> None:
    """A file that has become shorter than it was; one sample is left to the rounding of rates."""
    if length < 1 or end > length + 1:
        raise AudioError(reader.path, "is shorter than when it was indexed; index the folder again")
