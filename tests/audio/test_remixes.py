"""Voices over accompaniments: true to their sources, summed exactly, decided by their key alone."""

from __future__ import annotations

import logging
import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.augment import Chain, Gain, Remix, Tempo
from tonewright.audio.corpus import Corpus, Track
from tonewright.audio.equalising import lowpass
from tonewright.audio.handles import read_at_rate
from tonewright.audio.remix_sources import is_mixable
from tonewright.audio.remixes import KINDS, FixedRemixes, Recipe, Remixes, RemixSettings
from tonewright.audio.windows import WindowSettings
from tonewright.errors import CorpusError, UsageError

RATE = 16000
STEMS = ("mixture", "vocals", "accompaniment")
SECONDS = {"voices": 6, "singing": 6, "music": 8, "instruments": 0.2, "songs": 8}


def shape(**changes: object) -> WindowSettings:
    return WindowSettings(
        **{"seconds": 0.25, "sample_rate": RATE, "channels": 1, "stems": STEMS, **changes}  # type: ignore[arg-type]
    )


def only(*kinds: str, **changes: object) -> RemixSettings:
    return RemixSettings(**{"shares": dict.fromkeys(kinds, 1.0), **changes})  # type: ignore[arg-type]


def noise(path: Path, seconds: float, seed: int, highest_hz: float | None = None) -> str:
    samples = np.random.default_rng(seed).uniform(-0.4, 0.4, round(seconds * RATE)).astype(np.float32)
    if highest_hz is not None:
        samples = lowpass(samples, highest_hz, sample_rate=RATE)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE)
    return str(path)


def track(part: str, number: int, stems: dict[str, str], *labels: str, hz: float | None = None) -> Track:
    name = f"{part}/{number}"
    frames = min(soundfile.info(path).frames for path in stems.values())
    return Track(name, name, stems, RATE, 1, frames, "train", (part, *labels), bandwidth_hz=hz)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Three of each: narrow voices, wide music, short notes, singing."""
    folder = tmp_path_factory.mktemp("pool")
    tracks = []
    for seed in range(3):
        for part, hz in (("voices", 3000.0), ("singing", 3000.0), ("music", 7000.0)):
            path = noise(folder / part / f"{seed}.wav", SECONDS[part], len(tracks), hz)
            tracks.append(track(part, seed, {"mixture": path}, hz=hz))
        path = noise(folder / "instruments" / f"{seed}.wav", SECONDS["instruments"], len(tracks))
        tracks.append(track("instruments", seed, {"mixture": path}, "note", "violin", "A4", hz=900.0))
    return Corpus.from_tracks(tracks, root="pool")


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Two songs with stems, without labels."""
    folder = tmp_path_factory.mktemp("songs")
    tracks = []
    for song in range(2):
        stems = {
            stem: noise(folder / str(song) / f"{stem}.wav", SECONDS["songs"], 10 * song + n)
            for n, stem in enumerate(("drums", "bass", "other", "vocals"))
        }
        total = np.sum([soundfile.read(path)[0] for path in stems.values()], axis=0)
        stems["mixture"] = str(folder / str(song) / "mixture.wav")
        soundfile.write(stems["mixture"], total / 4, RATE)
        tracks.append(replace(track("x", song, stems), labels=(), name=f"song {song}"))
    return Corpus.from_tracks(tracks, root="songs")


def equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[key], other[key]) for key in one)


# What a remix is


@pytest.mark.parametrize("augment", [None, Chain((Gain(), Tempo(low_factor=0.8, high_factor=1.3)))])
def test_the_mixture_is_the_sum_exactly_in_every_kind(
    pool: Corpus, songs: Corpus, augment: Chain | None
) -> None:
    everything = Corpus.from_tracks((*pool.tracks, *songs.tracks))
    remixes = Remixes(everything, shape(channels=2), only(*KINDS), seed=0, length=90, augment=augment)
    kinds = Counter()
    for index in range(90):
        sounds, recipe = remixes[1, index], remixes.recipe((1, index))
        kinds[recipe.kind] += 1
        assert tuple(sounds) == STEMS
        for samples in sounds.values():
            assert samples.shape == (2, 4000)
            assert samples.dtype == np.float32
            assert samples.flags.c_contiguous
            assert np.isfinite(samples).all()
        assert np.array_equal(sounds["mixture"], sounds["vocals"] + sounds["accompaniment"])
        assert sounds["vocals"].any() == (recipe.kind in ("remix", "song", "voice"))
        if recipe.kind != "silence":
            assert sounds["accompaniment"].any() == (recipe.kind != "voice")
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) > 5


