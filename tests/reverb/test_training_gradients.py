"""Gradients of whole models in every mode, against differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tonewright.reverb import FDNBuild, Taps, Trainable, TrainableFDN, build_fdn, trainable_from_build
from tonewright.reverb.train.objective import TrainingObjective
from tonewright.reverb.train.run import TrainingRun
from tonewright.reverb.train.tone import ToneFilter

NFFT = 1024
ROOM = np.random.default_rng(0).standard_normal(900) * np.exp(-np.arange(900) / 200)
EVERYTHING = Trainable(direct=True, decay=True, delays=True, tone=True, early=True, pre_delay=True)


def small(**arguments) -> TrainableFDN:
    return build_fdn(**{"delays": [61, 83, 97, 101], "rt": 0.05, "rng": 0, "nfft": NFFT, **arguments})


def surrounded(inputs: int = 1, outputs: int = 1) -> FDNBuild:
    """A network with a tone filter, early reflections and a pre-delay."""
    rng = np.random.default_rng(5)
    gains = {"input_gain": rng.standard_normal((4, inputs)), "output_gain": rng.standard_normal((outputs, 4))}
    build = small(fs=8000.0, rt=0.2, **gains).build
    levels_db = rng.uniform(-3, 3, (ToneFilter(8000.0).centers_hz.size, outputs))
    taps = Taps(np.array([3, 17]), rng.standard_normal((outputs, inputs, 2)))
    return build.changed(early=taps, pre_delay=9, post_eq=ToneFilter(8000.0).sections(levels_db))


def objective(
    model: TrainableFDN, mode: str, target=None, scaling: str = "relative", **settings
) -> TrainingObjective:
    run = TrainingRun(model, mode, scaling=scaling, dtype="float64")
    settings = {"criteria": None, "sparsity_alpha": 0.2, "mss_nfft": (64, 128), **settings}
    run.measure(target=target, **settings)
    return run.first_stage().objective


def check_gradient(function: TrainingObjective, *, rel: float = 1e-6) -> None:
    """Along a random direction of each part, at a point near that of the model."""
    rng = np.random.default_rng(1)
    parameters = function.map
    vector = parameters.vector + 0.003 * rng.standard_normal(parameters.vector.size)
    if "decay" in parameters.slices:
        # Equal decays are a corner of the monotone curve through them.
        where = parameters.slices["decay"]
        vector[where] += 0.2 * np.cos(3.0 * np.arange(where.stop - where.start))
    gradient = function(vector).gradient
    for name, where in parameters.slices.items():
        direction = np.zeros(vector.size)
        direction[where] = rng.standard_normal(where.stop - where.start)
        step = {"decay": 1e-5, "tone": 1e-5}.get(name, 1e-6)
        above, below = (function(vector + s * direction).total for s in (step, -step))
        numeric = (above - below) / (2 * step)
        bound = 1e-4 if name in ("decay", "delays", "tone", "pre_delay") else rel
        assert gradient @ direction == pytest.approx(numeric, rel=bound, abs=1e-6), name


class TestGradients:
    @pytest.mark.parametrize("scaling", ["relative", "peer"])
    @pytest.mark.parametrize("mode", ["colorless", "match_spectrogram", "match_mel_spectrogram"])
    def test_of_the_gains(self, mode: str, scaling: str) -> None:
        model = small(trainable=Trainable(direct=True), direct=0.1)
        check_gradient(objective(model, mode, None if mode == "colorless" else ROOM, scaling))

    @pytest.mark.parametrize("shape", [(900,), (900, 3), (900, 3, 2)])
    @pytest.mark.parametrize("matrix", ["orthogonal", "random"])
    def test_of_many_channels(self, shape: tuple[int, ...], matrix: str) -> None:
        target = ROOM.reshape(900, *[1] * (len(shape) - 1)) * np.random.default_rng(2).standard_normal(shape)
        rng = np.random.default_rng(3)
        gains = {"input_gain": rng.standard_normal((4, 2)), "output_gain": rng.standard_normal((3, 4))}
        model = small(trainable=Trainable(direct=True), matrix=matrix, **gains)
        check_gradient(objective(model, "match_spectrogram", target))

    @pytest.mark.parametrize("mode", ["colorless", "match_spectrogram"])
    @pytest.mark.parametrize("trained", ["gains", "everything"])
    def test_of_what_surrounds_the_loop(self, mode: str, trained: str) -> None:
        parts = EVERYTHING if trained == "everything" else Trainable(direct=True, early=True)
        model = trainable_from_build(surrounded(), trainable=parts, nfft=NFFT)
        target = None if mode == "colorless" else ROOM
        check_gradient(objective(model, mode, target), rel=1e-5)

    @pytest.mark.parametrize("shape", [(900, 2), (900, 2, 2)])
    def test_of_everything_with_many_channels(self, shape: tuple[int, ...]) -> None:
        target = ROOM.reshape(900, *[1] * (len(shape) - 1)) * np.random.default_rng(2).standard_normal(shape)
        model = trainable_from_build(surrounded(2, 2), trainable=EVERYTHING, nfft=NFFT)
        check_gradient(objective(model, "match_spectrogram", target), rel=1e-5)

    def test_from_a_lossless_start(self) -> None:
        model = small(rt=None)
        function = objective(model, "colorless")
        assert function.radius < 1
        check_gradient(function)


class TestDevices:
    @pytest.mark.parametrize("mode", ["colorless", "match_spectrogram"])
    def test_spectra_by_torch_train_alike(self, mode: str) -> None:
        target = None if mode == "colorless" else ROOM
        rng = np.random.default_rng(3)
        model = trainable_from_build(
            surrounded(), trainable=replace(EVERYTHING, decay=mode == "colorless"), nfft=NFFT
        )
        vector = model.parameters + 0.001 * rng.standard_normal(model.parameters.size)
        found = []
        for device in (None, "cpu"):
            run = TrainingRun(model, mode, dtype="float64")
            run.device = device
            run.measure(target=target, criteria=None, sparsity_alpha=0.2, mss_nfft=(64, 128))
            found.append(run.first_stage().objective(vector))
        assert found[1].total == pytest.approx(found[0].total, rel=1e-9)
        np.testing.assert_allclose(found[1].gradient, found[0].gradient, rtol=1e-5, atol=1e-6)
