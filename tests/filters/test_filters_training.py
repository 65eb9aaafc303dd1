"""How filters learn: what they come to, and that nothing depends on when a training was interrupted."""

from __future__ import annotations

import logging
import os
import signal
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tonewright.audio.files import Clip, write
from tonewright.errors import CorpusError, RunError, TonewrightError, UsageError
from tonewright.filters import finishing, session
from tonewright.filters.batches import epoch_rows, spread_rows
from tonewright.filters.loop import averaged, first_state, programs_of, step_key
from tonewright.filters.spectra import load_spectra
from tonewright.filters.trained import load
from tonewright.learning.compose import compose_config
from tonewright.learning.config import TrainConfig
from tonewright.learning.metrics_file import metric_series, read_metrics
from tonewright.learning.runs import Run
from tonewright.learning.start import train

SmallTraining = Callable[..., TrainConfig]


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch: pytest.MonkeyPatch, learned_filters: Run) -> None:
    """Leave out what takes long and is looked at in the run of `learned_filters`, which has it all."""
    monkeypatch.setattr(finishing, "write_pictures", lambda *args: None)
    monkeypatch.setattr(finishing, "write_sounds", lambda *args: None)


def test_it_learns_and_tells_noises_apart(learned_filters: Run, band_noise: Callable[..., Clip]) -> None:
    """Outcome: half a minute leaves a fifth of the loss, and the numbers say where the noise lies."""
    _, losses = metric_series(learned_filters.metrics_file)["validation/reconstruction"]
    assert losses[-1] < 0.2 * losses[0] or losses[-1] < 0.1
    model = load(learned_filters)
    unseen_hz = np.geomspace(170.0, 7500.0, 16)
    z = np.stack([model.encode(band_noise(hz, seed=1000 + i)).z for i, hz in enumerate(unseen_hz)])
    octaves = np.log2(unseen_hz)
    features = np.concatenate([z, z**2, np.ones((len(z), 1))], axis=1)
    left = octaves - features @ np.linalg.lstsq(features, octaves, rcond=None)[0]
    assert left.var() < 0.05 * octaves.var()
    peaks_hz = model.grid.frequencies_hz[model.decode_db(z).argmax(axis=1)]
    assert np.corrcoef(np.log2(peaks_hz), octaves)[0, 1] > 0.95


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 200), st.integers(1, 500), st.integers(0, 2**32 - 1), st.integers(0, 1000))
def test_an_epoch_takes_every_spectrum_before_any_comes_again(
    count: int, wanted: int, seed: int, epoch: int
) -> None:
    rows = epoch_rows(count, wanted, seed=seed, epoch=epoch)
    assert rows.shape == (wanted,)
    times = np.bincount(rows, minlength=count)
    assert times.max() - times.min() <= 1
    assert np.array_equal(rows, epoch_rows(count, wanted, seed=seed, epoch=epoch))


@settings(deadline=None, max_examples=30)
@given(
    arrays.arrays(np.float64, st.integers(1, 60), elements=st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0])),
    st.integers(1, 300),
    st.integers(0, 1000),
)
def test_an_epoch_takes_spectra_in_their_proportions(shares: np.ndarray, wanted: int, epoch: int) -> None:
    shares[0] += 0.1
    rows = epoch_rows(len(shares), wanted, seed=0, epoch=epoch, shares=shares)
    times = np.bincount(rows, minlength=len(shares))
    assert times.sum() == wanted
    assert (np.abs(times - wanted * shares / shares.sum()) < 1 + 1e-9).all()