def test_a_remix_is_decided_by_its_key_alone(pool: Corpus) -> None:
    remixes = Remixes(pool, shape(), seed=7, length=40, augment=Chain((Gain(),)))
    keys = [(epoch, index) for epoch in (0, 10**12) for index in range(40)]
    first = {key: remixes[key] for key in keys}
    again = Remixes(pool, shape(), seed=7, length=500, augment=Chain((Gain(),)))
    travelled = pickle.loads(pickle.dumps(remixes))
    for key in reversed(keys):
        assert equal(again[key], first[key])
        assert equal(travelled[key], first[key])
        assert again.recipe(key) == remixes.recipe(key)
    assert len({sounds["mixture"].tobytes() for sounds in first.values()}) > 70  # silences may be alike
    other = Remixes(pool, shape(), seed=8, length=40, augment=Chain((Gain(),)))
    assert sum(equal(other[key], first[key]) for key in keys) < 8
    for index in (-1, 40):
        with pytest.raises(IndexError):
            remixes[0, index]


def part_of(recipe_place: object, *, frames: int = 4000) -> np.ndarray:
    place = recipe_place
    path = place.track.stems.get("vocals") or place.track.stems["accompaniment"]  # type: ignore[attr-defined]
    return read_at_rate(path, start=place.start, frames=frames, sample_rate=RATE)  # type: ignore[attr-defined]


def test_both_stems_are_their_recordings_at_a_gain(pool: Corpus) -> None:
    remix = only("remix", equalise_probability=0.0, low_db=-9.0, high_db=3.0)
    remixes = Remixes(pool, shape(proportions={"voices": 1, "music": 1}), remix, seed=0, length=60)
    gains = []
    for index in range(60):
        sounds, recipe = remixes[0, index], remixes.recipe((0, index))
        assert remixes.place((0, index)) == recipe.voice
        for stem, place, gain_db in (
            ("vocals", recipe.voice, recipe.voice_db),
            ("accompaniment", recipe.accompaniment, recipe.accompaniment_db),
        ):
            np.testing.assert_allclose(sounds[stem], part_of(place) * 10 ** (gain_db / 20), rtol=1e-5)
            gains.append(gain_db)
        assert recipe.voice is not None
        assert recipe.accompaniment is not None
        assert recipe.voice.track.labels == ("voices",)
        assert recipe.accompaniment.track.labels == ("music",)
        assert recipe.cutoff_hz is None
    assert -9 <= min(gains) < -8
    assert 2 < max(gains) <= 3
    pairs = {
        (one.voice.track.name, one.accompaniment.track.name)
        for one in map(remixes.recipe, ((0, i) for i in range(60)))
    }  # type: ignore[union-attr]
    assert len(pairs) == 9, "every voice meets every music"


def test_proportions_hold_among_the_voices_and_among_the_accompaniments(pool: Corpus) -> None:
    wanted = shape(proportions={"voices": 0.1, "singing": 0.3, "music": 0.2, "instruments": 0.3})
    remixes = Remixes(pool, wanted, only("remix"), seed=0, length=400)
    recipes = [remixes.recipe((0, index)) for index in range(400)]
    singing = sum("singing" in recipe.voice.track.labels for recipe in recipes if recipe.voice)
    notes = sum("note" in recipe.accompaniment.track.labels for recipe in recipes if recipe.accompaniment)
    assert singing / 400 == pytest.approx(0.75, abs=0.07)
    assert notes / 400 == pytest.approx(0.6, abs=0.08)


