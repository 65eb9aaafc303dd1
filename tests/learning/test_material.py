"""What each system learns from: windows of the pool by its parts, remixes, stems of a band."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import DictConfig, OmegaConf

from tonewright.audio.corpus import Corpus, Track, load_corpus
from tonewright.audio.files import Clip, write
from tonewright.audio.remixes import FixedRemixes, Remixes
from tonewright.audio.shards import ShardSettings, ShardWindows, plan_shards, write_shards
from tonewright.audio.windows import FixedWindows, Windows
from tonewright.codec.training import SYSTEM
from tonewright.errors import CorpusError, UsageError
from tonewright.learning.compose import compose_config
from tonewright.learning.material import Material, load_material
from tonewright.learning.metrics_file import metric_series
from tonewright.learning.runs import typed_config
from tonewright.learning.start import train
from tonewright.learning.trainer import example_clips

SEPARATION = "data.stems=[mixture,vocals,accompaniment]"


SMALL = ("data.seconds=0.5", "data.windows_per_epoch=400", "data.validation_windows=40")


def told(root: Path, *overrides: str) -> Material:
    """The material of a command line."""
    return load_material(compose_config("codec", ["data=pool", f"data.root={root}", *SMALL, *overrides]))


@cache
def composed(data: str) -> DictConfig:
    """A configuration as YAML holds it; composing takes longer than most of these tests."""
    return OmegaConf.create(asdict(compose_config("codec", [f"data={data}", "data.root=?", *SMALL])))


def material(root: Path, *settings: str, data: str = "pool") -> Material:
    """The material of a group with other settings."""
    raw = OmegaConf.merge(composed(data), OmegaConf.from_dotlist([f"data.root={root}", *settings]))
    assert isinstance(raw, DictConfig)
    return load_material(typed_config(raw, source="test"))


def parts(windows: Windows | FixedWindows) -> Counter[str]:
    """How many windows are from each part of the pool."""
    keys = (
        [(0, index) for index in range(len(windows))] if isinstance(windows, Windows) else range(len(windows))
    )
    return Counter(windows.place(key).track.labels[0] for key in keys)  # type: ignore[arg-type]


# The codec: mixtures, by the proportions of the parts


def test_a_codec_hears_all_parts_in_their_proportions(tiny_pool: Path) -> None:
    found = material(tiny_pool)
    assert isinstance(found.training, Windows)
    assert isinstance(found.validation, FixedWindows)
    counts = parts(found.training)
    for part, share in (("voices", 0.3), ("music", 0.5), ("instruments", 0.1), ("songs", 0.1)):
        assert counts[part] / 400 == pytest.approx(share, abs=0.08), part
    assert set(parts(found.validation)) == {"voices", "music", "instruments", "songs"}
    assert parts(found.validation)["music"] == 20
    trained_on = {found.training.place((0, index)).track.song for index in range(400)}
    assert not trained_on & {found.validation.place(key).track.song for key in range(40)}
    window = found.training[0, 0]["mixture"]
    assert window.shape == (2, 22050)


def test_proportions_are_told_on_the_command_line(tiny_pool: Path) -> None:
    only = told(
        tiny_pool,
        "data.proportions.voices=1",
        "data.proportions.music=0",
        "data.proportions.instruments=0",
        "~data.proportions.songs",
    )
    assert set(parts(only.training)) == {"voices"}  # type: ignore[arg-type]
    more = told(tiny_pool, "+data.proportions.rock=1", "~data.proportions.music")
    assert parts(more.training)["music"] / 400 == pytest.approx(1 / 1.5, abs=0.08)  # type: ignore[arg-type]
    # A label that is added takes its tracks out of the part that they are in.
    beside = told(tiny_pool, "+data.proportions.rock=1")
    assert parts(beside.training)["music"] / 400 == pytest.approx(1 / 1.5, abs=0.08)  # type: ignore[arg-type]
    nothing = [
        f"data.proportions.{part}=0" for part in ("voices", "singing", "music", "instruments", "songs")
    ]
    with pytest.raises(UsageError, match="proportions are all 0"):
        told(tiny_pool, *nothing)
    with pytest.raises(UsageError, match=r"proportions\.music is -1"):
        material(tiny_pool, "data.proportions.music=-1")


def test_what_the_pool_lacks_is_told_once(tiny_pool: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="tonewright"):
        for settings in ((), (SEPARATION,)):
            caplog.clear()
            found = material(tiny_pool, *settings)
            examples = typed_config(composed("pool"), source="test")
            assert len(example_clips(found.validation, examples)) == 4
            assert [record.getMessage() for record in caplog.records] == [
                f"{tiny_pool}: no track is drawn as singing; the others share its proportion"
            ]


def test_a_codec_of_the_whole_band_leaves_narrow_tracks_out(tiny_pool: Path) -> None:
    wide = material(tiny_pool, "data.least_bandwidth_hz=12000")
    assert set(parts(wide.training)) == {"music", "instruments", "songs"}  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"least_bandwidth_hz is 20000; .* has 15000 Hz"):
        material(tiny_pool, "data.least_bandwidth_hz=20000")


# Effects: dry voices and instruments


def test_effects_hear_voices_and_instruments_alone(tiny_pool: Path) -> None:
    dry = material(tiny_pool, "data.labels=[voices,instruments]", "data.seconds=1.5", "data.channels=1")
    assert isinstance(dry.training, Windows)
    counts = parts(dry.training)
    assert set(counts) == {"voices", "instruments"}
    assert counts["voices"] / 400 == pytest.approx(0.75, abs=0.07)
    # Words of 0.9 s and notes of 0.25 s fill a window of 1.5 s.
    filled = [np.count_nonzero(dry.training[0, index]["mixture"]) / 66150 for index in range(20)]
    assert min(filled) > 0.5
    with pytest.raises(UsageError, match="labelled 'instrument'; did you mean instruments"):
        material(tiny_pool, "data.labels=[instrument]")


# Separation: voices over accompaniments


def test_separation_hears_remixes_of_the_pool(tiny_pool: Path) -> None:
    found = material(tiny_pool, SEPARATION, "data.augment.gain.low_db=-3")
    assert isinstance(found.training, Remixes)
    assert isinstance(found.validation, FixedRemixes)
    kinds = Counter(found.training.recipe((0, index)).kind for index in range(400))
    assert set(kinds) == {"remix", "song", "instrument", "accompaniment", "voice", "silence"}
    assert kinds["remix"] / 400 == pytest.approx(0.7, abs=0.08)
    for windows, keys in (
        (found.training, [(3, index) for index in range(30)]),
        (found.validation, range(30)),
    ):
        for key in keys:
            sounds = windows[key]  # type: ignore[index]
            assert list(sounds) == ["mixture", "vocals", "accompaniment"]
            assert np.array_equal(sounds["mixture"], sounds["vocals"] + sounds["accompaniment"])
    songs = [
        {place.track.song for place in (one.voice, one.accompaniment) if place} for one in recipes(found)
    ]
    assert not set().union(*songs[:100]) & set().union(*songs[100:]), "no voice serves both parts"


def recipes(found: Material) -> list:
    training, validation = found.training, found.validation
    assert isinstance(training, Remixes)
    assert isinstance(validation, FixedRemixes)
    return [*(training.recipe((0, n)) for n in range(100)), *(validation.recipe(n) for n in range(40))]


def test_remixes_are_set_on_the_command_line(tiny_pool: Path) -> None:
    settings = ("data.remix.equalise_probability=0", "data.remix.low_db=0", "data.remix.high_db=0")
    shares = [
        f"data.remix.shares.{kind}=0" for kind in ("song", "instrument", "accompaniment", "voice", "silence")
    ]
    found = material(tiny_pool, SEPARATION, *settings, *shares)
    assert isinstance(found.training, Remixes)
    made = [found.training.recipe((0, index)) for index in range(50)]
    assert {(one.kind, one.cutoff_hz, one.voice_db) for one in made} == {("remix", None, 0.0)}
    with pytest.raises(UsageError, match=r"remix\.equalise_probability is 2"):
        material(tiny_pool, SEPARATION, "data.remix.equalise_probability=2")
    with pytest.raises(UsageError, match=r"did you mean data\.remix\.shares\.silence"):
        told(tiny_pool, SEPARATION, "data.remix.shares.silense=0")


def test_remixing_may_be_refused_or_demanded(tiny_pool: Path, band: Path) -> None:
    songs = material(tiny_pool, SEPARATION, "data.remixed=false")
    assert isinstance(songs.training, Windows)
    assert set(parts(songs.training)) == {"songs"}
    mixed = material(band, SEPARATION, "data.remixed=true", data="musdb18hq")
    assert isinstance(mixed.training, Remixes)


@pytest.mark.parametrize("apart", [("train", "validation"), ("validation", "train"), ("train", "train")])
@pytest.mark.parametrize("remixed", ["null", "true"])
def test_one_voice_and_one_accompaniment_serve_both_parts(
    tmp_path: Path,
    apart: tuple[str, str],
    remixed: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = tmp_path / "noise.wav"
    write(path, Clip(0.1 * np.random.default_rng(0).standard_normal((1, 44_100)), 44_100))
    tracks = [
        Track(label + split, label + split, {"mixture": str(path)}, 44_100, 1, 44_100, split, (label,))
        for label, split in (("voices", apart[0]), ("music", apart[1]), ("music", "test"))
    ]
    corpus = Corpus.from_tracks(tracks, root=tmp_path)
    monkeypatch.setattr("tonewright.learning.material.load_corpus", lambda *_, **__: corpus)
    found = material(tmp_path, SEPARATION, f"data.remixed={remixed}", data="folder")
    heard = [place.track.split for one in recipes(found) for place in (one.voice, one.accompaniment) if place]
    assert set(heard) == set(apart)
    assert "too few" in caplog.text


@pytest.mark.parametrize("data", ["musdb18hq", "demo"])
def test_a_set_with_stems_gives_the_accompaniment_too(band: Path, data: str) -> None:
    found = material(band, SEPARATION, data=data)
    assert isinstance(found.training, Windows)
    plain = material(band, "data.stems=[drums,bass,other,vocals,mixture]", data=data)
    for index in range(10):
        sounds, stems = found.training[0, index], plain.training[0, index]
        rest = stems["drums"] + stems["bass"] + stems["other"]
        np.testing.assert_allclose(sounds["accompaniment"], rest, atol=1e-6)
        np.testing.assert_allclose(sounds["mixture"], sounds["vocals"] + sounds["accompaniment"], atol=1e-3)


def test_stems_that_only_songs_have_come_from_songs(tiny_pool: Path) -> None:
    found = material(tiny_pool, "data.stems=[mixture,drums,bass]")
    assert set(parts(found.training)) == set(parts(found.validation)) == {"songs"}  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"data\.stems: .* has no stem 'drum'; did you mean drums"):
        material(tiny_pool, "data.stems=[mixture,drum]")


def test_shards_are_trained_on_in_their_own_order(band: Path, tmp_path: Path) -> None:
    write_shards(plan_shards(load_corpus(band), ShardSettings(seconds=2.0)), tmp_path / "shards")
    for data in ("shards", "folder"):
        settings = () if data == "shards" else ("data.layout=auto",)
        found = material(tmp_path / "shards", "data.stems=[vocals,accompaniment]", *settings, data=data)
        assert isinstance(found.training, ShardWindows)
        assert isinstance(found.validation, FixedWindows)
        assert list(found.training[0, 0]) == ["vocals", "accompaniment"]


# What goes wrong, and what must be survived


def test_without_a_pool_the_error_says_how_to_make_it(tmp_path: Path) -> None:
    for root in (tmp_path / "nothing", tmp_path):
        with pytest.raises(CorpusError) as caught:
            material(root)
        assert str(caught.value) == f"{root}: there is no pool; make it with: tonewright data pool {root}"
    assert list(tmp_path.iterdir()) == []


def test_losses_survive_silence(tiny_pool: Path) -> None:
    """A batch of windows of nothing, or of all but nothing, has a finite loss and finite gradients."""
    shares = [
        f"data.remix.shares.{kind}=0" for kind in ("remix", "song", "instrument", "accompaniment", "voice")
    ]
    windows = material(tiny_pool, SEPARATION, *shares, "data.remix.shares.silence=1").training
    silences = [windows[0, index]["mixture"] for index in range(12)]
    assert {bool(silence.any()) for silence in silences} == {False, True}
    config = compose_config("codec", ["experiment=tiny", "data=pool", f"data.root={tiny_pool}", "run_name=a"])
    learner = SYSTEM.learner(config)
    zeros = torch.zeros(2, 2, 22050)
    for batch in (torch.from_numpy(np.stack(silences)), zeros):
        terms = learner.terms({"mixture": batch}, torch.Generator().manual_seed(0))
        assert all(torch.isfinite(value) for value in terms.values()), terms
        learner.zero_grad()
        terms["loss"].backward()
        for name, weight in learner.model.named_parameters():
            assert weight.grad is not None, name
            assert torch.isfinite(weight.grad).all(), name


def test_a_codec_learns_from_the_pool(tiny_pool: Path, tiny_in, tmp_path: Path) -> None:
    run = train(tiny_in(tmp_path, "data=pool", f"data.root={tiny_pool}", "trainer.max_steps=4"))
    losses = metric_series(run.metrics_file)["train/loss"][1]
    assert np.isfinite(losses).all()
    assert len(losses) == 4
    assert run.config.data.layout == "pool"
    assert run.load_weights()


def test_files_that_cannot_be_read_are_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (1, 66_150)).astype(np.float32)
    for name in "abcdefgh":
        write(tmp_path / f"{name}.wav", Clip(noise * ord(name) / 110, 44_100))
    settings = compose_config("codec", ["data=folder", f"data.root={tmp_path}", *SMALL])
    with caplog.at_level(logging.WARNING, logger="tonewright"):
        load_material(settings)
        assert "cannot be read" not in caplog.text
        (tmp_path / "broken.wav").write_bytes(b"no sound")
        load_material(settings)
    assert "1 of its files cannot be read and are left out" in caplog.text
    assert "broken.wav" in caplog.text


def test_long_work_on_the_corpus_is_told(
    band: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    overrides = [f"data.root={band}", "data.seconds=1", "data.layout=musdb18hq"]
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(band.parent / "a cache of its own"))
    with caplog.at_level(logging.INFO, "tonewright"):
        monkeypatch.setattr("tonewright.learning.material.TELL_SECONDS", 0.0)
        load_material(compose_config("codec", overrides))
    assert f"{band}: 25 of 25 looked at" in caplog.messages
    caplog.clear()
    monkeypatch.setattr("tonewright.learning.material.TELL_SECONDS", 1e9)
    load_material(compose_config("codec", overrides))
    assert not any("looked at" in text for text in caplog.messages)
