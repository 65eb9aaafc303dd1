"""The demo band on disk: the same bytes from the same seed, whole or not at all, a corpus like any."""

from __future__ import annotations

import errno
import hashlib
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tonewright.audio.band import write_band, writing
from tonewright.audio.band.names import plan_songs
from tonewright.audio.band.songs import render_song
from tonewright.audio.corpus import load_corpus, split_of
from tonewright.dsp.loudness import integrated_loudness
from tonewright.errors import OutputError, UsageError

SETTINGS = {"songs": 4, "seconds": 5.0, "seed": 3}
STEMS = ("drums", "bass", "other", "vocals")
CLIPS = Path(__file__).parents[3] / "shared" / "audio" / "clips"


def digest(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def band(tmp_path_factory):
    folder = tmp_path_factory.mktemp("band") / "of four"
    return write_band(folder, **SETTINGS, jobs=1)


@pytest.fixture(scope="module")
def songs(band):
    return [band.folder / song["folder"] for song in band.songs]


def read(path: Path) -> np.ndarray:
    samples, sample_rate = soundfile.read(path, dtype="int16", always_2d=True)
    assert sample_rate == 44100
    return samples.T.astype(np.int64)


@pytest.fixture
def light(monkeypatch):
    """Songs that cost nothing to render, for tests of what is written where."""
    from tonewright.audio.band.mixing import Mix

    def fake(index, *, seconds, seed):
        rng = np.random.default_rng([seed, index])
        stems = {name: rng.integers(-3000, 3000, (2, 500)).astype(np.int16) for name in STEMS}
        return writing.compose(index, seconds=seconds, seed=seed), Mix(stems, stems)

    def rooms(root, seed):
        (root / "rooms").mkdir(exist_ok=True)
        (root / "rooms" / "a.wav").write_bytes(b"room")
        return ({"file": "rooms/a.wav"},)

    monkeypatch.setattr("tonewright.audio.band.songs.render_song", fake)
    monkeypatch.setattr(writing, "write_rooms", rooms)
    monkeypatch.setattr(writing, "write_one_shots", lambda root, seed: ())


def test_two_processes_write_the_bytes_of_one(band, tmp_path):
    write_band(tmp_path / "again", **SETTINGS, jobs=2)
    assert digest(tmp_path / "again") == digest(band.folder)


def test_a_song_depends_on_seed_and_number_alone(band, songs):
    _, mix = render_song(1, seconds=5.0, seed=3)
    assert np.array_equal(mix.mixture, read(songs[1] / "mixture.wav"))
    _, other = render_song(1, seconds=5.0, seed=4)
    assert not np.array_equal(other.mixture, mix.mixture)
    assert plan_songs(2, 3) == plan_songs(9, 3)[:2]


def test_the_mixture_is_the_exact_sum_and_nothing_clips(songs):
    for song in songs:
        stems = [read(song / f"{name}.wav") for name in STEMS]
        mixture = read(song / "mixture.wav")
        assert np.array_equal(mixture, sum(stems))
        for sound in (mixture, *stems):
            assert np.abs(sound).max() < 32000
            assert sound.shape == (2, 5 * 44100)


def test_no_stem_is_silent_or_mono(band, songs):
    for song, facts in zip(songs, band.songs, strict=True):
        for name in STEMS:
            left, right = read(song / f"{name}.wav") / 32768
            middle, side = (left + right) / 2, (left - right) / 2
            assert np.sqrt(np.mean(middle**2)) > 0.005, (facts["name"], name)
            assert np.mean(side**2) > 1e-4 * np.mean(middle**2), (facts["name"], name)


def test_dry_stems_lie_beside_and_lead_the_wet_ones(band, songs):
    for song, facts in zip(songs, band.songs, strict=True):
        for name in STEMS:
            wet = read(song / f"{name}.wav")
            dry = read(band.folder / "dry" / facts["folder"] / f"{name}.wav")
            room = (wet - dry).astype(float)
            share_db = 10 * np.log10(np.mean(room**2) / np.mean(dry.astype(float) ** 2))
            assert (-26 if name == "bass" else -18) < share_db < -7.5, name
            start = int(np.argmax(np.abs(dry).max(axis=0) > 20))
            assert np.abs(room[:, :start]).max() < 0.02 * np.abs(room).max() + 2


def test_loudness_and_crest_are_those_of_records(songs):
    for song in songs:
        mixture = read(song / "mixture.wav") / 32768
        assert -20 < float(integrated_loudness(mixture, sample_rate=44100)) < -13
        crest = 20 * np.log10(np.abs(mixture).max() / np.sqrt(np.mean(mixture**2)))
        assert 9 < crest < 21


def octaves_db(samples: np.ndarray) -> np.ndarray:
    """Energy of the octaves around 63 Hz … 16 kHz."""
    power = np.abs(np.fft.rfft(samples.mean(axis=0))) ** 2
    frequency = np.fft.rfftfreq(samples.shape[1], 1 / 44100)
    edges = 62.5 * 2.0 ** (np.arange(10) - 0.5)
    bands = [power[(frequency >= low) & (frequency < high)].sum() for low, high in pairwise(edges)]
    return 10 * np.log10(np.array(bands))


def test_the_spectrum_tilts_like_a_record(songs):
    path = CLIPS / "mix_vocals_karissa_a.flac"
    if not path.exists():
        pytest.skip("the shared recordings are not here")
    real = octaves_db(soundfile.read(path)[0].T)
    ours = np.mean([octaves_db(read(song / "mixture.wav") / 32768) for song in songs], axis=0)
    octave = np.arange(9)
    assert abs(np.polyfit(octave, ours - real, 1)[0]) < 2.0
    difference = ours - real
    assert np.abs(difference - difference.mean()).max() < 10.0


def test_it_loads_as_musdb18hq_with_every_split(band, monkeypatch, tmp_path):
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(tmp_path))
    corpus = load_corpus(band.folder)
    assert corpus.layout == "musdb18hq"
    assert not corpus.unreadable
    assert len(corpus) == 4
    assert set(corpus.stem_names) == {"mixture", *STEMS}
    assert [len(corpus.split(name)) for name in ("train", "validation", "test")] == [2, 1, 1]