def test_kinds_come_as_often_as_they_are_told(pool: Corpus, caplog: pytest.LogCaptureFixture) -> None:
    shares = {"remix": 4.0, "instrument": 2.0, "voice": 1.0, "silence": 1.0, "song": 50.0}
    remixes = Remixes(pool, shape(), RemixSettings(shares=shares), seed=0, length=800)
    counts = Counter(remixes.recipe((0, index)).kind for index in range(800))
    assert set(counts) == {"remix", "instrument", "voice", "silence"}, "there are no songs in it"
    for kind, expected in (("remix", 0.5), ("instrument", 0.25), ("voice", 0.125), ("silence", 0.125)):
        assert counts[kind] / 800 == pytest.approx(expected, abs=0.06)
    assert caplog.records == []


def test_hard_negatives(pool: Corpus) -> None:
    remixes = Remixes(pool, shape(), only("instrument", "voice", "silence"), seed=0, length=200)
    levels = []
    for index in range(200):
        sounds, recipe = remixes[0, index], remixes.recipe((0, index))
        if recipe.kind == "instrument":
            assert recipe.accompaniment is not None
            assert "violin" in recipe.accompaniment.track.labels
            assert np.array_equal(sounds["mixture"], sounds["accompaniment"])
            # Notes of 0.2 s in a window of 0.25 s: one after the other, and not one and then nothing.
            assert np.count_nonzero(sounds["mixture"]) > 1500
        elif recipe.kind == "voice":
            assert np.array_equal(sounds["mixture"], sounds["vocals"])
        else:
            assert recipe.voice is recipe.accompaniment is None
            levels.append(float(np.sqrt(np.mean(sounds["mixture"] ** 2))))
    zeros = levels.count(0.0)
    assert 0.3 < zeros / len(levels) < 0.7
    faint = [level for level in levels if level]
    assert max(faint) < 10 ** (-63 / 20)
    assert max(faint) > 3 * min(faint)


def test_short_words_and_notes_are_joined(pool: Corpus) -> None:
    notes = Corpus.from_tracks([t for t in pool.tracks if t.labels[0] in ("voices", "instruments")])
    remixes = Remixes(
        notes, shape(seconds=2.0), only("instrument", equalise_probability=0.0), seed=0, length=30
    )
    heard = np.mean([np.count_nonzero(remixes[0, i]["accompaniment"]) / (2 * RATE) for i in range(30)])
    assert heard > 0.25, "one note alone fills a tenth of the window"


# Bandwidth


