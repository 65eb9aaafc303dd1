"""The streams of a container by ffprobe, and their samples by ffmpeg."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tonewright.audio.files import probe
from tonewright.errors import AudioError, CorpusError

# What may lack at the end where ffmpeg found fault: lengths are stated in milliseconds, rounded.
_ROUNDING_SECONDS = 0.002
# What may lack where it found none: encoders round lengths to packets, or count what precedes the sound.
_PACKETS_SECONDS = 0.2


@dataclass(frozen=True)
class Stream:
    """A sound stream of a container.

    Parameters
    ----------
    sample_rate : Hz
    channels : of it
    frames : as the container states them; None where it does not
    """

    sample_rate: int
    channels: int
    frames: int | None

    @property
    def bytes(self) -> int:
        """Size as 16-bit samples; that of four minutes where the length is not known."""
        frames = 240 * self.sample_rate if self.frames is None else self.frames
        return 2 * self.channels * frames


def check_ffmpeg(folder: Path) -> None:
    """Say what to install for the mp4 files in `folder` where ffmpeg or ffprobe is not on the path.

    Raises
    ------
    CorpusError
        If one of them is not.
    """
    lacking = " and ".join(name for name in ("ffmpeg", "ffprobe") if shutil.which(name) is None)
    if lacking:
        raise CorpusError(
            f"{folder}: its .stem.mp4 files are decoded by ffmpeg, but {lacking} cannot be found;"
            " install ffmpeg (apt install ffmpeg, brew install ffmpeg, conda install ffmpeg)"
        )


def streams_of(path: Path, stems: Sequence[str]) -> list[Stream]:
    """The first sound streams of a container, one a stem.

    Raises
    ------
    AudioError
        If it cannot be read, or has fewer.
    """
    fields = "stream=sample_rate,channels,duration_ts,time_base"
    command = ["ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", fields, "-of", "json"]
    done = subprocess.run([*command, str(path)], capture_output=True, check=False)
    if done.returncode:
        raise AudioError(path, f"is not an mp4 that ffmpeg can read ({_last_line(done.stderr, path)})")
    try:
        found = [_stream(item) for item in json.loads(done.stdout)["streams"]]
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise AudioError(
            path, f"is described by ffprobe in a way that is not understood ({error})"
        ) from error
    if len(found) < len(stems):
        lacking = ", ".join(stems[len(found) :])
        raise AudioError(path, f"holds {len(found)} sound streams, {len(stems)} are expected; not {lacking}")
    return found[: len(stems)]


def decode_streams(path: Path, streams: Sequence[Stream], outputs: Sequence[Path]) -> None:
    """Decode the first streams of a container in one run, each into a 16-bit WAV of the length it states.

    Raises
    ------
    AudioError
        If one of them cannot be decoded, or not to its end.
    """
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path)]
    for number, (stream, output) in enumerate(zip(streams, outputs, strict=True)):
        # The last packet of AAC is filled up with what is no sound.
        cut = [] if stream.frames is None else ["-af", f"atrim=end_sample={stream.frames}"]
        command += ["-map", f"0:a:{number}", *cut]
        command += ["-c:a", "pcm_s16le", "-map_metadata", "-1", "-bitexact", str(output)]
    done = subprocess.run(command, capture_output=True, check=False)
    complaint = _last_line(done.stderr, path)
    if done.returncode:
        raise AudioError(path, f"cannot be decoded by ffmpeg ({complaint})")
    for stream, output in zip(streams, outputs, strict=True):
        try:
            frames = probe(output).frames
        except AudioError as error:
            raise AudioError(path, f"cannot be decoded by ffmpeg ({complaint or error.reason})") from error
        allowed = _ROUNDING_SECONDS if complaint else _PACKETS_SECONDS
        if stream.frames is not None and stream.frames - frames > allowed * stream.sample_rate:
            here, stated = frames / stream.sample_rate, stream.frames / stream.sample_rate
            said = f" ({complaint})" if complaint else ""
            raise AudioError(
                path,
                f"is cut short or damaged: {here:.2f} of {stated:.2f} s of {output.stem} are there{said}",
            )


def _stream(item: Mapping[str, Any]) -> Stream:
    """A stream as ffprobe describes it."""
    rate, frames = int(item["sample_rate"]), None
    if "duration_ts" in item:
        above, below = item["time_base"].split("/")
        frames = round(int(item["duration_ts"]) * int(above) / int(below) * rate)
    return Stream(rate, int(item["channels"]), frames)


def _last_line(output: bytes, path: Path) -> str:
    """The last thing that ffmpeg said, without the path and the addresses of its parts."""
    lines = output.decode(errors="replace").strip().splitlines() or [""]
    return lines[-1].replace(f"{path}: ", "").rpartition("] ")[2].strip()
