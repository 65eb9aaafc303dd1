"""Opening sound files, and saying what is wrong with those that are damaged."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile

from tonewright.audio.members import MemberFile, open_member
from tonewright.audio.mpeg import count_untagged
from tonewright.audio.ogg import ogg_tail
from tonewright.errors import AudioError

# libsndfile's log, where a chunk states more bytes than the file has.
_SHORT_CHUNK = re.compile(r"^ *(?:data|SSND|Data Size) *: *(\d+) \(should be (\d+)\)", re.MULTILINE)
# Programs that write to a pipe cannot go back to fill in the length, and leave a huge one.
_UNSTATED_BYTES = 0x7FFF_0000
_UNSTATED_FRAMES = 1 << 62
_SCAN_FRAMES = 4096
_EMPTY = "is empty (0 bytes)"
_REWRITE = "write it anew, for instance with: ffmpeg -i OLD NEW"


@dataclass(frozen=True)
class SoundInfo:
    """What a sound file holds, from its header.

    Parameters
    ----------
    path : as it was given
    sample_rate : Hz
    channels, frames : shape of the sound
    container : libsndfile's name of the file format, such as "WAV"
    encoding : libsndfile's name of the sample format, such as "PCM_16"
    """

    path: str
    sample_rate: int
    channels: int
    frames: int
    container: str
    encoding: str

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


class PlainFile(soundfile.SoundFile):
    """A file that is read without a seek after each read.

    soundfile seeks to where it is already after every read of a file that says it can; that costs time
    in compressed formats, and in lossy ones changes what comes next. Seeking itself still works.
    """

    def seekable(self) -> bool:
        """Say no, so that a read is only a read."""
        return False

    def close(self) -> None:
        """Close the sound, and the archive that it lies in."""
        super().close()
        if isinstance(self.name, MemberFile):
            self.name.close()


def native(path: str | os.PathLike[str]) -> Any:
    """A path as libsndfile takes it: in bytes, since a name need not be valid text."""
    return os.fsencode(path)


def open_sound(path: str | os.PathLike[str]) -> PlainFile:
    """Open for reading, with errors that say what is wrong."""
    name = os.fspath(path)
    member = open_member(path)
    if member is not None:
        if not member.place.size:
            raise AudioError(name, _EMPTY)
        return _decoder(name, member)
    try:
        facts = Path(path).stat()
    except FileNotFoundError:
        raise AudioError(name, "there is no such file") from None
    except (OSError, ValueError) as error:
        raise AudioError(name, f"cannot be opened ({getattr(error, 'strerror', None) or error})") from error
    if stat.S_ISDIR(facts.st_mode):
        raise AudioError(name, "is a folder; a sound file was expected")
    if not stat.S_ISREG(facts.st_mode):
        raise AudioError(name, "is not a regular file")
    if facts.st_size == 0:
        raise AudioError(name, _EMPTY)
    if not os.access(path, os.R_OK):
        raise AudioError(name, "may not be read: permission denied")
    return _decoder(name, native(path))


def _decoder(name: str, source: Any) -> PlainFile:
    """A decoder of a path or an open file, with errors that say what is wrong."""
    try:
        return PlainFile(source)
    except soundfile.LibsndfileError as error:
        reason = str(error.error_string).removeprefix("Error : ").rstrip(".")
        raise AudioError(name, f"is not a sound file that can be read ({reason})") from error
    except TypeError as error:  # headerless samples, by their suffix
        raise AudioError(name, "has no header that says what it holds; convert it to WAV") from error


def info_of(path: str, sound: soundfile.SoundFile) -> SoundInfo:
    """Turn an open file into facts, refusing one that is known to lack a part."""
    frames, log = sound.frames, sound.extra_info
    if frames >= _UNSTATED_FRAMES:
        raise AudioError(path, f"does not state its length; {_REWRITE}")
    short = _SHORT_CHUNK.search(log)
    if short is not None:
        stated, present = int(short[1]), int(short[2])
        promised = stated // (present // frames) if 0 < frames <= present else frames
        if stated < _UNSTATED_BYTES and promised > frames:
            raise AudioError(path, _truncation(promised, frames))
    if sound.format == "OGG" and not ogg_tail(path).ends:
        raise AudioError(path, f"is truncated: its stream breaks off after {frames} frames")
    if sound.format == "MP3":
        frames = _mpeg_frames(path, frames)
    return SoundInfo(path, sound.samplerate, sound.channels, frames, sound.format, sound.subtype)


def _mpeg_frames(path: str, guess: int) -> int:
    counted = count_untagged(path)
    if counted is None:
        return guess
    if not counted.constant:
        raise AudioError(path, f"does not state its length and its bit rate varies; {_REWRITE}")
    return min(guess, counted.frames)


def _truncation(promised: int, present: int) -> str:
    return f"is truncated: its header promises {promised} frames, {present} are there"


def damage(path: str, promised: int) -> str:
    """Say how far a file can be read whose reading failed."""
    present = 0
    with open_sound(path) as sound:
        while present < promised:
            try:
                count = len(sound.read(_SCAN_FRAMES, dtype="float32"))
            except soundfile.LibsndfileError:
                break
            present += count
            if count < _SCAN_FRAMES:
                break
    if present >= promised:
        return f"cannot be read in parts: seeking in its {promised} frames fails; write it anew"
    return _truncation(promised, present) + " (or it is damaged there)"
