"""What goes wrong while a training runs: said in one line, and nothing is lost."""

from __future__ import annotations

import errno
import logging
import math
import os
import signal
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import Callback

from tonewright.audio.files import Clip, read, write
from tonewright.errors import CorpusError, OutputError, RunError, TonewrightError
from tonewright.learning.metrics_file import read_metrics
from tonewright.learning.runs import open_run
from tonewright.learning.start import train


def write_songs(folder: Path, songs: int = 2, *, level: float = 0.1, seconds: float = 1.0) -> Path:
    """Songs of noise as plain files."""
    for song in range(songs):
        noise = np.random.default_rng(song).normal(0, 1, (2, round(44100 * seconds)))
        write(folder / f"song {song}.wav", Clip((level * noise).clip(-1, 1).astype(np.float32), 44100))
    return folder


def folder_of(config) -> Path:
    return Path(config.output, "codec/a")


def leftovers(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob(".*") if "tonewright" in path.name]


class At(Callback):
    """Does something before a batch."""

    def __init__(self, batch: int, act) -> None:
        self.batch, self.act, self.seen = batch, act, 0

    def on_train_batch_start(self, trainer, pl_module, *args) -> None:
        self.seen += 1
        if self.seen == self.batch:
            self.act(pl_module)


@pytest.mark.parametrize("examples", [0, 1])
def test_a_silent_corpus_is_told_at_once(examples: int, tiny, tmp_path: Path) -> None:
    songs = write_songs(tmp_path / "quiet", level=1e-5)
    config = tiny("data=folder", f"data.root={songs}", f"callbacks.examples={examples}")
    with pytest.raises(CorpusError, match=r"quiet: no usable window in 101 draws: 101 silent .*silence_db"):
        train(config)
    assert not folder_of(config).exists()  # so that the command, put right, can be given again


def test_a_folder_without_sound_is_named(tiny, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "read.txt").write_text("words")
    for name in ("notes", "nowhere"):
        config = tiny("data=folder", f"data.root={tmp_path / name}")
        with pytest.raises(CorpusError, match=name):
            train(config)
        assert not folder_of(config).exists()


def test_one_song_serves_for_both_with_a_warning(tiny, tmp_path: Path, caplog) -> None:
    songs = write_songs(tmp_path / "single", 1)
    with caplog.at_level(logging.WARNING, "tonewright"):
        run = train(tiny("data=folder", f"data.root={songs}", "trainer.max_steps=2"))
    assert [record.message for record in caplog.records if "too few songs (1)" in record.message]
    assert run.load_weights()


def spoil(path: Path) -> None:
    samples = read(path).samples.copy()
    samples[0, ::50] = np.nan
    with path.open("r+b") as file:
        content = bytearray(file.read())
        start = content.index(b"data") + 8
        content[start:] = samples.T.astype("<f4").tobytes()
        file.seek(0)
        file.write(content)


@pytest.mark.parametrize("accident", ["gone", "emptied", "nan"])
@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_that_breaks_meanwhile_is_replaced(
    accident: str, workers: int, tiny, watch, tmp_path: Path, caplog
) -> None:
    songs = tmp_path / "songs"
    for song in range(3):
        noise = 0.1 * np.random.default_rng(song).normal(0, 1, (2, 44100))
        write(songs / f"{song}.wav", Clip(noise.astype(np.float32), 44100), encoding="float")
    broken = songs / "1.wav"
    acts = {"gone": broken.unlink, "emptied": lambda: broken.write_bytes(b""), "nan": lambda: spoil(broken)}
    watch(At(2, lambda learner: acts[accident]()))
    config = tiny("data=folder", f"data.root={songs}", "trainer.max_steps=12", f"data.workers={workers}")
    with caplog.at_level(logging.WARNING, "tonewright"):
        run = train(config)
    losses = [float(row["train/loss"]) for row in read_metrics(run.metrics_file) if row["train/loss"]]
    assert len(losses) == 12
    assert np.isfinite(losses).all()
    told = [record.message for record in caplog.records if "1.wav" in record.message]
    if not workers:  # a worker's own log does not come back to the test
        assert len(told) == len({id(record) for record in told}) >= 1
        assert all("replaced by others" in message for message in told)


