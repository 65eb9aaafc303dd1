"""Windows: decided by (seed, epoch, index) alone, true to the files, and unmoved by broken ones."""

from __future__ import annotations

import logging
import math
import os
import pickle
import struct
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.augment import Chain, Gain, Polarity, Remix, Tempo
from tonewright.audio.corpus import Corpus, Track
from tonewright.audio.handles import HANDLES, HandleCache, open_reader, read_at_rate
from tonewright.audio.pcm import SCRATCH_BYTES, WavReader
from tonewright.audio.timeline import Timeline
from tonewright.audio.windows import FixedWindows, Windows, WindowSettings
from tonewright.errors import AudioError, CorpusError, UsageError

RATE = 8000
STEMS = ("mixture", "drums", "bass", "other", "vocals")


def noise(seconds: float, channels: int = 2, seed: int = 0, rate: int = RATE) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (round(seconds * rate), channels))


def save(path: Path, samples: np.ndarray, *, rate: int = RATE, subtype: str = "PCM_16") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def track(stems: dict[str, Path] | Path, song: str | None = None) -> Track:
    files = {"mixture": stems} if isinstance(stems, Path) else stems
    known = [soundfile.info(str(path)) for path in files.values()]
    name = song or str(next(iter(files.values())))
    return Track(
        name=str(next(iter(files.values()))),
        song=name,
        stems={stem: str(path) for stem, path in files.items()},
        sample_rate=known[0].samplerate,
        channels=known[0].channels,
        frames=min(info.frames for info in known),
        split="train",
    )


def corpus(*tracks: Track) -> Corpus:
    return Corpus.from_tracks(tracks, root="music")


def shape(**changes: object) -> WindowSettings:
    return WindowSettings(**{"seconds": 0.25, "sample_rate": RATE, "channels": 2, **changes})  # type: ignore[arg-type]


@pytest.fixture
def songs(tmp_path: Path) -> list[Path]:
    """Three songs of noise, 2 s, 4 s and 6 s."""
    return [save(tmp_path / f"song {n}.wav", noise(2 * n, seed=n)) for n in (1, 2, 3)]


@pytest.fixture
def three(songs: list[Path]) -> Corpus:
    return corpus(*(track(path) for path in songs))


def equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[key], other[key]) for key in one)


# What decides a window


