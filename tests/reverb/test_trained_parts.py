"""Decay, delays, tone, early reflections and pre-delay are found again from a response alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tonewright.errors import NetworkError
from tonewright.reverb import (
    FDNBuild,
    Taps,
    Trainable,
    TrainableFDN,
    build_fdn,
    impulse_response,
    train_fdn,
    trainable_from_build,
)
from tonewright.reverb.absorption import GraphicAbsorption
from tonewright.reverb.train.optimise import minimise
from tonewright.reverb.train.run import TrainingRun
from tonewright.reverb.train.tone import ToneFilter

NFFT = 1024
ROOM = np.random.default_rng(0).standard_normal(900) * np.exp(-np.arange(900) / 200)
NOTHING = Trainable(feedback=False, input_gain=False, output_gain=False)


def small(**arguments) -> TrainableFDN:
    return build_fdn(**{"delays": [61, 83, 97, 101], "rt": 0.05, "rng": 0, "nfft": NFFT, **arguments})


class TestMoreParts:
    """A value that was changed is found again from the response alone."""

    def found(self, truth: FDNBuild, start: FDNBuild, trainable: Trainable, **settings) -> TrainableFDN:
        model = trainable_from_build(start, trainable=trainable, nfft=NFFT)
        settings = {"sparsity_alpha": 0.0, "mss_nfft": (64, 256), "optimizer": "lbfgs", **settings}
        train_fdn(model, "match_spectrogram", target=impulse_response(truth, NFFT), **settings)
        return model

    def start(self) -> FDNBuild:
        return small(fs=8000.0, rt=0.15).build

    def test_decay_per_octave(self) -> None:
        start = self.start()
        truth = np.linspace(0.2, 0.08, 6)
        room = start.changed(filters=GraphicAbsorption(start.delays, start.fs).sections(truth))
        model = self.found(room, start, replace(NOTHING, decay=True), max_steps=25)
        np.testing.assert_allclose(np.asarray(model.parts.decay), truth, rtol=0.01)
        assert model.build.filters is not None
        np.testing.assert_allclose(impulse_response(model.build, 500), impulse_response(room, 500), atol=1e-3)

    def test_parts_of_a_sample_are_found_by_the_gradient(self) -> None:
        start = self.start()
        model = trainable_from_build(start, trainable=replace(NOTHING, delays=True), nfft=NFFT)
        moved = start.delays + np.array([0.3, -0.25, 0.2, -0.3])
        vector = model.map.changed(model.parameters, delays=moved)
        run = TrainingRun(model, "match_spectrogram", dtype="float64")
        target = impulse_response(start, NFFT)
        run.measure(target=target, criteria=None, sparsity_alpha=0.0, mss_nfft=(64, 128))
        function = run.first_stage().objective
        settings = {"optimizer": "lbfgs", "rate": 1.0, "max_steps": 20, "watch": lambda *_: ""}
        vector, _ = minimise(function, vector, **settings)
        np.testing.assert_allclose(np.asarray(model.map.parts(vector).delays), start.delays, atol=0.01)

    def test_a_delay_comes_to_its_whole_samples(self) -> None:
        start = self.start()
        room = start.changed(delays=start.delays + np.array([0, 3, 0, 0]))
        model = self.found(room, start, replace(NOTHING, delays=True), max_steps=30)
        assert model.build.delays.tolist() == room.delays.tolist()
        np.testing.assert_allclose(np.asarray(model.parts.delays), room.delays)

    def test_pre_delay(self) -> None:
        start = self.start().changed(pre_delay=12)
        room = start.changed(pre_delay=31)
        model = self.found(room, start, replace(NOTHING, pre_delay=True), max_steps=20)
        assert model.build.pre_delay == 31

    def test_tone(self) -> None:
        start = self.start()
        levels_db = np.random.default_rng(0).uniform(-8, 8, (6, 1))
        room = start.changed(post_eq=ToneFilter(start.fs).sections(levels_db))
        model = self.found(room, start, replace(NOTHING, tone=True), max_steps=40)
        np.testing.assert_allclose(np.asarray(model.parts.tone), levels_db, atol=0.1)
        assert model.build.post_eq is not None

    def test_early_reflections_and_direct_path(self) -> None:
        start = self.start().changed(early=Taps(np.array([5, 40, 58]), np.array([[[0.3, -0.1, 0.1]]])))
        room = start.changed(early=Taps(np.array([5, 40, 58]), np.array([[[0.5, -0.3, 0.2]]])), D=[[0.7]])
        model = self.found(room, start, replace(NOTHING, early=True, direct=True), max_steps=50)
        assert model.build.early is not None
        np.testing.assert_allclose(model.build.early.gains[0, 0], [0.5, -0.3, 0.2], atol=1e-3)
        assert model.build.D[0, 0] == pytest.approx(0.7, abs=1e-3)

    def test_delays_together_with_the_rest(self) -> None:
        model = small(trainable=Trainable(delays=True))
        log = train_fdn(model, "match_spectrogram", target=ROOM, max_steps=40, lr=0.01, mss_nfft=(64,))
        assert log.best_loss < log.train_loss[0]
        assert log.steps_run <= 40
        np.testing.assert_allclose(np.asarray(model.parts.delays), model.build.delays)
        assert "whole samples" in log.stop_reason

    def test_early_reflections_must_be_there(self) -> None:
        with pytest.raises(NetworkError, match="no early reflections"):
            small(trainable=Trainable(early=True))