def test_twenty_songs_have_names_of_their_own_in_all_splits():
    planned = plan_songs(20, 0)
    assert len({song.name for song in planned}) == 20
    splits = [
        "test" if song.folder.startswith("test/") else split_of(song.name, test=0.0) for song in planned
    ]
    assert [splits.count(name) for name in ("train", "validation", "test")] == [14, 2, 4]
    assert all(song.folder.split("/")[1] == song.name and " - " in song.name for song in planned)


def test_band_json_says_what_was_written(band):
    facts = json.loads((band.folder / "band.json").read_text(encoding="utf-8"))
    assert {**facts, "folder": str(band.folder)} == json.loads(json.dumps(band.as_dict()))
    assert facts["format"] == 1
    assert facts["seed"] == 3
    for song in facts["songs"]:
        assert {"key", "tempo_bpm", "meter", "structure", "room", "lyrics"} <= song.keys()
        assert song["structure"][0]["start_s"] == 0
        assert song["room"]["decay_s"] > 0
    for room in facts["rooms"]:
        info = soundfile.info(band.folder / room["file"])
        assert info.channels == room["channels"]
        assert f"{room['decay_s']:.2f}s" in room["file"]
    assert len(facts["rooms"]) == 16
    assert len(facts["one_shots"]) == 48
    for file in facts["one_shots"]:
        samples, _ = soundfile.read(band.folder / file)
        assert 0.6 < np.abs(samples).max() < 0.8
        assert len(samples) > 2000
    assert len(digest(band.folder)) == 4 * 9 + 16 + 48 + 1


def test_songs_differ(band):
    for key in ("key", "tempo_bpm", "voice", "lyrics"):
        assert len({str(song[key]) for song in band.songs}) > 2, key