def test_a_window_is_decided_by_seed_epoch_and_index_alone(three: Corpus) -> None:
    windows = Windows(three, shape(), seed=7, length=20)
    keys = [(epoch, index) for epoch in (0, 1, 10**12) for index in range(20)]
    first = {key: windows[key] for key in keys}
    again = Windows(three, shape(), seed=7, length=500)
    travelled = pickle.loads(pickle.dumps(windows))
    for key in reversed(keys):
        assert equal(again[key], first[key])
        assert equal(travelled[key], first[key])
    starts = {(windows.place(key).track.name, windows.place(key).start) for key in keys}
    assert len(starts) > 55, "windows of other keys lie elsewhere"
    other = Windows(three, shape(), seed=8, length=20)
    assert sum(equal(other[key], first[key]) for key in keys) < 3


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(-(2**70), 2**70), epoch=st.integers(0, 2**40), index=st.integers(0, 2**31))
def test_any_integers_will_do(
    tmp_path_factory: pytest.TempPathFactory, seed: int, epoch: int, index: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.wav"
    if not path.exists():
        save(path, noise(2))
    windows = Windows(corpus(track(path)), shape(), seed=seed, length=2**31 + 1)
    window = windows[epoch, index]["mixture"]
    assert window.shape == (2, 2000)
    assert window.dtype == np.float32
    assert window.flags.c_contiguous


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # on a machine with few cores
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 on forking beside threads
def test_as_many_workers_as_one_likes(three: Corpus, songs: list[Path]) -> None:
    data = pytest.importorskip("torch.utils.data")
    flac = save(songs[0].with_suffix(".flac"), noise(5, seed=9))
    windows = Windows(
        corpus(*three.tracks, track(flac)), shape(), seed=1, length=24, augment=Chain((Gain(),))
    )
    keys = [
        [(epoch, index) for index in range(start, start + 4)] for epoch in (0, 1) for start in range(0, 24, 4)
    ]
    batches = {
        workers: [
            batch["mixture"].numpy()
            for batch in data.DataLoader(windows, batch_sampler=keys, num_workers=workers)
        ]
        for workers in (0, 4)
    }
    assert len(batches[0]) == 12
    assert all(np.array_equal(one, other) for one, other in zip(batches[0], batches[4], strict=True))


def test_keys_outside_the_epoch_are_refused(three: Corpus) -> None:
    for index in (-1, 5):
        with pytest.raises(IndexError):
            Windows(three, shape(), seed=0, length=5)[0, index]
        with pytest.raises(IndexError):
            FixedWindows(three, shape(), length=5)[index]


# What a window holds


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("x.wav", "PCM_16"),
        ("x.wav", "PCM_24"),
        ("x.wav", "FLOAT"),
        ("x.wav", "PCM_32"),
        ("x.wav", "PCM_U8"),
        ("x.wav", "DOUBLE"),
        ("x.w64", "PCM_16"),
        ("x.aiff", "PCM_16"),
        ("x.flac", "PCM_16"),
        ("x.flac", "PCM_24"),
        ("x.ogg", "VORBIS"),
    ],
)
def test_any_part_is_what_libsndfile_reads(tmp_path: Path, name: str, subtype: str, channels: int) -> None:
    path = save(tmp_path / name, 1.9 * noise(1, channels), subtype=subtype)
    whole, _ = soundfile.read(path, dtype="float32", always_2d=True)
    for start, frames in ((0, 8000), (0, 1), (7999, 1), (1234, 2001)):
        part = read_at_rate(str(path), start=start, frames=frames, sample_rate=RATE)
        assert part.dtype == np.float32
        tolerance = 1e-6 if subtype == "VORBIS" else 0
        np.testing.assert_allclose(part, whole[start : start + frames].T, atol=tolerance, rtol=0)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("channels", [1, 2])
def test_windows_longer_than_the_scratch_memory(tmp_path: Path, subtype: str, channels: int) -> None:
    seconds = 2.5 * SCRATCH_BYTES / 2 / RATE
    path = save(tmp_path / "long.wav", noise(seconds, channels), subtype=subtype)
    reader = open_reader(str(path))
    assert isinstance(reader, WavReader)
    whole, _ = soundfile.read(path, dtype="float32", always_2d=True)
    assert np.array_equal(reader.part(3, reader.frames - 3), whole[3:].T)
    flac = save(tmp_path / "long.flac", noise(seconds, channels))
    whole, _ = soundfile.read(flac, dtype="float32", always_2d=True)
    assert np.array_equal(open_reader(str(flac)).part(5, len(whole) - 5), whole[5:].T)


