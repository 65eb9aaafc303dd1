"""Sound files in: what they hold, any part of them, and streams of blocks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Self

import numpy as np
import soundfile

from tonewright.audio.clips import Clip, convert_channels, equal_blocks, resample, resample_blocks
from tonewright.audio.headers import SoundInfo, damage, info_of, open_sound
from tonewright.audio.seeking import Entry
from tonewright.errors import AudioError, UsageError

_SKIP_FRAMES = 65_536
_FLOATING = frozenset({"FLOAT", "DOUBLE"})


class SoundReader:
    """An open sound file, for many reads of its parts.

    Not to be shared between threads or processes. Close it, or use it as a context manager.

    Parameters
    ----------
    path : the file
    allow_nonfinite : give NaN and infinite samples as they are, where otherwise they are an error

    Raises
    ------
    AudioError
        If the file is missing, empty, truncated, or not a sound file that can be read.
    """

    def __init__(self, path: str | os.PathLike[str], *, allow_nonfinite: bool = False) -> None:
        self._sound = open_sound(path)
        self.path = os.fspath(path)
        try:
            self.info = info_of(self.path, self._sound)
        except BaseException:
            self._sound.close()
            raise
        self._entry = Entry(self.path, self.info.encoding)
        self._fresh, self._turn = True, 0
        self._checks = self.info.encoding in _FLOATING and not allow_nonfinite

    def read(self, *, start: int = 0, frames: int | None = None) -> np.ndarray:
        """Read one part, exact to the sample (MP3 and Opus: to a rounding of float32).

        A part has the same samples whatever was read before.

        Parameters
        ----------
        start, frames : the part, in frames of the file; without `frames`, to the end

        Returns
        -------
        (channels, frames), float32, C-contiguous

        Raises
        ------
        AudioError
            If the part reaches past the end, the file turns out to be damaged or truncated there, or
            it holds NaN or infinite samples.
        """
        self._turn += 1
        return self._part(start, frames, follows=False)

    def blocks(self, block_frames: int, *, start: int = 0, frames: int | None = None) -> Iterator[np.ndarray]:
        """Read a part in consecutive blocks.

        Parameters
        ----------
        block_frames : length of a block; the last may be shorter
        start, frames : the part, in frames of the file; without `frames`, to the end

        Yields
        ------
        (channels, time), float32
        """
        if block_frames < 1:
            raise UsageError(f"a block has at least 1 frame; got {block_frames}")
        end = self.info.frames if frames is None else start + frames
        if end > self.info.frames or end <= start:
            self.read(start=start, frames=end - start)  # says what is wrong
        turn = None
        for position in range(start, end, block_frames):
            # A lossy decoder that was not used in the meantime goes on where it is.
            follows = turn == self._turn
            self._turn += not follows
            turn = self._turn
            yield self._part(position, min(block_frames, end - position), follows=follows)

    def _part(self, start: int, frames: int | None, *, follows: bool) -> np.ndarray:
        total = self.info.frames
        if total == 0:
            raise AudioError(self.path, "holds no samples")
        count = total - start if frames is None else frames
        if start < 0 or count < 0 or start + count > total:
            raise AudioError(self.path, f"holds {total} frames; {start} to {start + count} were asked for")
        try:
            if not follows:
                self._go_to(start)
            samples = self._sound.read(count, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise AudioError(self.path, damage(self.path, total)) from error
        if samples.shape[0] != count:
            raise AudioError(self.path, damage(self.path, total))
        if self._checks and not np.isfinite(samples).all():
            raise AudioError(self.path, _nonfinite(samples, start))
        return np.ascontiguousarray(samples.T)

    def _go_to(self, start: int) -> None:
        if self._entry.lossless:
            if self._sound.tell() != start:
                self._sound.seek(start)
            return
        if not self._fresh:
            self._sound.close()
            self._sound = open_sound(self.path)
        self._fresh = False
        position = self._entry.before(start)
        if position:
            self._sound.seek(position)
        for begin in range(position, start, _SKIP_FRAMES):
            self._sound.read(min(_SKIP_FRAMES, start - begin), dtype="float32")

    def close(self) -> None:
        """Close the file; reading from it is over."""
        self._sound.close()

    def __enter__(self) -> Self:
        """Give the reader itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the file."""
        self.close()


def probe(path: str | os.PathLike[str]) -> SoundInfo:
    """What a sound file holds, from its header alone.

    Damage and truncation show here where the header gives them away (WAV, AIFF, AU, OGG), in FLAC
    and MP3 only when the missing part is read.

    Raises
    ------
    AudioError
        If the file is missing, empty, truncated, or not a sound file that can be read.
    """
    with SoundReader(path) as reader:
        return reader.info


def read(
    path: str | os.PathLike[str],
    *,
    start: int = 0,
    frames: int | None = None,
    sample_rate: int | None = None,
    channels: int | None = None,
) -> Clip:
    """Read a sound file, or a part of it, exact to the sample.

    The part is cut first, then resampled, then its channels are converted.

    Parameters
    ----------
    path : WAV, FLAC, OGG, Opus, MP3, AIFF and what else libsndfile reads
    start, frames : the part, in frames of the file; without `frames`, to the end
    sample_rate : Hz; the file's own where not given
    channels : by the rule of `convert_channels`; the file's own where not given

    Raises
    ------
    AudioError
        If the file is missing, empty, truncated or damaged, holds no samples, holds NaN or infinite
        samples, or is shorter than the part asked for.
    """
    with SoundReader(path) as reader:
        samples = reader.read(start=start, frames=frames)
        rate = reader.info.sample_rate
    if sample_rate is not None and sample_rate != rate:
        samples, rate = resample(samples, from_rate=rate, to_rate=sample_rate), sample_rate
    if channels is not None:
        samples = convert_channels(samples, channels)
    return Clip(samples, rate)


def stream(
    path: str | os.PathLike[str],
    *,
    block_frames: int,
    sample_rate: int | None = None,
    start: int = 0,
    frames: int | None = None,
) -> Iterator[np.ndarray]:
    """Read a sound file in blocks, in memory that does not grow with its length.

    Joined, the blocks equal what `read` gives with the same arguments.

    Parameters
    ----------
    path : as for `read`
    block_frames : length of the blocks given, at the rate given; the last may be shorter
    sample_rate : Hz; the file's own where not given
    start, frames : the part, in frames of the file; without `frames`, to the end

    Yields
    ------
    (channels, block_frames), float32
    """
    with SoundReader(path) as reader:
        rate = reader.info.sample_rate
        if sample_rate is None or sample_rate == rate:
            yield from reader.blocks(block_frames, start=start, frames=frames)
            return
        source_frames = max(1, -(-block_frames * rate // sample_rate))
        blocks = reader.blocks(source_frames, start=start, frames=frames)
        yield from equal_blocks(resample_blocks(blocks, from_rate=rate, to_rate=sample_rate), block_frames)


def _nonfinite(samples: np.ndarray, start: int) -> str:
    """Say where NaN or infinite samples are, in samples (time, channels)."""
    bad = ~np.isfinite(samples)
    first = start + int(bad.any(axis=1).argmax())
    return f"holds NaN or infinite samples ({int(bad.sum())} in the part read, the first at frame {first})"