def test_a_band_is_not_written_over_unless_asked(light, tmp_path):
    write_band(tmp_path, songs=5, seed=1, jobs=1)
    (tmp_path / "notes.txt").write_text("mine")
    before = digest(tmp_path)
    with pytest.raises(OutputError, match="holds a band already"):
        write_band(tmp_path, songs=2, seed=2, jobs=1)
    assert digest(tmp_path) == before
    write_band(tmp_path, songs=2, seed=2, jobs=1, overwrite=True)
    alone = tmp_path.parent / f"{tmp_path.name} alone"
    write_band(alone, songs=2, seed=2, jobs=1)
    after = digest(tmp_path)
    assert after.pop("notes.txt")
    assert after == digest(alone)


@pytest.mark.parametrize("name", ["train", "dry", "rooms"])
def test_a_folder_of_somebody_else_is_left_alone(light, tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine.wav").write_bytes(b"x")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="no band wrote it"):
            write_band(tmp_path, songs=1, jobs=1, overwrite=overwrite)
    assert digest(tmp_path).keys() == {f"{name}/mine.wav"}


def test_another_files_band_json_is_not_trusted(light, tmp_path):
    (tmp_path / "band.json").write_text('{"members": 4}')
    with pytest.raises(OutputError, match="is not what a band wrote"):
        write_band(tmp_path, songs=1, jobs=1, overwrite=True)


def test_a_band_json_that_names_other_folders_removes_nothing_there(light, tmp_path):
    precious = tmp_path / "elsewhere" / "song"
    precious.mkdir(parents=True)
    root = tmp_path / "band"
    root.mkdir()
    songs = [
        {"folder": "../elsewhere/song"},
        {"folder": str(precious)},
        {"folder": "train/../../elsewhere/song"},
    ]
    (root / "band.json").write_text(json.dumps({"songs": songs}))
    write_band(root, songs=1, jobs=1, overwrite=True)
    assert precious.is_dir()


class Stop(Exception):
    pass


def test_an_interrupted_band_is_finished_by_the_same_call(light, tmp_path):
    def stop(done, total):
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        write_band(tmp_path / "a", songs=5, jobs=1, progress=stop)
    assert not (tmp_path / "a" / "band.json").exists()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("mixture.wav")}
    assert kept
    calls = []
    write_band(tmp_path / "a", songs=5, jobs=1, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(number, 7) for number in range(1, 8)]
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    write_band(tmp_path / "b", songs=5, jobs=1)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_an_interrupted_band_gives_way_to_another(light, tmp_path):
    def stop(done, total):
        if done == 2:
            raise Stop

    with pytest.raises(Stop):
        write_band(tmp_path / "a", songs=5, seed=1, jobs=1, progress=stop)
    write_band(tmp_path / "a", songs=2, seed=2, jobs=1)
    write_band(tmp_path / "b", songs=2, seed=2, jobs=1)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_a_full_disk_leaves_no_half_song(light, tmp_path, monkeypatch):
    real, calls = writing.write, []

    def failing(path, clip, **options):
        calls.append(path)
        if len(calls) == 12:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(path, clip, **options)

    monkeypatch.setattr(writing, "write", failing)
    with pytest.raises(OutputError, match="No space left"):
        write_band(tmp_path, songs=3, jobs=1)
    assert not (tmp_path / "band.json").exists()
    assert not list(tmp_path.rglob("*.partial"))
    for folder in tmp_path.glob("t*/*"):
        assert len(list(folder.iterdir())) == 5


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="file"):
            write_band(path, songs=1, jobs=1)


@pytest.mark.parametrize("wrong", [{"songs": 0}, {"seconds": 1.0}, {"seconds": float("nan")}, {"seed": -1}])
def test_settings_out_of_range_are_refused(tmp_path, wrong):
    with pytest.raises(UsageError, match=str(next(iter(wrong)))):
        write_band(tmp_path / "band", **wrong)
    assert not (tmp_path / "band").exists()