@pytest.mark.parametrize("lie", ["odd chunk first", "trailing chunk", "short data", "length unstated"])
def test_headers_as_they_come(tmp_path: Path, lie: str) -> None:
    samples = (noise(0.5) * 32767).astype("<i2")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, RATE, 4 * RATE, 4, 16)
    odd = struct.pack("<4sI", b"LIST", 5) + b"INFOx\0" if lie == "odd chunk first" else b""
    stated = {"short data": 10**6, "length unstated": 0xFFFFFFFF}.get(lie, samples.nbytes)
    body = b"WAVE" + odd + form + struct.pack("<4sI", b"data", stated) + samples.tobytes()
    body += struct.pack("<4sI", b"junk", 4) + b"\xff" * 4 if lie == "trailing chunk" else b""
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    if lie == "short data":
        with pytest.raises(AudioError, match="truncated"):
            open_reader(str(path))
        return
    reader = open_reader(str(path))
    assert isinstance(reader, WavReader) == (lie != "length unstated")
    assert reader.frames == len(samples)
    assert np.array_equal(reader.part(0, len(samples)), samples.T / np.float32(32768))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (48000, 44100),
        (44100, 48000),
        (8000, 44100),
        (192000, 44100),
        (44100, 16000),
        (44100, 44101),
        (96000, 48000),
    ],
)
def test_resampled_windows_are_cut_from_the_whole_file_resampled(
    tmp_path: Path, source: int, target: int
) -> None:
    path = save(tmp_path / "x.wav", noise(3, rate=source), rate=source, subtype="FLOAT")
    samples, _ = soundfile.read(path, dtype="float32")
    whole = soxr.resample(samples, source, target, quality="HQ")
    windows = Windows(corpus(track(path)), shape(sample_rate=target), seed=0, length=100)
    starts = set()
    for index in range(12):
        start, window = windows.place((0, index)).start, windows[0, index]["mixture"]
        np.testing.assert_allclose(window, whole[start : start + len(window[0])].T, atol=2e-5)
        starts.add(start)
    assert len(starts) > 10
    for start in (0, len(whole) - windows.settings.frames - 1):
        part = read_at_rate(str(path), start=start, frames=windows.settings.frames, sample_rate=target)
        np.testing.assert_allclose(part, whole[start : start + part.shape[1]].T, atol=2e-5)


def test_channels_are_copied_or_averaged(tmp_path: Path) -> None:
    mono, stereo = save(tmp_path / "mono.wav", noise(1, 1)), save(tmp_path / "stereo.wav", noise(1, 2))
    window = Windows(corpus(track(mono)), shape(), seed=0, length=1)[0, 0]["mixture"]
    assert np.array_equal(window[0], window[1])
    both = Windows(corpus(track(stereo)), shape(), seed=0, length=1)[0, 0]["mixture"]
    one = Windows(corpus(track(stereo)), shape(channels=1), seed=0, length=1)[0, 0]["mixture"]
    np.testing.assert_allclose(one[0], both.mean(axis=0), atol=1e-7)


