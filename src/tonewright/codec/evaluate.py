"""How good a trained codec is, beside what it must beat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tonewright.codec.model import Codec
from tonewright.codec.reconstruct import load_codec
from tonewright.learning.metrics import log_mels, log_spectral_distance, mel_distance, si_sdr
from tonewright.learning.runs import Run

if TYPE_CHECKING:
    from tonewright.learning.material import Material, ValidationWindows

BATCH = 8


@dataclass(frozen=True)
class Score:
    """One row of a comparison; what cannot be said is NaN.

    Attributes
    ----------
    name : what made the sound
    mel_distance : mean |Δ log₁₀| of mel magnitudes over several resolutions; less is better
    log_spectral_distance_db : less is better
    si_sdr_db : more is better
    """

    name: str
    mel_distance: float
    log_spectral_distance_db: float = float("nan")
    si_sdr_db: float = float("nan")


def compare(run: Run, material: Material) -> list[Score]:
    """Score a run on its validation windows beside the steps that lead to it.

    The rows: the trained codec; its linear path alone, which is found from data before the first step; the
    same codec untrained; and the answer that knows only the mean spectrum of the training windows.
    """
    from tonewright.codec.training import CodecLearner

    torch.manual_seed(run.config.seed)
    learner = CodecLearner(run.config)
    untrained = score("untrained", learner.model.eval(), material.validation)
    learner.prepare(material.training)
    linear = score("linear path alone", learner.model.eval(), material.validation)
    trained = score("trained", load_codec(run), material.validation)
    return [trained, linear, untrained, mean_spectrum(run, material)]


def measures(estimate: Tensor, target: Tensor, *, sample_rate: int) -> dict[str, Tensor]:
    """Figures that are compared and not optimised, of (batch, channels, time); (batch,) each."""
    return {
        "mel_distance": mel_distance(estimate, target, sample_rate=sample_rate),
        "log_spectral_distance_db": log_spectral_distance(estimate, target),
        "si_sdr_db": si_sdr(estimate, target),
    }


@torch.inference_mode()
def score(name: str, model: Codec, windows: ValidationWindows) -> Score:
    """Mean figures of a codec over fixed windows."""
    found: dict[str, list[Tensor]] = {}
    for batch in batches(windows):
        for figure, values in measures(model(batch).samples, batch, sample_rate=model.sample_rate).items():
            found.setdefault(figure, []).append(values)
    return Score(name, **{figure: float(torch.cat(values).mean()) for figure, values in found.items()})


@torch.inference_mode()
def mean_spectrum(run: Run, material: Material) -> Score:
    """The mel distance of predicting, in every frame, the mean log mel spectrum of the training windows."""
    rate = run.config.data.sample_rate
    count = run.config.system.prepare_windows
    windows = material.training
    drawn = [divmod(index, len(windows)) for index in range(count)]
    stem = run.config.data.stems[0]
    heard = torch.stack([torch.from_numpy(windows[key][stem]) for key in drawn])
    means = [mels.mean(dim=(0, 1, 2)) for mels in log_mels(heard, sample_rate=rate)]
    total = 0.0
    for batch in batches(material.validation):
        targets = log_mels(batch, sample_rate=rate)
        far = [(mels - mean).abs().mean(dim=(1, 2, 3)) for mels, mean in zip(targets, means, strict=True)]
        total += float(torch.stack(far).mean(0).sum())
    return Score("mean spectrum", total / len(material.validation))


def batches(windows: ValidationWindows) -> Iterator[Tensor]:
    """The first stem of all windows in batches (batch, channels, time)."""
    stem = windows.settings.stems[0]
    for start in range(0, len(windows), BATCH):
        indices = range(start, min(start + BATCH, len(windows)))
        yield torch.stack([torch.from_numpy(windows[index][stem]) for index in indices])