def test_a_full_disk_spares_the_earlier_checkpoint(
    tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    config = tiny("trainer.max_steps=6", "callbacks.checkpoint_every_steps=2")
    written = []
    original = Path.write_bytes

    def write_bytes(path: Path, content) -> int:
        if path.suffix == ".ckpt":
            written.append(path)
            if len(written) == 2:
                original(path, bytes(content)[: len(content) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return original(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_bytes)
        with pytest.raises(OutputError, match=r"last\.ckpt: the disk is full") as stop:
            train(config)
    assert "\n" not in str(stop.value)
    assert torch.load(folder_of(config) / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 2
    assert leftovers(folder_of(config)) == list(temporary.iterdir()) == []
    config.ckpt_path = "last"
    assert train(config).load_weights()


class Breaker(At):
    """Makes a weight NaN, as an exploding loss does."""

    def __init__(self, batch: int) -> None:
        super().__init__(batch, self.spoil)

    @staticmethod
    @torch.no_grad()
    def spoil(learner) -> None:
        next(learner.model.parameters()).view(-1)[0] = math.nan


@pytest.mark.parametrize("log_every", [1, 100])
def test_an_exploding_loss_stops_and_spares_the_checkpoint(log_every: int, tiny, watch) -> None:
    watch(Breaker(4))
    config = tiny(
        "trainer.max_steps=6", f"trainer.log_every_steps={log_every}", "callbacks.checkpoint_every_steps=2"
    )
    with pytest.raises(
        TonewrightError, match=r"step [45]: .* not finite; lower optimizer\.learning_rate \(now"
    ) as stop:
        train(config)
    assert "\n" not in str(stop.value)
    checkpoint = torch.load(folder_of(config) / "checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 2
    assert all(tensor.isfinite().all() for tensor in checkpoint["state_dict"].values())


@pytest.fixture
def keyboard():
    """Ctrl-C as Python takes it, however the tests were started."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda learner: os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("batch", [3, 8])
@pytest.mark.parametrize(
    "more",
    [
        ("trainer.ema_decay=0.5", "trainer.validate_every_steps=3", "system.balance=true"),
        ("trainer.accumulate=2", "data.windows_per_epoch=10", "callbacks.checkpoint_every_steps=2"),
        ("data.windows_per_epoch=6", "callbacks.early_stopping_patience=9"),
    ],
    ids=["average", "accumulation", "epochs"],
)
def test_an_interrupted_training_goes_on_where_it_was(batch: int, more: tuple, tiny, watch, keyboard) -> None:
    more = (*more, "trainer.max_steps=5" if "accumulate" in more[0] else "trainer.max_steps=9")
    whole = train(tiny(*more, "run_name=whole"))
    interrupt = watch(At(batch, keyboard))
    config = tiny(*more)
    with pytest.raises(KeyboardInterrupt, match=r"train codec run_name=a .*ckpt_path=last"):
        train(config)
    assert interrupt.seen <= batch + 1  # it ended with its step
    assert not (folder_of(config) / "model.safetensors").exists()
    config.ckpt_path = "last"
    resumed = train(config)
    assert resumed.metrics_file.read_text() == whole.metrics_file.read_text()
    ours, theirs = resumed.load_weights(), whole.load_weights()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert leftovers(resumed.folder) == []


def test_a_moved_run_still_knows_its_best(tiny, tmp_path: Path) -> None:
    config = tiny("trainer.max_steps=1", "trainer.validate_every_steps=1")
    run = train(config)
    best = (run.checkpoints / "best.ckpt").read_bytes()
    config.output = str(tmp_path / "elsewhere")
    run.folder.parents[1].rename(config.output)
    # Whatever comes counts for better only if it is lower by far, which nothing is.
    config.callbacks.mode, config.ckpt_path, config.trainer.max_steps = "min", "last", 2
    state = torch.load(folder_of(config) / "checkpoints/last.ckpt", weights_only=True)
    name = next(key for key in state["callbacks"] if key.startswith("BestCheckpoint"))
    kept = state["callbacks"][name]
    kept["best_k_models"] = {path: torch.tensor(-1e9) for path in kept["best_k_models"]}
    torch.save(state, folder_of(config) / "checkpoints/last.ckpt")
    train(config)
    assert (folder_of(config) / "checkpoints/best.ckpt").read_bytes() == best


def test_interrupted_at_once_the_earlier_checkpoint_serves(tiny, watch, keyboard) -> None:
    def at_once(learner) -> None:
        raise KeyboardInterrupt

    watch(At(4, at_once))
    config = tiny("trainer.max_steps=6", "callbacks.checkpoint_every_steps=2")
    with pytest.raises(KeyboardInterrupt, match="ckpt_path=last"):
        train(config)
    assert torch.load(folder_of(config) / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 2
    config.ckpt_path = "last"
    assert len({row["step"] for row in read_metrics(train(config).metrics_file)}) == 6


def test_interrupted_before_any_checkpoint_it_says_so(tiny, watch, keyboard) -> None:
    def at_once(learner) -> None:
        raise KeyboardInterrupt

    watch(At(2, at_once))
    with pytest.raises(KeyboardInterrupt, match="no checkpoint yet; start anew with --force"):
        train(tiny("trainer.max_steps=6"))


def test_a_broken_checkpoint_is_refused_by_name(tiny) -> None:
    config = tiny("trainer.max_steps=1")
    run = train(config)
    last = run.checkpoints / "last.ckpt"
    whole = last.read_bytes()
    config.ckpt_path = "last"
    for content in (b"", whole[:1000], whole[: len(whole) // 2], b"no checkpoint at all"):
        last.write_bytes(content)
        with pytest.raises(RunError, match=r"last\.ckpt: cannot be read") as refusal:
            train(config)
        assert "\n" not in str(refusal.value)
    last.write_bytes(whole)
    wider = tiny("trainer.max_steps=1", "system.width=24")
    wider.ckpt_path = "last"
    with pytest.raises(RunError, match=r"last\.ckpt: does not fit"):
        train(wider)
    assert open_run(run.folder).load_weights()
