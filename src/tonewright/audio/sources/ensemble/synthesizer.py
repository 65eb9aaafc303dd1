"""Fluidsynth, as a process: many parts in, their sound out."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tonewright.audio.sources.ensemble.casting import Cast, Soundfont
from tonewright.audio.sources.ensemble.midi import SAMPLE_RATE, take_start, write_takes
from tonewright.errors import TonewrightError

_GAIN = 0.5
_FRAME_BYTES = 8  # two channels of float32
_LATENCY_FRAMES = 96  # from the event to the sound: half a block on average, and one that is being rendered


class SynthesizerError(TonewrightError):
    """Fluidsynth is missing or could not play."""


def find_fluidsynth() -> str:
    """The command.

    Raises
    ------
    SynthesizerError
        If it is not on the machine.
    """
    command = shutil.which("fluidsynth")
    if command is None:
        raise SynthesizerError(
            "fluidsynth is not on this machine: songs are played by it; install the package fluidsynth "
            "(Debian, Ubuntu) or the formula fluid-synth (Homebrew)"
        )
    return command


def render(casts: Sequence[Cast], frames: int) -> Iterator[np.ndarray]:
    """Parts played by one soundfont, one after another.

    No reverberation, no chorus, no dither; notes begin at blocks of 64 samples. The samples of a bank are
    read as its presets are called for, so that a start costs little however large the bank is.

    Parameters
    ----------
    casts : parts with presets of one soundfont
    frames : length of each

    Returns
    -------
    (2, frames) float32 of each part, at 44.1 kHz

    Raises
    ------
    SynthesizerError
        If fluidsynth is missing or fails.
    """
    paths = {cast.player.path for cast in casts if isinstance(cast.player, Soundfont)}
    if len(paths) != 1:
        raise ValueError("parts of one soundfont are rendered together")
    (path,) = paths
    with TemporaryDirectory(prefix="tonewright-") as folder:
        midi, sound = Path(folder, "takes.mid"), Path(folder, "takes.raw")
        write_takes(midi, casts, frames)
        _run(path, midi, sound)
        for number in range(len(casts)):
            yield _take(sound, path, take_start(number, frames), frames)


def _run(font: Path, midi: Path, sound: Path) -> None:
    """One process, told everything: settings of the user's own would make other sound."""
    command = [find_fluidsynth(), "-q", "-n", "-i", "-f", os.devnull, "-R", "0", "-C", "0", "-g", str(_GAIN)]
    command += ["-r", str(SAMPLE_RATE), "-T", "raw", "-O", "float", "-E", "little", "-F", str(sound)]
    command += [
        "-o",
        "synth.dynamic-sample-loading=1",
        "-o",
        "synth.polyphony=512",
        "-o",
        "synth.cpu-cores=1",
    ]
    done = subprocess.run(
        [*command, str(font.resolve()), str(midi)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    # It ends well whatever happened, and says on the way what did.
    errors = [line for line in done.stderr.splitlines() if "error" in line]
    if done.returncode or errors:
        why = errors[0].removeprefix("fluidsynth: error: ") if errors else f"status {done.returncode}"
        raise SynthesizerError(f"fluidsynth cannot play {font}: {why}")


def _take(sound: Path, font: Path, start: int, frames: int) -> np.ndarray:
    """Some frames of what was rendered, (2, frames)."""
    first = start + _LATENCY_FRAMES
    try:
        samples = np.fromfile(sound, "<f4", count=2 * frames, offset=first * _FRAME_BYTES)
    except OSError as error:
        raise SynthesizerError(f"fluidsynth wrote no sound with {font}: {error}") from error
    if len(samples) < 2 * frames:
        raise SynthesizerError(f"fluidsynth played {font} but in part; is the soundfont whole?")
    return np.ascontiguousarray(samples.reshape(-1, 2).T)