def test_labels_are_drawn_in_their_proportions(
    tmp_path: Path, small_training: SmallTraining, band_noise: Callable[..., Clip]
) -> None:
    for genre, count in (("blues", 9), ("rock", 4), ("jazz", 3)):
        for number in range(count):
            sound = band_noise(500.0, seed=number, seconds=0.2)
            write(tmp_path / "genres" / genre / f"{genre}.{number:05d}.wav", sound)
    proportions = ("+data.proportions.blues=1", "+data.proportions.rock=3")
    config = small_training(tmp_path, f"data.root={tmp_path / 'genres'}", "data.layout=gtzan", *proportions)
    spectra = load_spectra(config)
    assert spectra.shares is not None
    rows = epoch_rows(len(spectra), 400, seed=0, epoch=0, shares=spectra.shares)
    drawn = Counter(spectra.names[row].split(".")[0].split("/")[-1] for row in rows)
    assert abs(drawn["rock"] - 300) <= len(spectra)
    assert abs(drawn["blues"] - 100) <= len(spectra)
    assert drawn["jazz"] == 0
    assert load_spectra(small_training(tmp_path, f"data.root={tmp_path / 'genres'}")).shares is None


def test_epochs_and_seeds_differ() -> None:
    drawn = [epoch_rows(50, 50, seed=seed, epoch=epoch) for seed in range(3) for epoch in range(3)]
    assert len({rows.tobytes() for rows in drawn}) == 9


@given(st.integers(0, 1000), st.integers(0, 50))
def test_spread_rows_are_different_and_reach_far(count: int, most: int) -> None:
    rows = spread_rows(count, most)
    assert len(set(rows.tolist())) == len(rows) == min(count, most)
    assert all(0 <= row < count for row in rows)
    assert len(rows) < 2 or np.ptp(np.diff(rows)) <= 1


def test_a_step_is_the_same_in_whichever_stretch_it_falls(
    small_training: SmallTraining, tmp_path: Path
) -> None:
    config = small_training(tmp_path)
    programs, key = programs_of(config.system, config.trainer.ema_decay), step_key(0)
    rows = jnp.asarray(np.random.default_rng(0).normal(0, 10, (20, 16, config.system.size)), jnp.float32)
    weights, rates = jnp.linspace(0, 1e-3, 20), jnp.linspace(1e-3, 3e-3, 20)
    ends, logs = [], []
    for marks in ((0, 7), (0, 1, 2, 3, 4, 5, 6, 7), (0, 5, 7)):
        state, found = first_state(config), np.zeros(7)
        for first, stop in pairwise(marks):
            state, logged = programs.advance(state, key, rows, weights, rates, first, stop)
            found[first:stop] = np.asarray(logged["loss"])[first:stop]
        ends.append(jax.tree.leaves((state.params, state.opt_state, state.average, state.step)))
        logs.append(found)
    for end, log in zip(ends[1:], logs[1:], strict=True):
        assert np.array_equal(log, logs[0])
        assert all(np.array_equal(ours, theirs) for ours, theirs in zip(end, ends[0], strict=True))


def test_the_average_follows_its_formula(small_training: SmallTraining, tmp_path: Path) -> None:
    config = small_training(tmp_path, "trainer.ema_decay=0.6")
    state = first_state(config)
    wanted = np.asarray(jax.tree.leaves(state.average)[0], np.float64)
    for count in range(1, 12):
        moved = jax.tree.map(lambda x: x + 1, state.params)
        state = averaged(state.replace(params=moved, step=jnp.int32(count)), 0.6)
        share = min(0.6, (1 + count) / (10 + count))
        wanted = share * wanted + (1 - share) * np.asarray(jax.tree.leaves(moved)[0])
        np.testing.assert_allclose(jax.tree.leaves(state.average)[0], wanted, rtol=1e-5)