def level_above(samples: np.ndarray, hz: float) -> float:
    """Share of the energy above a frequency, dB; the ends are faded lest they count."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.shape[-1]))) ** 2
    edge = int(hz * samples.shape[-1] / RATE)
    return 10 * np.log10(spectrum[..., edge:].sum() / spectrum.sum() + 1e-12)


def test_bandwidth_does_not_tell_the_voice(pool: Corpus) -> None:
    kinds = ("remix", "accompaniment", "instrument", "voice")
    apart = Remixes(pool, shape(), only(*kinds, equalise_probability=0.0), seed=0, length=60)
    alike = Remixes(pool, shape(), only(*kinds, least_cutoff_hz=1000.0), seed=0, length=60)
    for index in range(60):
        recipe = alike.recipe((0, index))
        assert recipe.cutoff_hz == 3000
        for stem, place in (("vocals", recipe.voice), ("accompaniment", recipe.accompaniment)):
            if place is not None:
                assert level_above(alike[0, index][stem], 3150) < -50
        if recipe.accompaniment is not None:
            assert level_above(apart[0, index]["accompaniment"], 3150) > -10
            if recipe.voice is not None:
                spectra = np.abs(np.fft.rfft([alike[0, index][s][0] for s in STEMS[1:]])) ** 2
                edges = [np.searchsorted(np.cumsum(s) / s.sum(), 0.995) * RATE / 4000 for s in spectra]
                assert abs(edges[0] - edges[1]) < 250


def test_the_cutoff_is_the_lesser_bandwidth_but_not_below_the_least(pool: Corpus) -> None:
    def cutoffs(voice_hz: float | None, music_hz: float | None, least_hz: float) -> set[float | None]:
        bands = {"voices": voice_hz, "music": music_hz}
        tracks = [replace(t, bandwidth_hz=bands[t.labels[0]]) for t in pool.tracks if t.labels[0] in bands]
        remix = only("remix", "voice", "accompaniment", least_cutoff_hz=least_hz)
        remixes = Remixes(Corpus.from_tracks(tracks), shape(), remix, seed=0, length=12)
        return {remixes.recipe((0, index)).cutoff_hz for index in range(12)}

    assert cutoffs(3000.0, 7000.0, 1000.0) == {3000.0}
    assert cutoffs(7000.0, 3000.0, 1000.0) == {3000.0}
    assert cutoffs(3000.0, 7000.0, 5000.0) == {5000.0}
    assert cutoffs(None, 4000.0, 1000.0) == {4000.0}
    assert cutoffs(None, None, 1000.0) == {None}


def test_a_note_ends_where_its_instrument_does(pool: Corpus) -> None:
    """The notes are marked to end at 900 Hz, which does not dull the voice over them."""
    remix = only("remix", least_cutoff_hz=100.0)
    remixes = Remixes(pool, shape(proportions={"voices": 1, "instruments": 1}), remix, seed=0, length=10)
    assert {remixes.recipe((0, index)).cutoff_hz for index in range(10)} == {3000.0}


def test_some_of_the_windows_are_equalised(pool: Corpus) -> None:
    remixes = Remixes(pool, shape(), only("remix", equalise_probability=0.3), seed=0, length=300)
    equalised = sum(remixes.recipe((0, index)).cutoff_hz is not None for index in range(300))
    assert equalised / 300 == pytest.approx(0.3, abs=0.09)


@settings(deadline=None, max_examples=60)
@given(
    cutoff_hz=st.floats(1.0, 1e6),
    frames=st.integers(0, 3000),
    channels=st.integers(1, 3),
    sample_rate=st.sampled_from([8000, 44100]),
)
def test_any_lowpass_only_takes_away(cutoff_hz: float, frames: int, channels: int, sample_rate: int) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, (channels, frames)).astype(np.float32)
    passed = lowpass(samples, cutoff_hz, sample_rate=sample_rate)
    assert passed.shape == samples.shape
    assert passed.dtype == np.float32
    assert np.sum(passed**2) <= np.sum(samples**2) * (1 + 1e-4)
    assert np.isfinite(passed).all()


def test_the_lowpass_keeps_what_is_below_and_turns_no_phase() -> None:
    time_s = np.arange(RATE) / RATE
    low, high = (np.sin(2 * np.pi * hz * time_s).astype(np.float32)[None] for hz in (1700, 2010))
    inner = slice(800, -800)
    np.testing.assert_allclose(lowpass(low, 2000, sample_rate=RATE)[:, inner], low[:, inner], atol=2e-3)
    assert np.abs(lowpass(high, 2000, sample_rate=RATE)[:, inner]).max() < 2e-3
    impulse = np.zeros((1, 4001), np.float32)
    impulse[0, 2000] = 1
    response = lowpass(impulse, 2000, sample_rate=RATE)
    np.testing.assert_allclose(response, response[:, ::-1], atol=1e-6)
    at_the_end = np.zeros((1, 4001), np.float32)
    at_the_end[0, -1] = 1
    assert np.abs(lowpass(at_the_end, 2000, sample_rate=RATE)[:, :2000]).max() < 1e-3, "ends do not meet"
    assert lowpass(low, 7900, sample_rate=RATE) is low


# Songs with stems


def test_a_song_gives_both_from_one_place(songs: Corpus) -> None:
    remixes = Remixes(songs, shape(), only("song"), seed=0, length=20)
    for index in range(20):
        sounds, recipe = remixes[0, index], remixes.recipe((0, index))
        assert recipe.voice == recipe.accompaniment
        assert recipe.voice is not None
        stems = {
            stem: read_at_rate(path, start=recipe.voice.start, frames=4000, sample_rate=RATE)
            for stem, path in recipe.voice.track.stems.items()
        }
        rest = stems["drums"] + stems["bass"] + stems["other"]
        np.testing.assert_allclose(
            sounds["vocals"], stems["vocals"] * 10 ** (recipe.voice_db / 20), rtol=1e-5
        )
        np.testing.assert_allclose(
            sounds["accompaniment"], rest * 10 ** (recipe.accompaniment_db / 20), atol=1e-6
        )


def test_songs_are_remixed_with_one_another_and_their_stems_are_lone_instruments(songs: Corpus) -> None:
    assert not is_mixable(songs, RemixSettings())
    remixes = Remixes(songs, shape(), only("remix", "instrument"), seed=0, length=60)
    recipes = [remixes.recipe((0, index)) for index in range(60)]
    pairs = {(r.voice.track.song, r.accompaniment.track.song) for r in recipes if r.voice and r.accompaniment}
    assert len(pairs) == 4
    alone = [recipe.accompaniment.track for recipe in recipes if not recipe.voice and recipe.accompaniment]
    assert {Path(track.stems["accompaniment"]).stem for track in alone} == {"drums", "bass", "other"}


def test_a_guitar_of_its_own_is_a_lone_instrument(tmp_path: Path, pool: Corpus) -> None:
    stems = {stem: noise(tmp_path / f"{stem}.wav", 6, 0) for stem in ("mixture", "guitar", "backing")}
    band = track("music", 9, stems, "metal")
    tracks = [*(t for t in pool.tracks if "music" not in t.labels), band]
    # However little music is drawn, a lone instrument is any of them: 6 s of guitar to 0.6 s of notes.
    wanted = shape(proportions={"voices": 1, "instruments": 1, "music": 0.001})
    remixes = Remixes(Corpus.from_tracks(tracks), wanted, only("instrument"), seed=0, length=60)
    places = [remixes.recipe((0, index)).accompaniment for index in range(60)]
    files = Counter(Path(place.track.stems["accompaniment"]).stem for place in places if place)
    assert files["guitar"] > 35
    assert set(files) <= {"guitar", "0", "1", "2"}
    assert len(files) > 2


def test_a_song_that_is_sung_is_never_an_accompaniment_whole(songs: Corpus, pool: Corpus) -> None:
    sung = [replace(t, labels=("songs",)) for t in songs.tracks]
    bare = [replace(t, stems={k: v for k, v in t.stems.items() if k != "vocals"}) for t in sung]
    voices = [t for t in pool.tracks if "voices" in t.labels]
    wanted, remix = shape(proportions={"voices": 1, "songs": 1}), only("remix", equalise_probability=0.0)
    for tracks, files in ((sung, {"drums", "bass", "other"}), (bare, {"mixture"})):
        remixes = Remixes(Corpus.from_tracks([*voices, *tracks]), wanted, remix, seed=0, length=10)
        for index in range(10):
            place = remixes.recipe((0, index)).accompaniment
            assert place is not None
            assert {Path(path).stem for path in place.track.stems.values()} == files


# Validation


def test_fixed_remixes_stay_and_hold_both(pool: Corpus, songs: Corpus) -> None:
    everything = Corpus.from_tracks((*pool.tracks, *songs.tracks))
    fixed, again = (FixedRemixes(everything, shape(), length=30) for _ in range(2))
    assert len(fixed) == 30
    assert all(equal(fixed[key], again[key]) for key in reversed(range(30)))
    kinds = Counter(fixed.recipe(key).kind for key in range(30))
    assert set(kinds) == {"remix", "song"}
    assert len({fixed[key]["mixture"].tobytes() for key in range(30)}) == 30
    assert all(fixed[key]["vocals"].any() and fixed[key]["accompaniment"].any() for key in range(30))
    longer = fixed.resized(seconds=0.5, length=3)
    assert len(longer) == 3
    assert longer[2]["mixture"].shape == (1, 8000)
    assert fixed.place(4) == fixed.recipe(4).voice
    without = FixedRemixes(pool, shape(), only("voice", "silence"), length=3)
    assert {without.recipe(key).kind for key in range(3)} == {"remix"}
    with pytest.raises(IndexError):
        fixed[30]


# What goes wrong


def test_a_broken_voice_is_replaced_and_logged_once(
    tmp_path: Path, pool: Corpus, caplog: pytest.LogCaptureFixture
) -> None:
    paths = [Path(noise(tmp_path / f"{seed}.wav", 6, seed)) for seed in range(3)]
    voices = [track("voices", seed, {"mixture": str(path)}) for seed, path in enumerate(paths)]
    others = [t for t in pool.tracks if "music" in t.labels]
    remixes = Remixes(Corpus.from_tracks([*voices, *others]), shape(), only("remix"), seed=0, length=40)
    before = [remixes.recipe((0, index)) for index in range(40)]
    paths[0].unlink()
    with caplog.at_level(logging.WARNING, logger="tonewright"):
        after = [remixes.recipe((0, index)) for index in range(40)]
    assert len(caplog.records) == 1
    affected = 0
    for one, other in zip(before, after, strict=True):
        assert one.voice is not None
        assert other.voice is not None
        assert other.voice.track.name != "voices/0"
        assert one.accompaniment == other.accompaniment
        assert (one == other) == (one.voice.track.name != "voices/0")
        affected += one != other
    assert affected > 5


def test_a_donor_is_another_remix(pool: Corpus) -> None:
    swap = Remix(stems=("vocals", "accompaniment"), low_db=0, high_db=0, swap_probability=1.0)
    settings = only("remix", equalise_probability=0.0)
    plain = Remixes(pool, shape(), settings, seed=0, length=10)
    swapped = Remixes(pool, shape(), settings, seed=0, length=10, augment=Chain((swap,)))
    for index in range(10):
        assert not equal(plain[0, index], swapped[0, index])
        sounds = swapped[0, index]
        assert np.array_equal(sounds["mixture"], sounds["vocals"] + sounds["accompaniment"])
        assert equal(sounds, swapped[0, index])


def test_stems_come_in_the_order_that_is_asked_for(pool: Corpus) -> None:
    every = Remixes(pool, shape(), seed=0, length=5)
    some = Remixes(pool, shape(stems=("accompaniment", "mixture")), seed=0, length=5)
    assert list(some[0, 1]) == ["accompaniment", "mixture"]
    assert all(np.array_equal(some[0, 1][stem], every[0, 1][stem]) for stem in some[0, 1])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"shares": {"remix": 0.0}}, "remix.shares are all 0"),
        ({"shares": {"remix": -1.0}}, "remix.shares.remix is -1"),
        ({"shares": {"remixx": 1.0}}, "remix.shares.remixx is no kind of window; did you mean remix?"),
        ({"low_db": 3.0, "high_db": -3.0}, "remix.low_db is 3: exceeds high_db, -3"),
        ({"equalise_probability": 1.5}, "remix.equalise_probability is 1.5"),
        ({"least_cutoff_hz": 0.0}, "remix.least_cutoff_hz is 0"),
    ],
)
def test_wrong_settings_are_named(wrong: dict, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        RemixSettings(**wrong)
    assert message in str(caught.value)


def test_what_is_missing_is_named(pool: Corpus) -> None:
    def part(name: str) -> Corpus:
        return Corpus.from_tracks([t for t in pool.tracks if name in t.labels], root="pool")

    with pytest.raises(CorpusError, match="pool: no voice to remix: no track is labelled voices or singing"):
        Remixes(part("music"), shape(), seed=0, length=1)
    with pytest.raises(CorpusError, match="no accompaniment to remix: no track is labelled music or"):
        Remixes(part("voices"), shape(), seed=0, length=1)
    with pytest.raises(CorpusError, match="pool: has nothing for the remixes that are asked for: song"):
        Remixes(pool, shape(), only("song"), seed=0, length=1)
    with pytest.raises(UsageError, match="a remix has no 'drums'"):
        Remixes(pool, shape(stems=("mixture", "drums")), seed=0, length=1)
    with pytest.raises(UsageError, match="proportions name vioces"):
        Remixes(pool, shape(proportions={"vioces": 1.0}), seed=0, length=1)
    for make in (
        lambda: Remixes(pool, shape(), seed=0, length=0),
        lambda: FixedRemixes(pool, shape(), length=0),
    ):
        with pytest.raises(UsageError, match="must be 1 or more"):
            make()
    assert isinstance(Remixes(pool, shape(), seed=0, length=1).recipe((0, 0)), Recipe)
