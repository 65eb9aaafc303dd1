"""How often tracks of a label are drawn, short tracks that are joined, and stems made of others."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.chance import integer, numbers
from tonewright.audio.corpus import Corpus, Track
from tonewright.audio.handles import read_at_rate
from tonewright.audio.phrases import Phrases
from tonewright.audio.stems import gives, parts_of
from tonewright.audio.timeline import Timeline
from tonewright.audio.windows import FixedWindows, Windows, WindowSettings
from tonewright.errors import CorpusError, UsageError

RATE = 8000


def shape(**changes: object) -> WindowSettings:
    return WindowSettings(**{"seconds": 0.25, "sample_rate": RATE, "channels": 1, **changes})  # type: ignore[arg-type]


def tracks(path: Path, *groups: tuple[int, float, tuple[str, ...]]) -> list[Track]:
    """(how many, seconds, labels) -> tracks that are all the beginning of one file."""
    made = []
    for count, seconds, labels in groups:
        for _ in range(count):
            name = f"track {len(made)}"
            frames = round(seconds * RATE)
            made.append(Track(name, name, {"mixture": str(path)}, RATE, 1, frames, "train", labels))
    return made


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "x.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 20 * RATE), RATE)
    return path


@pytest.fixture
def four(sound: Path) -> Corpus:
    """Voices 20 s, music 40 s, jazz that is music too 10 s, noise 30 s."""
    return Corpus.from_tracks(
        tracks(
            sound,
            (10, 2.0, ("voices", "speech")),
            (4, 10.0, ("music", "rock")),
            (2, 5.0, ("music", "jazz")),
            (3, 10.0, ()),
        ),
        root="pool",
    )


def drawn(corpus: Corpus, settings: WindowSettings, count: int = 4000) -> dict[tuple[str, ...], float]:
    """Share of the draws by labels."""
    timeline = Timeline(corpus, settings)
    places = [timeline.place(u, settings.frames)[0] for u in (np.arange(count) + 0.5) / count]
    counts = Counter(timeline.tracks[index].labels for index in places)
    return {labels: number / count for labels, number in counts.items()}


@pytest.mark.parametrize("weighting", ["length", "song"])
def test_labels_share_the_draws_as_they_are_told(four: Corpus, weighting: str) -> None:
    shares = drawn(four, shape(proportions={"voices": 3, "music": 1}, weighting=weighting))
    assert shares[("voices", "speech")] == pytest.approx(0.75, abs=1e-3)
    assert shares[("music", "rock")] + shares[("music", "jazz")] == pytest.approx(0.25, abs=1e-3)
    # Within a label it goes by the weighting, as it does without proportions.
    ratio = 4 if weighting == "length" else 2
    assert shares[("music", "rock")] / shares[("music", "jazz")] == pytest.approx(ratio, rel=0.02)
    assert () not in shares
    everything = drawn(four, shape())
    assert everything[()] == pytest.approx(0.3, abs=1e-3)


def test_a_track_counts_under_the_last_of_its_labels_that_is_named(four: Corpus) -> None:
    jazz_last = drawn(four, shape(proportions={"music": 0.5, "jazz": 0.5}))
    assert jazz_last == pytest.approx({("music", "jazz"): 0.5, ("music", "rock"): 0.5}, abs=1e-3)
    with_nothing = drawn(four, shape(proportions={"music": 1, "jazz": 0}))
    assert set(with_nothing) == {("music", "rock")}
    assert set(drawn(four, shape(proportions={"jazz": 0.5, "music": 0.5}))) == {
        ("music", "jazz"),
        ("music", "rock"),
    }


def test_windows_follow_the_proportions(four: Corpus) -> None:
    wanted = shape(proportions={"voices": 0.8, "music": 0.2})
    windows, fixed = Windows(four, wanted, seed=1, length=1000), FixedWindows(four, wanted, length=40)
    random = sum("voices" in windows.place((0, index)).track.labels for index in range(1000))
    assert random / 1000 == pytest.approx(0.8, abs=0.05)
    assert sum("voices" in fixed.place(index).track.labels for index in range(40)) == 32


def test_labels_that_no_track_has_leave_their_share_to_the_others(
    four: Corpus, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="tonewright"):
        windows = Windows(four, shape(proportions={"voices": 1, "songs": 7, "x": 1}), seed=0, length=5)
        FixedWindows(four, windows.settings, length=5).resized(seconds=0.5, length=2)
    assert [record.getMessage() for record in caplog.records] == [
        "pool: no track is drawn as songs, x; the others share its proportion"
    ]
    assert windows.settings.proportions == {"voices": 1}
    assert all("voices" in windows.place((0, index)).track.labels for index in range(5))


@pytest.mark.parametrize(
    ("proportions", "message"),
    [
        ({"voices": 0.0, "music": 0.0}, "proportions are all 0"),
        ({"voices": -1.0, "music": 2.0}, "proportions.voices is -1: must be 0 or more"),
        ({"voices": float("nan")}, "proportions.voices is nan"),
        ({"voices": float("inf")}, "proportions.voices is inf"),
        ({"vioces": 1.0}, "pool: proportions name vioces, which no track is labelled; it has jazz, music"),
        ({"vioces": 1.0, "music": 0.0}, "proportions name vioces"),
    ],
)
def test_proportions_that_nothing_follows_are_refused(
    four: Corpus, proportions: dict[str, float], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        Windows(four, shape(proportions=proportions), seed=0, length=1)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.floats(0.01, 100), min_size=1))
def test_any_proportions_are_kept(
    tmp_path_factory: pytest.TempPathFactory, proportions: dict[str, float]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.wav"
    path = tmp_path_factory.getbasetemp() / "any.wav"
    groups = ((1, 3, ("a",)), (5, 1, ("b", "a")), (1, 2, ("b",)), (2, 9, ("c",)), (1, 1, ("d",)))
    corpus = Corpus.from_tracks(tracks(path, *groups))
    shares = drawn(corpus, shape(proportions=proportions), count=2000)
    total = sum(proportions.values())
    for label, ratio in proportions.items():
        mine = [
            share
            for labels, share in shares.items()
            if [name for name in proportions if name in labels][-1] == label
        ]
        assert sum(mine) == pytest.approx(ratio / total, abs=2e-3)


# Random numbers of a window


@settings(deadline=None, max_examples=30)
@given(st.integers(-(2**70), 2**70), st.integers(-5, 2**40), st.integers(0, 2**31), st.integers(0, 20))
def test_numbers_are_those_of_philox_at_their_place(seed: int, epoch: int, index: int, stream: int) -> None:
    key = np.array((seed % 2**64, epoch % 2**64), np.uint64)

    def reference() -> np.random.Generator:
        counter = (stream << 192) + (index << 128)
        return np.random.Generator(np.random.Philox(key=key, counter=counter))

    ours, others = numbers(seed, epoch, index, stream), numbers(seed, epoch, index + 1, stream)
    mixed = [(next(ours), next(others))[0] for _ in range(9)]  # two at once do not disturb each other
    assert mixed == reference().random(9).tolist()
    assert integer(seed, epoch, index, stream) == reference().integers(2**63)


# Short tracks, joined


def phrases(*groups: tuple[int, float, tuple[str, ...]]) -> tuple[Phrases, list[Track]]:
    made = tracks(Path("x.wav"), *groups)
    return Phrases(made, [track.frames for track in made], sample_rate=RATE), made


KINDS = (
    (5, 0.4, ("voices", "speech", "fr", "woman")),
    (5, 0.7, ("voices", "speech", "fr", "man")),
    (4, 3.0, ("instruments", "note", "violin", "A4")),
    (4, 0.3, ("instruments", "note", "violin", "C#5")),
    (4, 2.0, ("instruments", "note", "flute", "Bb3")),
    (6, 0.5, ("instruments", "drum", "kit")),
    (2, 1 / RATE, ("tiny",)),
)


@settings(deadline=None, max_examples=200)
@given(u=st.floats(0, 1, exclude_max=True), index=st.integers(0, 29), frames=st.integers(1, 4 * RATE))
def test_a_phrase_fills_its_window_with_one_kind(u: float, index: int, frames: int) -> None:
    made, found = phrases(*KINDS)
    pieces = list(made.pieces(u, index, frames))
    assert pieces == list(made.pieces(u, index, frames))
    own = found[index].labels
    for piece in pieces:
        track = found[piece.index]
        assert 0 <= piece.start < piece.start + piece.frames <= track.frames
        assert 0 <= piece.onset < piece.onset + piece.frames <= frames
        if "note" in own:
            assert track.labels[:3] == own[:3]  # of any pitch
        else:
            assert track.labels == own
        ends_early = piece.start + piece.frames < track.frames
        reaches_the_end = piece.onset + piece.frames == frames
        assert piece.cut <= ends_early
        assert ends_early <= (piece.cut or reaches_the_end)
    gaps = np.ones(frames, bool)
    for piece in pieces:
        gaps[piece.onset : piece.onset + piece.frames] = False
    longest = max((len(run) for run in "".join("x" if gap else " " for gap in gaps).split()), default=0)
    assert longest <= 0.6 * RATE


def test_what_is_long_enough_stays_whole() -> None:
    made, _ = phrases((1, 2.0, ("voices",)), (1, 2.0, ("instruments", "note", "oboe")), (1, 2.0, ("drum",)))
    assert [made.fills(index, 2 * RATE) for index in range(3)] == [False, True, True]
    assert [made.fills(index, 2 * RATE + 1) for index in range(3)] == [True, True, True]


def test_a_joined_window_is_the_sum_of_its_pieces(sound: Path) -> None:
    made = tracks(sound, (3, 0.1, ("voices", "a")), (3, 0.6, ("note", "b")), (1, 5.0, ("music",)))
    wanted = shape(seconds=1.0, join=True, channels=2)
    timeline = Timeline(Corpus.from_tracks(made), wanted)
    several = 0
    for u in np.linspace(0, 1, 60, endpoint=False):
        place, sounds, level_db = timeline.cut(u, 8000)
        index, start = timeline.place(u, 8000)
        assert place.track is timeline.tracks[index]
        if "music" in place.track.labels:
            expected = read_at_rate(str(sound), start=start, frames=8000, sample_rate=RATE).repeat(2, 0)
            assert np.array_equal(sounds["mixture"], expected)
            continue
        expected = np.zeros((2, 8000), np.float32)
        pieces = list(timeline._phrases.pieces(u, index, 8000))
        for piece in pieces:
            part = read_at_rate(str(sound), start=piece.start, frames=piece.frames, sample_rate=RATE).copy()
            if piece.cut:
                fade = min(240, piece.frames)
                part[:, -fade:] *= (0.5 + 0.5 * np.cos(np.pi * np.arange(1, fade + 1) / fade)).astype(
                    np.float32
                )
                assert part[0, -1] == 0
            expected[:, piece.onset : piece.onset + piece.frames] += part
        np.testing.assert_allclose(sounds["mixture"], expected, atol=1e-6)
        assert place.start == pieces[0].start
        assert -12 < level_db < -9  # of the pieces, whatever pauses are between them
        several += len(pieces) > 2
    assert several > 15


def test_without_joining_zeros_follow(sound: Path) -> None:
    corpus = Corpus.from_tracks(tracks(sound, (4, 0.1, ("note",))))
    plain = Windows(corpus, shape(), seed=0, length=20)
    joined = Windows(corpus, shape(join=True), seed=0, length=20)
    for index in range(20):
        assert not plain[0, index]["mixture"][:, 800:].any()
    filled = [np.count_nonzero(joined[0, index]["mixture"]) for index in range(20)]
    assert max(filled) > 1200
    assert [joined[0, i]["mixture"].tobytes() for i in range(20)] == [
        Windows(corpus, shape(join=True), seed=0, length=30)[0, i]["mixture"].tobytes() for i in range(20)
    ]


# Stems made of others


@pytest.mark.parametrize(
    ("stems", "expected"),
    [
        (("mixture", "drums", "bass", "other", "vocals"), (("drums", 1), ("bass", 1), ("other", 1))),
        (("drums", "bass", "other", "piano"), (("drums", 1), ("bass", 1), ("other", 1), ("piano", 1))),
        (("mixture", "drums", "bass", "vocals"), (("mixture", 1), ("vocals", -1))),
        (("mixture", "vocals"), (("mixture", 1), ("vocals", -1))),
        (("guitar", "song"), (("guitar", 1), ("song", 1))),
        (("accompaniment", "drums", "bass", "other"), (("accompaniment", 1),)),
        (("drums", "bass", "vocals"), None),
        (("mixture",), None),
        (("mixture", "guitar"), None),
        (("vocals",), None),
    ],
)
def test_the_accompaniment_is_all_but_the_voice(stems: tuple[str, ...], expected: object) -> None:
    assert parts_of("accompaniment", stems) == expected
    assert gives(stems, ("accompaniment",)) == (expected is not None)
    assert parts_of("drums", stems) == ((("drums", 1.0),) if "drums" in stems else None)


@pytest.mark.parametrize("missing", [None, "bass"])
def test_an_accompaniment_is_read_like_any_stem(tmp_path: Path, missing: str | None) -> None:
    generator = np.random.default_rng(0)
    parts = {name: generator.uniform(-0.2, 0.2, 16000) for name in ("drums", "bass", "other", "vocals")}
    parts["mixture"] = sum(parts.values())
    stems = {}
    for name, samples in parts.items():
        if name != missing:
            stems[name] = str(tmp_path / f"{name}.wav")
            soundfile.write(stems[name], samples, RATE, subtype="FLOAT")
    track = Track("a", "a", stems, RATE, 1, 16000, "train")
    wanted = shape(stems=("mixture", "vocals", "accompaniment"), channels=2)
    windows = Windows(Corpus.from_tracks([track]), wanted, seed=0, length=9)
    for index in range(9):
        start, sounds = windows.place((0, index)).start, windows[0, index]
        rest = (parts["drums"] + parts["bass"] + parts["other"])[start : start + 2000]
        np.testing.assert_allclose(sounds["accompaniment"], [rest, rest], atol=1e-6)
        np.testing.assert_allclose(sounds["mixture"], sounds["vocals"] + sounds["accompaniment"], atol=1e-6)


def test_a_track_that_gives_no_accompaniment_is_left_out(sound: Path) -> None:
    corpus = Corpus.from_tracks(tracks(sound, (1, 2.0, ())), root="music")
    with pytest.raises(CorpusError, match="music: no track has all of the stems accompaniment"):
        Windows(corpus, shape(stems=("accompaniment",)), seed=0, length=1)
