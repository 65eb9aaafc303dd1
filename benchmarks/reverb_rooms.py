"""Pictures of three measured rooms, sounds of three generated ones, beside their fits, for the documentation.

``python benchmarks/reverb_rooms.py docs/reverb [--rirs FOLDER]``
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from harness import say
from reverb_quality import RIRS
from tonewright.audio.band import write_band
from tonewright.audio.files import Clip, read
from tonewright.reverb import fit, plot, render

MEASURED = ("rir_gewandhaus_w", "rir_stairway", "rir_sportscentre")
GENERATED = ("bedroom", "concert-hall", "cathedral")
SECONDS = 4.0


def pictures(folder: Path, rirs: Path) -> None:
    """Decay reliefs and decay times of measured rooms and their fits."""
    for name in MEASURED:
        say(f"fitting {name}")
        found = fit(read(rirs / f"{name}.flac"))
        for kind in ("relief", "decays"):
            figure = plot(found, kind=kind)
            figure.savefig(folder / f"{name.removeprefix('rir_')}-{kind}.png", dpi=110)


def sounds(folder: Path) -> None:
    """Responses of generated rooms, and drums in them, each as it is and as the network gives it."""
    with tempfile.TemporaryDirectory() as scratch:
        band = Path(scratch, "band")
        write_band(band, songs=1, seconds=6.0)
        drums = read(next(band.rglob("dry/**/drums.wav")))
        loop = Clip(drums.samples[:, : int(SECONDS * drums.sample_rate)], drums.sample_rate)
        for name in GENERATED:
            say(f"fitting {name}")
            room = read(next((band / "rooms").glob(f"{name}_*.wav")))
            found = fit(room)
            keep(folder / f"{name}-room.mp3", Clip(found.room.astype(np.float32), room.sample_rate))
            keep(folder / f"{name}-fit.mp3", Clip(found.response.astype(np.float32), room.sample_rate))
            keep(folder / f"{name}-drums-room.mp3", in_room(loop, found.room))
            keep(folder / f"{name}-drums-fit.mp3", render(found.network, loop.mono()))


def in_room(loop: Clip, response: np.ndarray) -> Clip:
    """A sound convolved with (channels, time), from its mean channel."""
    from scipy.signal import oaconvolve

    made = oaconvolve(loop.mono().samples, response, axes=-1)
    return Clip(made.astype(np.float32), loop.sample_rate)


def keep(path: Path, clip: Clip) -> None:
    """Write a sound at one level, no longer than it lasts to the ear."""
    samples = clip.samples[:, : int((SECONDS + 2.0) * clip.sample_rate)]
    soundfile.write(path, samples.T * (0.9 / np.abs(samples).max()), clip.sample_rate, format="MP3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rirs", type=Path, default=RIRS, help="folder of measured responses")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    sounds(arguments.folder)
    if arguments.rirs.is_dir():
        pictures(arguments.folder, arguments.rirs)


if __name__ == "__main__":
    main()
