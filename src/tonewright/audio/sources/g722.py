"""G.722 without a header, as telephone systems keep it: 64 kbit/s, one byte for two samples at 16 kHz.

Decoded by ffmpeg, many files in one run. Each is an input of its own, since the decoder adapts to what
it has heard: decoded as one stream, a file would begin with the state in which the last one ended, and
the first tenths of a second would be distorted.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tonewright.audio.sources.packages import SourceError

SAMPLE_RATE = 16_000
_MOST_FILES = 40
_MOST_BYTES = 6 << 20
_SECONDS = 300


def decode(paths: Sequence[Path]) -> Iterator[np.ndarray | str]:
    """The samples of each file, in order, or why there are none.

    Yields
    ------
    (time,), int16, at 16 kHz; or words

    Raises
    ------
    SourceError
        If ffmpeg is missing or hangs.
    """
    if shutil.which("ffmpeg") is None:
        raise SourceError(
            "speech in G.722 is decoded by ffmpeg, which is not on this machine; install ffmpeg"
        )
    for batch in _batches(paths):
        yield from _decode_batch(batch)


def _batches(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Some files at a time, few enough to be decoded in memory."""
    batch: list[Path] = []
    room = _MOST_BYTES
    for path in paths:
        size = path.stat().st_size
        if batch and (len(batch) == _MOST_FILES or size > room):
            yield batch
            batch, room = [], _MOST_BYTES
        batch.append(path)
        room -= size
    if batch:
        yield batch


def _decode_batch(batch: list[Path]) -> Iterator[np.ndarray | str]:
    whole = [path for path in batch if path.stat().st_size > 0]
    frames = {path: 2 * path.stat().st_size for path in whole}
    samples = _run(whole) if whole else np.empty(0, np.int16)
    if samples is None or samples.size != sum(frames.values()):
        # One of them is not what it seems: each on its own.
        alone = {path: _run([path]) for path in whole}
    else:
        ends = np.cumsum([frames[path] for path in whole])[:-1]
        alone = dict(zip(whole, np.split(samples, ends), strict=True))
    for path in batch:
        found = alone.get(path)
        if found is None or found.size != frames[path]:
            yield "is empty" if path not in frames else "cannot be decoded as G.722"
        else:
            yield found


def _run(paths: list[Path]) -> np.ndarray | None:
    """The samples of some files, one after another; None when ffmpeg refuses."""
    inputs = [word for path in paths for word in ("-f", "g722", "-i", f"file:{path.resolve()}")]
    join = "".join(f"[{number}:a]" for number in range(len(paths))) + f"concat=n={len(paths)}:v=0:a=1"
    command = ["ffmpeg", "-v", "error", "-nostdin", *inputs]
    command += ["-filter_complex", join, "-f", "s16le", "-ac", "1", "-ar", str(SAMPLE_RATE), "-"]
    try:
        outcome = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise SourceError(f"ffmpeg took more than {_SECONDS} s and was stopped") from None
    return np.frombuffer(outcome.stdout, "<i2") if outcome.returncode == 0 else None
