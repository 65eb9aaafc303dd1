"""Sound files out: whole or not at all, in blocks."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import numpy as np
import soundfile

from tonewright.audio.clips import Clip
from tonewright.audio.headers import native
from tonewright.audio.reading import SoundReader
from tonewright.errors import AudioError, OutputError, UsageError

# The first of each is what `encoding=None` gives.
ENCODINGS: Mapping[str, tuple[str, ...]] = {
    ".wav": ("pcm24", "pcm16", "float"),
    ".flac": ("pcm24", "pcm16"),
    ".ogg": ("vorbis",),
}
_SUBTYPES = {"pcm16": "PCM_16", "pcm24": "PCM_24", "float": "FLOAT", "vorbis": "VORBIS"}
_SAMPLE_BYTES = {"pcm16": 2, "pcm24": 3, "float": 4}
_MAX_CHANNELS = {".wav": 65_535, ".flac": 8, ".ogg": 255}
# Vorbis: above it, the encoder has no set-up and crashes the process.
_MAX_RATE = {".wav": 2**31 - 1, ".flac": 655_350, ".ogg": 200_000}
_WAV_BYTES = 2**32 - 4096
_HEADER_BYTES = 4096
_FULL_BYTES = 1 << 20
# A long OGG in one call crashes libsndfile; conversion in blocks also bounds the memory.
_BLOCK_FRAMES = 65_536
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_WAY = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def atomic_output(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Write a file whole or not at all.

    Gives a temporary path in the same folder, hidden and with the same suffix. When the block ends,
    the temporary file takes its name; when the block fails, it is removed. The folder is made where
    it is missing.

    Parameters
    ----------
    path : the file to write
    overwrite : replace what is there

    Raises
    ------
    OutputError
        If the file is there already, is a folder, its folder cannot be written, or the disk is full.
    """
    target = Path(path)
    temporary = target.with_name(f".tonewright-{secrets.token_hex(8)}{target.suffix[:16]}")
    try:
        _check_free(target, overwrite=overwrite)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)  # a folder that cannot be written shows before the work, not after
        yield temporary
        _check_free(target, overwrite=overwrite)
        temporary.replace(target)
    except OSError as error:
        reason = _reason(error, target, temporary)
        if reason is None:
            raise
        raise OutputError(f"{target}: {reason}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write(
    path: str | os.PathLike[str], clip: Clip, *, encoding: str | None = None, overwrite: bool = False
) -> None:
    """Write a sound file, whole or not at all.

    Parameters
    ----------
    path : its suffix chooses the format: .wav, .flac or .ogg
    clip : the sound; integer encodings clip it at full scale
    encoding : "pcm16", "pcm24" or "float" for WAV, "pcm16" or "pcm24" for FLAC; "pcm24" where not given
    overwrite : replace what is there

    Raises
    ------
    UsageError
        If the format cannot hold this sound or encoding.
    AudioError
        If the sound is empty or holds NaN or infinite samples.
    OutputError
        If the file is there already or cannot be written.
    """
    with SoundWriter(
        path, sample_rate=clip.sample_rate, channels=clip.channels, encoding=encoding, overwrite=overwrite
    ) as writer:
        writer.write(clip.samples)


