"""Songs in folders of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tonewright.audio.corpus import load_corpus
from tonewright.audio.files import Clip, write
from tonewright.audio.layouts import LAYOUTS, Listing

LAYOUT = LAYOUTS["stems"]


def listing(*files: str) -> Listing:
    return Listing(Path("/corpus"), tuple(sorted(files)))


def test_a_folder_of_stems_is_a_song_and_nothing_beside_is_lost() -> None:
    names = ("rock/A/vocals.wav", "rock/A/Drums.WAV", "rock/A/drums.flac", "B/mixture.wav", "B/vocals.wav")
    found = list(LAYOUT.find(listing(*names, "B/take 2.wav", "loose.wav", "B/notes.txt", "C/bass.wav")))
    assert {track.name: dict(track.stems) for track in found} == {
        "rock/A": {"drums": "rock/A/Drums.WAV", "vocals": "rock/A/vocals.wav"},
        "B": {"mixture": "B/mixture.wav", "vocals": "B/vocals.wav"},
        "B/take 2": {"mixture": "B/take 2.wav"},
        "loose": {"mixture": "loose.wav"},
        "C/bass": {"mixture": "C/bass.wav"},
    }


@pytest.mark.parametrize(
    ("names", "seen"),
    [
        (("A/vocals.wav", "A/drums.wav"), True),
        (("mixture.wav", "vocals.wav"), True),
        (("A/vocals.wav", "A/drums.wav", "b.wav", "c.wav"), False),
        (("kit/drums.wav", "kit/bass.wav"), False),
        (("A/vocals.wav", "B/drums.wav"), False),
        ((), False),
    ],
)
def test_is_seen_where_most_of_the_sound_is_songs(names: tuple[str, ...], seen: bool) -> None:
    assert LAYOUT.detect(listing(*names)) == seen


def test_stems_of_a_song_are_one_track(tmp_path: Path) -> None:
    for seed, song in enumerate(("One", "Two", "Three")):
        for number, stem in enumerate(("mixture", "vocals", "drums", "guitar")):
            noise = np.random.default_rng([seed, number]).uniform(-0.1, 0.1, (1, 2000))
            write(tmp_path / song / f"{stem}.wav", Clip(noise.astype(np.float32), 8000))
    corpus = load_corpus(tmp_path)
    assert corpus.layout == "stems"
    assert sorted(track.song for track in corpus.tracks) == ["One", "Three", "Two"]
    assert corpus.stem_names == ("mixture", "drums", "vocals", "guitar")
    (alone,) = load_corpus(tmp_path / "One").tracks
    assert alone.song == "One"
