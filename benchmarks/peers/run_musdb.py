"""musdb's side: random chunks of a MUSDB18-HQ folder. Run in the environment of musdb.txt; prints JSON.

run_musdb.py FOLDER SECONDS CHUNKS [mp4]: of the WAV folder, or of the one with stems in .stem.mp4
"""

import json
import random
import sys
import time
import warnings
from importlib.metadata import version

warnings.filterwarnings("ignore")

import musdb  # noqa: E402 # pyright: ignore[reportMissingImports]

folder, seconds, count = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
corpus = musdb.DB(root=folder, is_wav=sys.argv[4:] != ["mp4"], subsets="train")
lengths = [track.duration for track in corpus.tracks]


def read(stems: bool) -> None:
    """One chunk of a random track: all stems aligned, or the mixture alone."""
    number = random.randrange(len(lengths))
    track = corpus.tracks[number]
    track.chunk_duration = seconds
    track.chunk_start = random.uniform(0, lengths[number] - seconds)
    samples = track.stems if stems else track.audio
    assert samples.shape == ((5, round(44100 * seconds), 2) if stems else (round(44100 * seconds), 2))


def rate(stems: bool) -> float:
    """Chunks per second of wall-clock time, the best of three rounds; a first is not counted."""
    best = 0.0
    for turn in range(4):
        begin = time.perf_counter()
        for _ in range(count):
            read(stems)
        if turn:
            best = max(best, count / (time.perf_counter() - begin))
    return best


figures = {"mixture": rate(False), "stems": rate(True)}
print(json.dumps({**figures, "versions": {name: version(name) for name in ("musdb", "stempeg")}}))