class SoundWriter:
    """Writes a sound file block by block, whole or not at all.

    A context manager: at its end the file takes its name; on an error nothing is left.

    Parameters
    ----------
    path : its suffix chooses the format: .wav, .flac or .ogg
    sample_rate, channels : of the sound
    encoding : as for `write`
    overwrite : replace what is there
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        sample_rate: int,
        channels: int,
        encoding: str | None = None,
        overwrite: bool = False,
    ) -> None:
        self.path = Path(path)
        self.sample_rate, self.channels = sample_rate, channels
        self.encoding = _checked_encoding(self.path, encoding, sample_rate, channels)
        self.frames = 0
        self._output = atomic_output(self.path, overwrite=overwrite)

    def __enter__(self) -> Self:
        """Open the temporary file."""
        self._temporary = self._output.__enter__()
        with self._kept_or_removed():
            self._sound = soundfile.SoundFile(
                native(self._temporary),
                "w",
                self.sample_rate,
                self.channels,
                _SUBTYPES[self.encoding],
                format=self.path.suffix[1:].upper(),
            )
        return self

    def write(self, samples: np.ndarray) -> None:
        """Append a block.

        Parameters
        ----------
        samples : (channels, time), floating point, of any length
        """
        if samples.ndim != 2 or samples.shape[0] != self.channels:
            raise UsageError(f"{self.path}: blocks have shape ({self.channels}, time); got {samples.shape}")
        for start in range(0, samples.shape[1], _BLOCK_FRAMES):
            block = samples[:, start : start + _BLOCK_FRAMES]
            if not np.isfinite(block).all():
                raise AudioError(self.path, "was not written: the sound holds NaN or infinite samples")
            self._check_room(block.shape[1])
            try:
                self._sound.write(_encoded(block.T, self.encoding))
            except (soundfile.LibsndfileError, AssertionError) as error:
                raise self._failure(error) from error
            self.frames += block.shape[1]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Give the file its name, or remove it after an error."""
        with self._kept_or_removed():
            with suppress(soundfile.LibsndfileError):
                self._sound.close()
            if error is not None:
                raise error
            if self.frames == 0:
                raise AudioError(self.path, "was not written: there are no samples")
            self._finish()
        self._output.__exit__(None, None, None)

    @contextmanager
    def _kept_or_removed(self) -> Iterator[None]:
        """Remove the temporary file when the block fails."""
        try:
            yield
        except soundfile.LibsndfileError as error:
            failure = self._failure(error)
            self._output.__exit__(type(failure), failure, None)
            raise failure from error
        except BaseException as error:
            self._output.__exit__(type(error), error, error.__traceback__)
            raise

    def _finish(self) -> None:
        """Make the bytes depend on the sound alone, and see that all of it arrived.

        libsndfile does not report what it fails to write while closing.
        """
        if self.encoding == "float":
            _clear_peak_time(self._temporary)
        try:
            with SoundReader(self._temporary) as reader:
                written = reader.info.frames
                reader.read(start=max(0, written - 1), frames=1)
        except AudioError as error:
            raise self._failure(error) from error
        if written != self.frames:
            raise self._failure(AudioError(self.path, f"{written} of {self.frames} frames arrived"))

    def _failure(self, error: Exception) -> OutputError:
        if shutil.disk_usage(self._temporary.parent).free < _FULL_BYTES:
            return OutputError(f"{self.path}: the disk is full")
        reason = error.reason if isinstance(error, AudioError) else str(error).strip(".") or "incomplete"
        return OutputError(f"{self.path}: could not be written whole ({reason})")

    def _check_room(self, frames: int) -> None:
        if self.path.suffix.lower() != ".wav":
            return
        size = (self.frames + frames) * self.channels * _SAMPLE_BYTES[self.encoding]
        if size > _WAV_BYTES:
            raise OutputError(f"{self.path}: a WAV holds at most 4 GiB; choose .flac for a sound this long")


def _encoded(samples: np.ndarray, encoding: str) -> np.ndarray:
    """Samples (time, channels) as libsndfile stores them without changing them further.

    Its own conversion multiplies by 2^(bits − 1) − 1 and divides by 2^(bits − 1), so that a file
    read and written would not stay the same.
    """
    if encoding not in ("pcm16", "pcm24"):
        return np.ascontiguousarray(samples, dtype=np.float32)
    bits = 16 if encoding == "pcm16" else 24
    scaled = np.rint(samples * samples.dtype.type(2 ** (bits - 1)))
    whole = np.clip(scaled, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if encoding == "pcm16":
        return np.ascontiguousarray(whole, dtype=np.int16)
    return np.ascontiguousarray(whole, dtype=np.int32) << 8


def _checked_encoding(path: Path, encoding: str | None, sample_rate: int, channels: int) -> str:
    suffix = path.suffix.lower()
    if suffix not in ENCODINGS:
        raise UsageError(f"{path}: cannot write {suffix or 'a name without suffix'}; use .wav, .flac or .ogg")
    chosen = ENCODINGS[suffix][0] if encoding is None else encoding
    if chosen not in ENCODINGS[suffix]:
        raise UsageError(f"{path}: {suffix} has no encoding {chosen!r}; use {' or '.join(ENCODINGS[suffix])}")
    if not 1 <= channels <= _MAX_CHANNELS[suffix]:
        raise UsageError(f"{path}: {suffix} holds 1 to {_MAX_CHANNELS[suffix]} channels; got {channels}")
    if not 1 <= sample_rate <= _MAX_RATE[suffix]:
        raise UsageError(f"{path}: {suffix} holds rates to {_MAX_RATE[suffix]} Hz; got {sample_rate}")
    return chosen


def _clear_peak_time(path: Path) -> None:
    """Zero the time stamp that libsndfile puts into the PEAK chunk of floating-point WAV files."""
    with path.open("r+b") as file:
        position = file.read(_HEADER_BYTES).find(b"PEAK")
        if position >= 0:
            file.seek(position + 12)
            file.write(bytes(4))


def _check_free(target: Path, *, overwrite: bool) -> None:
    if target.is_dir():
        raise OutputError(f"{target}: is a folder; name a file")
    if not overwrite and os.path.lexists(target):
        raise OutputError(f"{target}: exists already; choose another name, or overwrite it with --force")


def _reason(error: OSError, target: Path, temporary: Path) -> str | None:
    """Say what an error of the system means for the file being written; None if it is about another."""
    if error.errno in _NO_ROOM:
        return "the disk is full" if error.errno != errno.EFBIG else "the file is larger than is allowed here"
    ours = {os.fspath(path) for path in (target, temporary, *target.parents)}
    if error.filename is None or os.fspath(error.filename) not in ours:
        return None
    if error.errno in _NO_WAY:
        return "its folder cannot be written (permission denied, or a read-only disk)"
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return f"{target.parent} is not a folder"
    return f"cannot be written ({error.strerror})"