@pytest.mark.parametrize("interrupted_at", [1, 23])
def test_an_interrupted_training_ends_like_another(
    interrupted_at: int, small_training: SmallTraining, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = ("trainer.max_epochs=3", "callbacks.checkpoint_every_steps=7")
    whole = train(small_training(tmp_path, "run_name=whole", *more))
    plain = session.Session.advance

    def interrupting(self: session.Session, stop: int) -> float:
        loss = plain(self, stop)
        if self.step >= interrupted_at > self.resumed_at:
            os.kill(os.getpid(), signal.SIGINT)
        return loss

    monkeypatch.setattr(session.Session, "advance", interrupting)
    words = "resume with: tonewright train filters run_name=cut .*ckpt_path=last"
    with pytest.raises(KeyboardInterrupt, match=words):
        train(small_training(tmp_path, "run_name=cut", *more))
    monkeypatch.undo()
    with pytest.raises(RunError, match="ckpt_path=last"):
        load(tmp_path / "filters" / "cut")
    cut = train(compose_config("filters", [f"output={tmp_path}", "run_name=cut", "ckpt_path=last"]))
    assert cut.metrics_file.read_bytes() == whole.metrics_file.read_bytes()
    for name in ("model.msgpack", "knobs.json", "checkpoints/model.msgpack"):
        assert (cut.folder / name).read_bytes() == (whole.folder / name).read_bytes()


def test_what_a_run_leaves(learned_filters: Run) -> None:
    there = {str(path.relative_to(learned_filters.folder)) for path in learned_filters.folder.rglob("*.*")}
    assert {
        "config.yaml",
        "environment.txt",
        "knobs.json",
        "metrics.csv",
        "model.msgpack",
        "checkpoints/best.msgpack",
        "checkpoints/last.msgpack",
        "checkpoints/model.msgpack",
        "figures/knobs.png",
        "figures/reconstructions.png",
    } <= there
    assert sum(name.startswith("audio/") for name in there) == 4
    rows = read_metrics(learned_filters.metrics_file)
    assert list(rows[0])[:2] == ["step", "epoch"]
    assert {"train/loss", "validation/loss", "validation/distance_db", "learning_rate"} <= rows[0].keys()


def test_beta_rises_over_its_epochs_or_stays(small_training: SmallTraining, tmp_path: Path) -> None:
    more = ("trainer.log_every_steps=1", "trainer.max_epochs=3")
    rising = train(small_training(tmp_path, "run_name=a", "system.kl_annealing_epochs=2", *more))
    fixed = train(small_training(tmp_path, "run_name=b", "system.kl_annealing_epochs=0", *more))
    steps, weights = metric_series(rising.metrics_file)["train/kl_weight"]
    beta = rising.config.system.kl_weight
    np.testing.assert_allclose(weights, beta * np.minimum(1, (steps - 1) / 40), rtol=1e-6)
    assert set(metric_series(fixed.metrics_file)["train/kl_weight"][1]) == {float(np.float32(beta))}
    # Fixed or risen, β decides what is learned.
    ours, theirs = (metric_series(run.metrics_file)["train/loss"][1] for run in (rising, fixed))
    assert ours[5] != theirs[5]
    # Validation is always judged with the whole of it, so that epochs can be compared.
    values = {
        name: metric_series(rising.metrics_file)[f"validation/{name}"][1]
        for name in ("loss", "reconstruction", *(f"kl_{number}" for number in range(4)))
    }
    free = sum(np.maximum(values[f"kl_{number}"], rising.config.system.free_bits) for number in range(4))
    np.testing.assert_allclose(values["loss"], values["reconstruction"] + beta * free, rtol=1e-3)


def test_it_stops_when_nothing_is_bettered(small_training: SmallTraining, tmp_path: Path) -> None:
    more = ("callbacks.early_stopping_patience=2", "callbacks.early_stopping_delta=1e6")
    run = train(small_training(tmp_path, "run_name=a", *more))
    steps, _ = metric_series(run.metrics_file)["validation/loss"]
    assert steps.tolist() == [20, 40, 60]


def test_time_ends_a_training_and_more_time_goes_on(small_training: SmallTraining, tmp_path: Path) -> None:
    run = train(small_training(tmp_path, "run_name=a", "trainer.max_minutes=1e-6"))
    steps, _ = metric_series(run.metrics_file)["train/loss"]
    assert steps[-1] < 5
    again = ["run_name=a", f"output={tmp_path}", "ckpt_path=last"]
    more = ("trainer.max_minutes=null", "trainer.max_epochs=1", "trainer.log_every_steps=1")
    train(compose_config("filters", [*again, *more]))
    assert metric_series(run.metrics_file)["train/loss"][0][-1] == 20


def test_a_finished_run_is_left_as_it_is(
    small_training: SmallTraining, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = train(small_training(tmp_path, "run_name=a", "trainer.max_steps=2"))
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*.msgpack")}
    with caplog.at_level(logging.WARNING, "tonewright"):
        train(compose_config("filters", [f"output={tmp_path}", "run_name=a", "ckpt_path=last"]))
    assert "nothing is left to train" in caplog.text
    assert before == {path: path.stat().st_mtime_ns for path in run.folder.rglob("*.msgpack")}


def test_broken_numbers_stop_a_training_in_words(
    small_training: SmallTraining, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = session.epoch_batches

    def broken(*args: Any, **options: Any) -> np.ndarray:
        values = plain(*args, **options)
        values[3, 0, 5] = np.nan
        return values

    monkeypatch.setattr(session, "epoch_batches", broken)
    config = small_training(tmp_path, "run_name=a", "callbacks.checkpoint_every_steps=3")
    with pytest.raises(TonewrightError, match=r"step 4: \w+ is not finite; lower optimizer\.learning_rate"):
        train(config)
    # The checkpoint before the fault is still there to go on from.
    assert (tmp_path / "filters" / "a" / "checkpoints" / "last.msgpack").is_file()


def test_checkpoints_of_others_are_refused(small_training: SmallTraining, tmp_path: Path) -> None:
    run = train(small_training(tmp_path, "run_name=a", "trainer.max_steps=2"))
    again = ["run_name=a", f"output={tmp_path}", "trainer.max_steps=4"]
    with pytest.raises(RunError, match=r"does not fit the model.*float32\[32\], not float32\[8\]"):
        train(compose_config("filters", [*again, "ckpt_path=last", "system.width=8"]))
    with pytest.raises(RunError, match=r"gone\.msgpack: no such checkpoint; there are best\.msgpack"):
        train(compose_config("filters", [*again, f"ckpt_path={tmp_path / 'gone.msgpack'}"]))
    with pytest.raises(RunError, match="is no checkpoint of a training of filters"):
        train(compose_config("filters", [*again, f"ckpt_path={run.folder / 'model.msgpack'}"]))
    last = run.checkpoints / "last.msgpack"
    last.write_bytes(last.read_bytes()[:-100])
    with pytest.raises(RunError, match=r"last\.msgpack"):
        train(compose_config("filters", [*again, "ckpt_path=last"]))


def test_settings_that_do_nothing_are_said(
    small_training: SmallTraining, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    more = (
        "trainer.max_steps=1",
        "trainer.precision=bf16-mixed",
        "trainer.devices=2",
        "+data.augment.gain={}",
    )
    with caplog.at_level(logging.WARNING, "tonewright"):
        train(small_training(tmp_path, "run_name=a", *more))
    for name in ("trainer.precision=bf16-mixed", "trainer.devices=2", "data.augment"):
        assert name in caplog.text


def test_wrong_settings_leave_no_run(small_training: SmallTraining, tmp_path: Path) -> None:
    for more, words in (
        ("trainer.accelerator=abacus", "choose from"),
        ("trainer.accelerator=tpu", "JAX finds none here"),
        ("callbacks.monitor=validation/beauty", "nothing is called 'validation/beauty'"),
    ):
        with pytest.raises(UsageError, match=words):
            train(small_training(tmp_path, "run_name=a", "trainer.max_epochs=1", more))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="empty"):
        train(small_training(tmp_path, f"data.root={tmp_path / 'empty'}", "run_name=b"))
    assert not (tmp_path / "filters" / "b").exists()
