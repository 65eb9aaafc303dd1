"""A reverb out of nothing: a network trained to colour no frequency, then given a decay."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tonewright.errors import NetworkError, nearest
from tonewright.reverb.network import FDNBuild

if TYPE_CHECKING:
    from tonewright.reverb.train.training import TrainLog


@dataclass(frozen=True)
class Stage:
    """A training: with how long a decay, at how many bins, for how many steps at most, and for what.

    `evenness` is the weight of the spread of the modes, of which flatness alone leaves much.
    """

    decay_s: float
    nfft: int
    most_steps: int
    evenness: float = 0.0


# While it is trained a network decays, so that its modes are wider than the bins of the DFT are apart.
FIRST = Stage(decay_s=0.5, nfft=1 << 14, most_steps=200)
# Networks that are drawn and trained, and how the one of the least loss is then polished.
QUALITIES: dict[str, tuple[int, Stage | None]] = {
    "draft": (1, None),
    "standard": (3, Stage(decay_s=1.0, nfft=1 << 15, most_steps=100, evenness=0.5)),
    "best": (10, Stage(decay_s=2.0, nfft=1 << 16, most_steps=100, evenness=0.5)),
}
SPARSITY = 0.2


def colorless(
    size: int = 8,
    *,
    rt: float | tuple[float, float] = 2.0,
    quality: str = "standard",
    seed: int = 0,
    sample_rate: float = 48_000.0,
    delays: Sequence[int] | np.ndarray | None = None,
    channels: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[FDNBuild, TrainLog]:
    """A network of which no mode stands out, with a decay.

    A lossless feedback matrix and the gains are trained until the magnitude of the response is as flat as it
    gets (Dal Santo, Prawda, Schlecht and Välimäki, "Differentiable feedback delay network for colorless
    reverberation", DAFx 2023), then until its modes are even too; the absorption follows afterwards. Every
    output is scaled to an energy of 1.

    Parameters
    ----------
    size : number of delay lines
    rt : reverberation time in seconds, or a pair: at low frequencies and at half the sample rate
    quality : "draft", "standard" or "best": the flattest of 1, 3 or 10 networks, the latter two polished
    seed : another seed, another network
    sample_rate : Hz
    delays : (size,) lengths in whole samples; drawn where not given
    channels : outputs, of which no two correlate; the input is one
    progress : called with steps done and in all

    Returns
    -------
    the network, and what its training did before it was polished
    """
    if quality not in QUALITIES:
        raise NetworkError(f"quality is '{quality}'; {nearest(quality, QUALITIES)}")
    for name, value in (("size", size), ("channels", channels)):
        if isinstance(value, bool) or int(value) != value or not 1 <= value <= 128:
            raise NetworkError(f"{name} is {value}; choose a whole number from 1 to 128")
    if channels > size:
        raise NetworkError(f"{channels} outputs need as many delay lines; size is {size}")
    from tonewright.reverb.train.build import decay_pair, with_decay

    decay_pair(rt)
    tries, polish = QUALITIES[quality]
    steps = _Steps(progress, tries * FIRST.most_steps + (polish.most_steps if polish else 0))
    log, network = min(
        (
            _flattened(_drawn(size, [seed, attempt], sample_rate, delays, channels), FIRST, steps)
            for attempt in range(tries)
        ),
        key=lambda tried: tried[0].best_loss,
    )
    if polish:
        _, network = _flattened(network, polish, steps)
    return _levelled(with_decay(network, rt)), log


class EvenOutputs:
    """Criterion for several outputs: each is flat, and no two of them correlate.

    L = mean (|H_o| − 1)² over bins and outputs + Σ ρ² over pairs of outputs, with ρ = mean Re(H_o* H_p) over
    the bins.
    """

    name = "even_outputs"
    domain = "spectrum"

    def value_and_gradient(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss, and its gradient by real and imaginary part.

        Parameters
        ----------
        y : (bins, outputs, inputs) complex
        """
        level = np.maximum(np.abs(y), 1e-12)
        off = level - 1
        value = float(np.mean(off**2))
        gradient = 2 * off * y / level / off.size
        bins = y.shape[0]
        for first, second in itertools.combinations(range(y.shape[1]), 2):
            correlation = float(np.real(np.vdot(y[:, first], y[:, second]))) / bins
            value += correlation**2
            gradient[:, first] += 2 * correlation / bins * y[:, second]
            gradient[:, second] += 2 * correlation / bins * y[:, first]
        return value, gradient


class _Steps:
    """Steps of several trainings as those of one."""

    def __init__(self, progress: Callable[[int, int], None] | None, total: int) -> None:
        self.progress, self.total, self.before = progress, total, 0

    def of(self, stage: Stage) -> Callable[[int, int], None] | None:
        """What the next training calls."""
        start, self.before = self.before, self.before + stage.most_steps
        if self.progress is None:
            return None
        told = self.progress
        return lambda done, _: told(start + done, self.total)


def _drawn(
    size: int, seed: list[int], sample_rate: float, delays: Sequence[int] | np.ndarray | None, channels: int
) -> FDNBuild:
    from tonewright.reverb.train.build import build_fdn, extract_build

    rng = np.random.default_rng(seed)
    model = build_fdn(
        N=size,
        delays=None if delays is None else np.asarray(delays),
        rt=None,
        output_gain=_signs(channels, size, rng) / math.sqrt(size),
        fs=sample_rate,
        rng=rng,
    )
    return extract_build(model)


def _flattened(network: FDNBuild, stage: Stage, steps: _Steps) -> tuple[TrainLog, FDNBuild]:
    """Train all of a network, whatever its decay, towards flat and uncorrelated outputs."""
    from tonewright.reverb.losses import colorless_loss, modal_loss
    from tonewright.reverb.train.build import extract_build, trainable_from_build, with_decay
    from tonewright.reverb.train.criteria import colorless_sparsity_loss
    from tonewright.reverb.train.training import train_fdn

    model = trainable_from_build(with_decay(network, stage.decay_s), nfft=stage.nfft)
    flat = EvenOutputs() if network.outputs > 1 else colorless_loss()
    criteria = [(flat, 1.0, False), (colorless_sparsity_loss(), SPARSITY, True)]
    if stage.evenness:
        criteria.append((modal_loss(), stage.evenness, False))
    with warnings.catch_warnings():
        # The mode's own criterion, made for one output, is not used for several.
        warnings.filterwarnings("ignore", "mode 'colorless'")
        log = train_fdn(
            model,
            "colorless",
            criteria=criteria,
            optimizer="lbfgs",
            max_steps=stage.most_steps,
            progress=steps.of(stage),
        )
    return log, extract_build(model)


def _signs(channels: int, lines: int, rng: np.random.Generator) -> np.ndarray:
    """(channels, lines) of ±1: all the same for the first output, half of them turned for the others."""
    halves = np.where(np.arange(lines) % 2, -1.0, 1.0)
    return np.stack([np.ones(lines), *(rng.permutation(halves) for _ in range(channels - 1))])


def _levelled(network: FDNBuild) -> FDNBuild:
    """The same with every output's impulse response of energy 1, so that noise keeps its level."""
    from tonewright.reverb.response import impulse_response

    response = impulse_response(network).reshape(-1, network.outputs)
    energy = np.sum(response**2, axis=0)
    return network.changed(C=network.C / np.sqrt(np.maximum(energy, 1e-30))[:, None])
