"""From a flat vector to the parts of a network, and the gradients on the way back."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.reverb.absorption import graphic_absorption, sections_response, shelf_absorption
from tonewright.reverb.engines.elimination import EliminationEngine
from tonewright.reverb.gallery import fdn_build_gallery, random_rotation
from tonewright.reverb.train.fractional import FractionalDelay
from tonewright.reverb.train.loop_design import LoopDesign, MovingLoop, measured_decay
from tonewright.reverb.train.parameters import ParameterMap, Parts, Plain, Positive
from tonewright.reverb.train.rotations import Bounded, Rotation, rotation_logarithm
from tonewright.reverb.train.tone import ToneFilter, ToneResponse
from tonewright.reverb.train.torch_engine import TorchEngine


def slope(function, point: np.ndarray, direction: np.ndarray, step: float = 1e-6) -> float:
    """Central difference of a function along a direction."""
    return (function(point + step * direction) - function(point - step * direction)) / (2 * step)


class TestRotations:
    @given(st.integers(1, 12), st.integers(0, 1000))
    @settings(max_examples=30, deadline=None)
    def test_a_rotation_comes_back_from_its_entries(self, size: int, seed: int) -> None:
        matrix = random_rotation(size, rng=seed)
        rotation = Rotation(size)
        np.testing.assert_allclose(rotation.value(rotation.parameters(matrix)), matrix, atol=1e-12)

    @given(st.integers(2, 12), st.floats(0.01, 50), st.integers(0, 1000))
    @settings(max_examples=30, deadline=None)
    def test_any_entries_give_a_rotation(self, size: int, scale: float, seed: int) -> None:
        rotation = Rotation(size)
        entries = scale * np.random.default_rng(seed).standard_normal(rotation.count)
        matrix = rotation.value(entries)
        skew = np.zeros((size, size))
        skew[np.triu_indices(size, 1)] = entries
        np.testing.assert_allclose(matrix.T @ matrix, np.eye(size), atol=1e-12)
        np.testing.assert_allclose(matrix, scipy.linalg.expm(skew - skew.T), atol=1e-9)

    def test_the_logarithm_is_scipys_where_that_is_real(self) -> None:
        matrix = random_rotation(8, rng=0)
        np.testing.assert_allclose(rotation_logarithm(matrix), np.real(scipy.linalg.logm(matrix)), atol=1e-12)

    def test_turns_by_pi_have_a_real_logarithm(self) -> None:
        matrix = np.diag([-1.0, 1, -1, -1, -1, 1])
        skew = rotation_logarithm(matrix)
        np.testing.assert_allclose(skew, -skew.T, atol=1e-15)
        np.testing.assert_allclose(scipy.linalg.expm(skew), matrix, atol=1e-12)

    @pytest.mark.parametrize("size", [2, 3, 8, 16])
    @pytest.mark.parametrize("degenerate", [False, True])
    def test_gradient(self, size: int, degenerate: bool) -> None:
        rng = np.random.default_rng(size)
        rotation = Rotation(size)
        entries = np.zeros(rotation.count) if degenerate else rng.standard_normal(rotation.count)
        weights = rng.standard_normal((size, size))
        rotation.value(entries)
        gradient = rotation.pullback(weights)
        for _ in range(3):
            direction = rng.standard_normal(rotation.count)
            numeric = slope(lambda p: float((rotation.value(p) * weights).sum()), entries, direction)
            assert gradient @ direction == pytest.approx(numeric, rel=1e-7, abs=1e-8)


class TestBounded:
    @pytest.mark.parametrize("kind", ["rotation", "reflection", "any"])
    def test_a_matrix_comes_back(self, kind: str) -> None:
        matrix = random_rotation(5, rng=1)
        matrix = {"rotation": matrix, "reflection": matrix * [1, 1, 1, 1, -1]}.get(kind, matrix + 0.3)
        bounded = Bounded(5)
        parameters = bounded.parameters(matrix)
        np.testing.assert_allclose(bounded.value(parameters), matrix, atol=1e-12)
        lower, upper = bounded.bounds(parameters)
        assert (lower <= parameters).all()
        assert (parameters <= upper).all()
        gain = np.linalg.svd(matrix)[1].max()
        outside = parameters + 5 * np.random.default_rng(0).standard_normal(parameters.size)
        clipped = bounded.value(np.clip(outside, lower, upper))
        assert np.linalg.norm(clipped, 2) <= max(1, gain) + 1e-12

    def test_gradient(self) -> None:
        rng = np.random.default_rng(0)
        bounded = Bounded(4)
        point, weights = rng.standard_normal(bounded.count), rng.standard_normal((4, 4))
        bounded.value(point)
        gradient = bounded.pullback(weights)
        direction = rng.standard_normal(point.size)
        numeric = slope(lambda p: float((bounded.value(p) * weights).sum()), point, direction)
        assert gradient @ direction == pytest.approx(numeric, rel=1e-7)


class TestMaps:
    @pytest.mark.parametrize(
        "part", [Plain((2, 3), scale=20.0), Plain((4,), scale=3.0, least=1.0), Positive((3,))]
    )
    def test_values_and_gradients(self, part) -> None:
        rng = np.random.default_rng(0)
        value = rng.uniform(2, 5, part.shape)
        np.testing.assert_allclose(part.value(part.parameters(value)), value)
        point, weights = part.parameters(value), rng.standard_normal(part.shape)
        part.value(point)
        gradient = part.pullback(weights)
        direction = rng.standard_normal(point.size)
        numeric = slope(lambda p: float((part.value(p) * weights).sum()), point, direction)
        assert gradient @ direction == pytest.approx(numeric, rel=1e-7)

    def test_a_part_at_its_least_value_stays(self) -> None:
        part = Plain((2,), least=1.0)
        np.testing.assert_array_equal(part.value(np.array([0.5, 2.0])), [1, 2])
        np.testing.assert_array_equal(part.pullback(np.array([3.0, 3.0])), [0, 3])

    def test_a_vector_holds_the_trained_parts_alone(self) -> None:
        build = fdn_build_gallery(4, rng=1)
        start = Parts(random_rotation(4, rng=2), build.B, build.C, build.D)
        parameters = ParameterMap(start, ("feedback", "output_gain"))
        assert parameters.vector.size == 6 + 4
        parts = parameters.parts(parameters.vector + 1.0)
        np.testing.assert_array_equal(parts.input_gain, build.B)
        np.testing.assert_allclose(parts.output_gain, build.C + 1)
        changed = parameters.changed(parameters.vector, output_gain=np.full((1, 4), 7.0))
        np.testing.assert_array_equal(changed[:6], parameters.vector[:6])
        np.testing.assert_array_equal(changed[6:], 7.0)

    def test_free_feedback_is_its_own_parameter(self) -> None:
        build = fdn_build_gallery(3, rng=1)
        start = Parts(2 * build.A, build.B, build.C, build.D)
        parameters = ParameterMap(start, ("feedback",), matrix="random")
        np.testing.assert_array_equal(parameters.vector, (2 * build.A).reshape(-1))


class TestMovingLoops:
    """Decays and delays at the bins of a DFT, against the designs themselves and against differences."""

    def build(self, kind: str):
        bare = fdn_build_gallery(3, fs=16000, delays=np.array([101, 137, 150]), rt=None, rng=0)
        if kind == "shelf":
            return bare.changed(filters=shelf_absorption(0.8, 0.3, bare.delays, bare.fs))
        if kind == "graphic":
            decay = np.linspace(0.9, 0.3, 7)
            return bare.changed(filters=graphic_absorption(decay, bare.delays, bare.fs))
        return bare

    @pytest.mark.parametrize("kind", ["lossless", "shelf", "graphic"])
    @pytest.mark.parametrize("radius", [1.0, 0.999])
    def test_terms_are_those_of_delays_and_filters(self, kind: str, radius: float) -> None:
        build = self.build(kind)
        loop = MovingLoop(build, nfft=512, radius=radius)
        parts = Parts(build.A, build.B, build.C, build.D, delays=build.delays.astype(float))
        back = radius * np.exp(-2j * np.pi * np.arange(257) / 512)[:, None]
        expected = back**build.delays
        if build.filters is not None:
            for b0, b1, b2, a0, a1, a2 in build.filters:
                expected = expected * (b0 + b1 * back + b2 * back**2) / (a0 + a1 * back + a2 * back**2)
        np.testing.assert_allclose(loop.terms(parts), expected, atol=1e-12)

    @pytest.mark.parametrize(
        ("kind", "trained"), [("shelf", "delays"), ("graphic", "both"), ("lossless", "delays")]
    )
    @pytest.mark.parametrize("radius", [1.0, 0.999])
    def test_gradients(self, kind: str, trained: str, radius: float) -> None:
        rng = np.random.default_rng(0)
        build = self.build(kind)
        loop = MovingLoop(build, nfft=512, radius=radius)
        bare = Parts(build.A, build.B, build.C, build.D)
        weights = rng.standard_normal((257, 3)) + 1j * rng.standard_normal((257, 3))
        delays = build.delays + np.array([0.3, -0.7, 0.01])
        decay = np.linspace(0.8, 0.35, 7) if trained == "both" else None

        def value(delays: np.ndarray, decay: np.ndarray | None) -> float:
            bare.delays, bare.decay = delays, decay
            return float((weights.conj() * loop.terms(bare)).sum().real)

        value(delays, decay)
        slopes = Parts(*[np.empty(0)] * 4)
        loop.pullback(weights, slopes)
        direction = rng.standard_normal(3)
        assert slopes.delays is not None
        numeric = slope(lambda m: value(m, decay), delays, direction, 1e-5)
        assert slopes.delays @ direction == pytest.approx(numeric, rel=1e-5)
        if decay is not None:
            assert slopes.decay is not None
            direction = rng.standard_normal(decay.size)
            numeric = slope(lambda t: value(delays, t), decay, direction, 1e-5)
            assert slopes.decay @ direction == pytest.approx(numeric, rel=1e-5)

    def test_a_shelf_stays_a_shelf_at_other_delays(self) -> None:
        build = self.build("shelf")
        moved = LoopDesign(build).filters(None, build.delays + 20)
        expected = shelf_absorption(0.8, 0.3, build.delays + 20, build.fs)
        np.testing.assert_allclose(np.asarray(moved), expected, atol=1e-9)

    def test_measured_decays_are_those_of_the_design(self) -> None:
        decay = np.linspace(0.9, 0.3, 7)
        np.testing.assert_allclose(measured_decay(self.build("graphic")), decay, rtol=0.03)
        np.testing.assert_allclose(measured_decay(self.build("lossless")), 2.0)

    def test_whole_delays_are_exact_and_parts_lie_between(self) -> None:
        delay = FractionalDelay(nfft=256)
        whole = delay.terms(np.array([20.0]))[:, 0]
        np.testing.assert_allclose(whole, np.exp(-2j * np.pi * 20 * np.arange(129) / 256), atol=1e-12)
        half = delay.terms(np.array([20.5]))[:, 0]
        low = slice(0, 97)
        np.testing.assert_allclose(
            half[low], np.exp(-2j * np.pi * 20.5 * np.arange(129) / 256)[low], atol=2e-3
        )
        response = np.fft.irfft(delay.terms(np.array([9.5]))[:, 0], 256)
        assert np.abs(response[20:]).max() < 1e-12, "nothing sounds before the delay, by way of the end"


class TestTone:
    @pytest.mark.parametrize("radius", [1.0, 0.99])
    def test_gradient(self, radius: float) -> None:
        rng = np.random.default_rng(1)
        tone = ToneResponse(16000, nfft=256, radius=radius)
        levels_db = rng.uniform(-6, 6, (tone.filter.centers_hz.size, 2))
        weights = rng.standard_normal((129, 2)) + 1j * rng.standard_normal((129, 2))
        gradient = tone.pullback(weights.conj() * tone.response(levels_db))
        direction = rng.standard_normal(levels_db.shape)
        numeric = slope(
            lambda v: float((weights.conj() * tone.response(v)).sum().real), levels_db, direction, 1e-4
        )
        assert (gradient * direction).sum() == pytest.approx(numeric, rel=1e-6)

    def test_a_band_is_raised_by_its_level(self) -> None:
        tone = ToneFilter(48000)
        levels_db = np.zeros((tone.centers_hz.size, 1))
        np.testing.assert_allclose(sections_response(tone.sections(levels_db), 64), 1.0, atol=1e-12)
        levels_db[4] = 6.0
        sections = tone.sections(levels_db)
        at_center = sections_response(sections, frequencies_hz=tone.centers_hz[4:5], sample_rate=48000)
        assert 20 * np.log10(abs(at_center[0, 0])) == pytest.approx(6.0)


class TestTorchEngine:
    def test_it_agrees_with_elimination(self) -> None:
        rng = np.random.default_rng(4)
        delays, filters = np.array([21.0, 34.5, 55.0]), shelf_absorption(0.1, 0.05, [21, 34.5, 55], 8000)
        engines = [
            TorchEngine(delays, nfft=256, filters=filters, device="cpu"),
            EliminationEngine(delays, nfft=256, filters=filters),
        ]
        parts = (random_rotation(3, rng=1), *(rng.standard_normal(s) for s in ((3, 2), (2, 3), (2, 2))))
        gradient = rng.standard_normal((129, 2, 2)) + 1j * rng.standard_normal((129, 2, 2))
        ours, theirs = (engine.spectrum(*parts) for engine in engines)
        np.testing.assert_allclose(ours, theirs, atol=1e-10)
        ours, theirs = (engine.pullback(gradient) for engine in engines)
        for name in ("A", "B", "C", "D", "d"):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-8, err_msg=name)