@pytest.mark.parametrize("name", ["x.wav", "x.flac"])
@pytest.mark.parametrize("rate", [RATE, 11025])
def test_one_channel_is_the_mean_of_several(tmp_path: Path, name: str, rate: int) -> None:
    samples = np.random.default_rng(0).integers(-32768, 32768, (2 * SCRATCH_BYTES // 4 + 500, 2), np.int16)
    samples[:4] = [[-32768, -32768], [32767, 32767], [-32768, 32767], [1, 0]]
    soundfile.write(tmp_path / name, samples, RATE, subtype="PCM_16")
    frames = len(samples) * rate // RATE
    both, mean = (
        read_at_rate(str(tmp_path / name), start=0, frames=frames, sample_rate=rate, channels=channels)
        for channels in (2, 1)
    )
    assert mean.shape == (1, frames)
    np.testing.assert_allclose(mean[0], both.mean(axis=0), atol=0 if rate == RATE else 1e-5, rtol=0)
    if rate == RATE:
        assert mean[0, :4].tolist() == [-1, 32767 / 32768, -0.5 / 32768, 0.5 / 32768]


def test_a_short_file_is_followed_by_zeros_and_judged_by_its_sound(tmp_path: Path) -> None:
    click = save(tmp_path / "click.wav", np.full((10, 2), 0.01))
    windows = Windows(corpus(track(click)), shape(silence_db=-41), seed=0, length=3)
    window = windows[0, 1]["mixture"]
    assert window.shape == (2, 2000)
    np.testing.assert_allclose(window[:, :10], 0.01, atol=1e-4)
    assert not window[:, 10:].any()


def test_stems_come_from_the_same_place(tmp_path: Path) -> None:
    """Each sample tells its own time, so that a shift would show."""
    time = np.arange(40000)
    files = {
        stem: save(
            tmp_path / f"{stem}.wav",
            np.stack([time, time], 1)[: 40000 - 100 * n] / 2**17 + n / 10,
            subtype="FLOAT",
        )
        for n, stem in enumerate(STEMS)
    }
    windows = Windows(corpus(track(files)), shape(stems=STEMS), seed=2, length=40)
    for index in range(40):
        sounds, start = windows[3, index], windows.place((3, index)).start
        assert tuple(sounds) == STEMS
        assert start <= 40000 - 400 - 2000
        for n, stem in enumerate(STEMS):
            np.testing.assert_allclose(sounds[stem][0], (start + np.arange(2000)) / 2**17 + n / 10, atol=1e-6)


def test_tracks_without_the_stems_are_left_out(tmp_path: Path, songs: list[Path]) -> None:
    full = track({"mixture": songs[0], "vocals": songs[1]})
    windows = Windows(corpus(track(songs[2]), full), shape(stems=("vocals",)), seed=0, length=20)
    assert {windows.place((0, index)).track.name for index in range(20)} == {full.name}
    with pytest.raises(
        CorpusError, match="music: no track has all of the stems drums; choose among mixture, vocals"
    ):
        Windows(corpus(full), shape(stems=("drums",)), seed=0, length=1)
    with pytest.raises(CorpusError, match="music: no tracks"):
        FixedWindows(corpus(), shape(), length=1)


# Where windows lie


def test_tracks_are_drawn_by_their_length(three: Corpus, tmp_path: Path) -> None:
    short = track(save(tmp_path / "short.wav", noise(0.125)))
    timeline = Timeline(corpus(*three.tracks, short), shape())
    frames = timeline.settings.frames
    places = [timeline.place(u, frames) for u in (np.arange(49000) + 0.5) / 49000]
    counts = np.bincount([index for index, _ in places])
    np.testing.assert_allclose(counts / 49000, np.array([2, 4, 6, 0.25]) / 12.25, atol=1e-3)
    starts = np.array([start for index, start in places if index == 0])
    assert starts.min() == 0
    assert starts.max() == 16000 - frames
    covered = np.zeros(16000)
    for start in starts:
        covered[start : start + frames] += 1
    inside = covered[frames:-frames]
    assert inside.std() / inside.mean() < 0.02, "all samples but those near the ends are covered alike"
    assert covered[0] > 0
    assert covered[-1] > 0


def test_or_every_song_alike_its_tracks_by_length(songs: list[Path]) -> None:
    tracks = [track(songs[0], "one"), track(songs[1], "one"), track(songs[2], "two")]
    timeline = Timeline(corpus(*tracks), shape(weighting="song"))
    counts = np.bincount([timeline.place(u, 2000)[0] for u in np.arange(6000) / 6000])
    np.testing.assert_allclose(counts / 6000, [1 / 6, 1 / 3, 1 / 2], atol=1e-3)


@settings(deadline=None, max_examples=200)
@given(u=st.floats(0, 1, exclude_max=True), frames=st.integers(1, 10**6))
def test_every_place_is_in_its_track(tmp_path_factory: pytest.TempPathFactory, u: float, frames: int) -> None:
    path = tmp_path_factory.getbasetemp() / "place.wav"
    if not path.exists():
        save(path, noise(0.1))
    one, two = track(path), track(path)
    index, start = Timeline(corpus(one, two), shape()).place(u, frames)
    assert index == (u >= 0.5)
    assert 0 <= start <= max(0, one.frames - frames)


def test_fixed_windows_are_spread_evenly_and_stay(three: Corpus) -> None:
    fixed = FixedWindows(three, shape(), length=24)
    assert len(fixed) == 24
    places = [fixed.place(key) for key in range(24)]
    names = [place.track.name for place in places]
    assert [names.count(t.name) for t in three.tracks] == [4, 8, 12]
    starts = [place.start for place in places if place.track is three.tracks[2]]
    gaps = np.diff(starts)
    assert gaps.min() > 0.9 * gaps.mean()
    again = FixedWindows(three, shape(), length=24)
    assert all(equal(again[key], fixed[key]) for key in (23, 0, 11))


# Silence and broken files


def test_silence_is_drawn_again(tmp_path: Path) -> None:
    sound = noise(4)
    sound[: len(sound) // 2] *= 1e-4
    path = save(tmp_path / "half.wav", sound, subtype="FLOAT")
    for windows in (
        [Windows(corpus(track(path)), shape(), seed=0, length=60)[0, index] for index in range(60)],
        [FixedWindows(corpus(track(path)), shape(), length=60)[key] for key in range(60)],
    ):
        levels = [np.sqrt(np.mean(window["mixture"] ** 2)) for window in windows]
        assert min(levels) > 1e-3
    everything = Windows(corpus(track(path)), shape(silence_db=-math.inf), seed=0, length=60)
    assert sum(everything.place((0, i)).redraws for i in range(60)) == 0
    assert min(np.abs(everything[0, i]["mixture"]).max() for i in range(60)) < 1e-4


def test_a_stem_may_rest_while_another_plays(tmp_path: Path) -> None:
    files = {
        "vocals": save(tmp_path / "v.wav", np.zeros((8000, 2))),
        "drums": save(tmp_path / "d.wav", noise(1)),
    }
    sounds = Windows(corpus(track(files)), shape(stems=("vocals", "drums")), seed=0, length=1)[0, 0]
    assert not sounds["vocals"].any()
    assert sounds["drums"].any()


def test_a_corpus_of_silence_is_an_error_after_a_bounded_number_of_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = corpus(*(track(save(tmp_path / f"{n}.wav", np.zeros((8000, 2)))) for n in range(3)))
    reads: list[int] = []
    read = Timeline.read
    monkeypatch.setattr(Timeline, "read", lambda self, *place: (reads.append(1), read(self, *place))[1])
    for windows, key in (
        (Windows(silent, shape(redraws=9), seed=0, length=1), (0, 0)),
        (FixedWindows(silent, shape(redraws=9), length=1), 0),
    ):
        reads.clear()
        with pytest.raises(CorpusError) as caught:
            windows[key]  # type: ignore[index]
        assert len(reads) == 10
        message = str(caught.value)
        assert message.startswith("music: no usable window in 10 draws: 10 silent (below -60 dB)")
        assert "lower silence_db" in message
        assert "\n" not in message


def broken(kind: str, path: Path) -> None:
    """Break a file that was fine."""
    if kind == "removed":
        path.unlink()
    elif kind == "cut short":
        os.truncate(path, path.stat().st_size // 50)
    elif kind == "emptied":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("not music\n" * 1000)
    elif kind == "replaced by a shorter one":
        save(path, noise(0.01))
    elif kind == "a folder":
        path.unlink()
        path.mkdir()
    elif kind in ("NaN", "Inf"):
        samples = noise(6)
        samples[:, 1] = np.nan if kind == "NaN" else -np.inf
        soundfile.write(path, samples, RATE, subtype="FLOAT", format="WAV")


KINDS = ["removed", "cut short", "emptied", "text", "replaced by a shorter one", "a folder", "NaN", "Inf"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [RATE, 11025])
def test_a_file_that_breaks_is_logged_once_and_replaced(
    three: Corpus, songs: list[Path], kind: str, rate: int, caplog: pytest.LogCaptureFixture
) -> None:
    windows = Windows(three, shape(sample_rate=rate), seed=0, length=60)
    before = [windows[0, index] for index in range(60)]
    places = [windows.place((0, index)) for index in range(60)]
    victim = songs[2]
    assert caplog.records == []
    broken(kind, victim)
    with caplog.at_level(logging.WARNING, logger="tonewright"):
        after = [windows[0, index] for index in range(60)]
    assert len(caplog.records) == 1
    record = caplog.records[0]
    assert record.name == "tonewright"
    assert str(victim) in record.getMessage()
    assert "\n" not in record.getMessage()
    affected = [place.track.name == str(victim) for place in places]
    assert 10 < sum(affected) < 50
    for was_there, one, other in zip(affected, before, after, strict=True):
        assert equal(one, other) == (not was_there)
        assert np.isfinite(other["mixture"]).all()
    fresh = Windows(three, shape(sample_rate=rate), seed=0, length=60)
    assert all(equal(fresh[0, index], after[index]) for index in range(60)), (
        "what was read before must not matter"
    )
    fixed = FixedWindows(three, shape(sample_rate=rate), length=9)
    assert all(fixed.place(key).track.name != str(victim) for key in range(9))


@pytest.mark.parametrize("suffix", [".flac", ".ogg"])
def test_compressed_files_that_are_cut_short_are_replaced(
    tmp_path: Path, songs: list[Path], suffix: str
) -> None:
    path = tmp_path / f"x{suffix}"
    soundfile.write(path, noise(20), RATE)
    windows = Windows(corpus(track(path), track(songs[0])), shape(), seed=0, length=40)
    expected = [windows[0, index] for index in range(40)]
    os.truncate(path, path.stat().st_size // 2)
    got = [windows[0, index] for index in range(40)]
    assert all(np.isfinite(window["mixture"]).all() for window in got)
    kept = [equal(one, other) for one, other in zip(expected, got, strict=True)]
    assert 0 < sum(kept) < 40


def test_when_every_file_is_gone_the_error_says_why(three: Corpus, songs: list[Path]) -> None:
    windows = Windows(three, shape(), seed=0, length=5)
    assert windows[0, 0]
    for path in songs:
        path.unlink()
    with pytest.raises(CorpusError, match=r"101 unreadable \(.*song \d\.wav.*\); mend or remove the files"):
        windows[0, 0]


# Augmentation


def test_augmentation_belongs_to_the_window(three: Corpus) -> None:
    plain = Windows(three, shape(), seed=5, length=30)
    changed = Windows(three, shape(), seed=5, length=30, augment=Chain((Gain(), Polarity())))
    drawn = [changed.parameters((1, index)) for index in range(30)]
    assert drawn == [changed.parameters((1, index)) for index in range(30)]
    assert len({parameters["steps"][0]["gain_db"] for parameters in drawn}) == 30
    assert plain.parameters((0, 0)) == {}
    for index, parameters in enumerate(drawn):
        gain, polarity = parameters["steps"]
        factor = 10 ** (gain["gain_db"] / 20) * (-1 if polarity["applied"] else 1)
        np.testing.assert_allclose(
            changed[1, index]["mixture"], plain[1, index]["mixture"] * factor, rtol=1e-5
        )


def test_a_faster_window_is_cut_from_more_sound(three: Corpus) -> None:
    for factor in (0.7, 1.6):
        chain = Chain((Tempo(low_factor=factor, high_factor=factor),))
        windows = Windows(three, shape(), seed=5, length=3, augment=chain)
        window = windows[0, 1]["mixture"]
        assert window.shape == (2, 2000)
        assert np.abs(window[:, -200:]).max() > 0.01
        assert window.flags.c_contiguous


def test_remix_takes_its_stems_from_elsewhere(tmp_path: Path) -> None:
    """Song n holds the constant n in every stem, so that a stem tells where it is from."""
    names = STEMS[1:]
    tracks = []
    for song in (1, 2, 3, 4):
        level = np.full((4000, 2), song / 10)
        files = {
            s: save(tmp_path / str(song) / f"{s}.wav", level * (4 if s == "mixture" else 1), subtype="FLOAT")
            for s in STEMS
        }
        tracks.append(track(files))
    chain = Chain((Remix(low_db=0, high_db=0, swap_probability=0.5),))
    windows = Windows(corpus(*tracks), shape(stems=STEMS), seed=0, length=50, augment=chain)
    mixed = 0
    for index in range(50):
        sounds, own = (
            windows[0, index],
            float(windows.place((0, index)).track.stems["drums"].split("/")[-2]) / 10,
        )
        swapped = windows.parameters((0, index))["steps"][0]["swapped"]
        donors = {float(sounds[stem][0, 0]) for stem in swapped}
        assert len(donors) <= 1
        assert all(sounds[stem][0, 0] == pytest.approx(own) for stem in names if stem not in swapped)
        np.testing.assert_allclose(sounds["mixture"], sum(sounds[stem] for stem in names), atol=1e-6)
        mixed += any(abs(level - own) > 0.01 for level in donors)
        assert equal(sounds, windows[0, index])
    assert mixed > 15


# Handles


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs a list of this process's descriptors")
def test_no_more_files_are_open_than_agreed(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{n}{suffix}", noise(0.1)) for n in range(10) for suffix in (".wav", ".flac")]
    before, cache = descriptors(), HandleCache(capacity=5)
    for path in paths:
        cache.reader(str(path)).part(0, 10)
    assert len(cache) == 5
    assert descriptors() == before + 5
    kept = cache.reader(str(paths[-1]))
    assert cache.reader(str(paths[-1])) is kept
    del kept
    cache.forget()
    assert descriptors() == before


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_opens_its_own_files(three: Corpus) -> None:
    windows = Windows(three, shape(), seed=0, length=10)
    expected = windows[0, 0]["mixture"].tobytes()
    assert len(HANDLES) > 0
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        inherited = len(HANDLES)
        os.write(writing, bytes([inherited]) + windows[0, 0]["mixture"].tobytes()[:4000])
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    answer = os.read(reading, 5000)
    os.close(reading)
    assert answer[0] == 0
    assert answer[1:] == expected[: len(answer) - 1]
    assert len(answer) == 4001


def test_threads_may_share_a_file(tmp_path: Path) -> None:
    for suffix in (".wav", ".flac"):
        path = save(tmp_path / f"x{suffix}", noise(4))
        whole, _ = soundfile.read(path, dtype="float32")
        reader = open_reader(str(path))
        barrier = threading.Barrier(4)

        def work(seed: int, reader=reader, whole=whole, barrier=barrier) -> bool:
            barrier.wait()
            starts = np.random.default_rng(seed).integers(0, 30000, 50)
            return all(np.array_equal(reader.part(int(s), 2000), whole[s : s + 2000].T) for s in starts)

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(work, range(4)))


@pytest.mark.parametrize("rate", [RATE, 11025])
def test_a_window_costs_no_more_memory_than_itself(tmp_path: Path, rate: int) -> None:
    for path in (save(tmp_path / "long.wav", noise(600)), save(tmp_path / "long.flac", noise(600))):
        windows = Windows(corpus(track(path)), shape(seconds=1.0, sample_rate=rate), seed=0, length=20)
        windows[0, 0]
        tracemalloc.start()
        for index in range(10):
            windows[0, index]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8 * windows[0, 0]["mixture"].nbytes


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seconds": 0.0}, "seconds is 0.0"),
        ({"seconds": -1.0}, "at least one sample"),
        ({"channels": 0}, "channels is 0"),
        ({"stems": ()}, "stems is empty"),
        ({"redraws": -1}, "redraws is -1"),
        ({"weighting": "size"}, 'weighting is "size": must be "length" or "song"'),
    ],
)
def test_wrong_settings_are_named(wrong: dict, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        shape(**wrong)
    assert message in str(caught.value)


def test_an_epoch_has_windows(three: Corpus) -> None:
    for make in (
        lambda: Windows(three, shape(), seed=0, length=0),
        lambda: FixedWindows(three, shape(), length=0),
    ):
        with pytest.raises(UsageError, match="must be 1 or more"):
            make()
