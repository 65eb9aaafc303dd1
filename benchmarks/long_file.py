"""An hour of sound windowed, resampled and written: prints the most memory that took, as JSON.

long_file.py SOURCE FOLDER: run as a process of its own, since the peak is that of the whole process.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from tonewright.audio.corpus import Corpus, Track
from tonewright.audio.files import SoundWriter, probe, stream
from tonewright.audio.windows import Windows, WindowSettings


def peak_mb() -> float:
    """Most resident memory so far; `ru_maxrss` would count the process that started this one too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> None:
    source, folder = sys.argv[1], Path(sys.argv[2])
    begin, info = time.perf_counter(), probe(source)
    track = Track(
        name="hour",
        song="hour",
        stems={"mixture": source},
        sample_rate=info.sample_rate,
        channels=info.channels,
        frames=info.frames,
        split="train",
    )
    settings = WindowSettings(seconds=1.5, sample_rate=48000, channels=2)
    windows = Windows(Corpus.from_tracks([track]), settings, seed=0, length=500)
    for index in range(len(windows)):
        windows[0, index]
    windowed_mb = peak_mb()
    with SoundWriter(folder / "resampled.flac", sample_rate=48000, channels=info.channels) as writer:
        for block in stream(source, block_frames=1 << 16, sample_rate=48000):
            writer.write(block)
    figures = {"hours": info.seconds / 3600, "windowed_mb": windowed_mb, "peak_mb": peak_mb()}
    print(json.dumps({**figures, "seconds": time.perf_counter() - begin}))


if __name__ == "__main__":
    main()
