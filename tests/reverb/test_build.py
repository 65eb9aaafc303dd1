"""Models to train: what is drawn, what is given, what is refused, and how a model answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.errors import NetworkError
from tonewright.reverb import (
    FDNBuild,
    Taps,
    build_fdn,
    extract_build,
    fdn_build_gallery,
    random_orthogonal,
    sample_delay_lengths,
    trainable_from_build,
    with_decay,
)
from tonewright.reverb.absorption import sections_response


def naive_response(build: FDNBuild, length: int) -> np.ndarray:
    """(time, outputs, inputs) of a network without filters, sample by sample."""
    lines = [np.zeros((build.inputs, m)) for m in build.delays]
    response = np.zeros((length, build.outputs, build.inputs))
    for n in range(length):
        heard = np.stack([line[:, n % m] for line, m in zip(lines, build.delays, strict=True)])
        response[n] = build.C @ heard + (build.D if n == 0 else 0)
        into = build.A @ heard + (build.B if n == 0 else 0)
        for line, m, row in zip(lines, build.delays, into, strict=True):
            line[:, n % m] = row
    return response


class TestDraws:
    """Numbers that a seed has always given, which scripts rely on."""

    def test_the_same_seed_gives_the_same_network(self) -> None:
        first, second = (build_fdn(N=5, rng=3).build for _ in range(2))
        for name in "ABCD":
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        assert not np.array_equal(first.A, build_fdn(N=5, rng=4).build.A)

    def test_seed_0_gives_known_delays_and_feedback(self) -> None:
        build = build_fdn(N=8, rng=0).build
        assert build.delays.tolist() == [911, 617, 433, 413, 1051, 1130, 887, 983]
        np.testing.assert_allclose(
            build.A[0],
            [
                -0.27072327,
                -0.43802654,
                -0.15144374,
                -0.27030238,
                -0.75753987,
                -0.15141492,
                -0.06618809,
                -0.19408524,
            ],
            atol=1e-8,
        )
        assert build.filters is not None
        assert build.filters.sum() == pytest.approx(15.552119596878924)

    def test_a_generator_is_drawn_from_in_turn(self) -> None:
        build = build_fdn(N=3, rng=np.random.default_rng(5), rt=(2.0, 0.5)).build
        assert build.delays.tolist() == [1045, 1046, 813]
        assert build.A.sum() == pytest.approx(2.338277899440485)
        assert build.filters is not None
        np.testing.assert_allclose(
            build.filters[0, :, 0], [0.8286275623717, 0.0466812595317, 0, 1, -0.0563356345498, 0], atol=1e-12
        )

    def test_delays_follow_their_distribution(self) -> None:
        drawn = sample_delay_lengths(6, (500, 4000), distribution="geometric", coprime=True, rng=3)
        assert drawn.tolist() == [599, 817, 2646, 1679, 607, 1231]
        drawn = sample_delay_lengths(5, (500, 4000), distribution="lognormal", sort=True, rng=3)
        assert drawn.tolist() == [500, 1053, 1118, 1758, 4000]

    @given(st.integers(1, 24), st.integers(0, 1000))
    @settings(max_examples=30, deadline=None)
    def test_coprime_delays_share_no_factor(self, count: int, seed: int) -> None:
        delays = sample_delay_lengths(count, (2, 300), coprime=True, rng=seed)
        assert delays.min() >= 2
        for k in range(count):
            assert all(math.gcd(int(delays[k]), int(other)) == 1 for other in delays[:k])

    def test_the_gallery_draws_known_networks(self) -> None:
        build = fdn_build_gallery(
            4,
            rng=7,
            num_inputs=2,
            num_outputs=3,
            io_type="random",
            direct_gain=None,
            rt=1.5,
            rt_nyquist=0.5,
            post_eq_db_dc=[1, 2, 3],
            post_eq_db_nyquist=-6,
        )
        assert build.delays.tolist()[:3] == [1155, 900, 947]
        sums = {"A": -1.3858740194328614, "B": -6.293948629079964, "C": -5.680657814594642}
        sums |= {"D": -1.6699720608636044, "filters": 7.247816936313796, "post_eq": 5.249169878000325}
        for name, total in sums.items():
            assert getattr(build, name).sum() == pytest.approx(total), name
        assert (
            fdn_build_gallery(3).delays.tolist() == fdn_build_gallery(3).delays.tolist() == [1080, 909, 808]
        )

    def test_a_tone_filter_has_its_levels_at_both_ends(self) -> None:
        build = fdn_build_gallery(2, num_outputs=2, post_eq_db_dc=[3, -2], post_eq_db_nyquist=[-6, 1])
        assert build.post_eq is not None
        levels_db = 20 * np.log10(np.abs(sections_response(build.post_eq, 16)))
        np.testing.assert_allclose(levels_db[0], [3, -2], atol=1e-9)
        np.testing.assert_allclose(levels_db[-1], [-6, 1], atol=1e-9)

    @given(st.integers(1, 12), st.integers(0, 100))
    @settings(max_examples=15, deadline=None)
    def test_feedback_is_orthogonal(self, lines: int, seed: int) -> None:
        matrix = random_orthogonal(lines, rng=seed)
        np.testing.assert_allclose(matrix.T @ matrix, np.eye(lines), atol=1e-12)
        rotation = build_fdn(N=lines, rng=seed).build.A
        np.testing.assert_allclose(rotation.T @ rotation, np.eye(lines), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)


class TestParts:
    def test_gains_default_to_even_ones(self) -> None:
        build = build_fdn(N=4, rng=0).build
        np.testing.assert_array_equal(build.B, np.full((4, 1), 0.5))
        np.testing.assert_array_equal(build.C, np.full((1, 4), 0.5))
        np.testing.assert_array_equal(build.D, [[0.0]])

    def test_what_is_given_is_kept(self) -> None:
        feedback = random_orthogonal(3, rng=1)
        feedback[:, 0] *= np.sign(np.linalg.det(feedback))
        b, c = np.arange(6.0).reshape(3, 2), np.arange(12.0).reshape(4, 3)
        build = build_fdn(
            delays=[30, 41, 53],
            feedback=feedback,
            input_gain=b,
            output_gain=c,
            direct=0.25,
            rt=None,
            fs=44100,
        ).build
        np.testing.assert_allclose(build.A, feedback, atol=1e-12)
        np.testing.assert_array_equal(build.B, b)
        np.testing.assert_array_equal(build.C, c)
        np.testing.assert_array_equal(build.D, np.full((4, 2), 0.25))
        assert build.filters is None
        assert build.fs == 44100
        assert build.delays.tolist() == [30, 41, 53]

    def test_decay_is_that_of_the_shelf(self) -> None:
        build = with_decay(build_fdn(delays=[500, 700], rt=None, rng=0).build, (2.0, 0.5))
        assert build.filters is not None
        fall_db = -20 * np.log10(np.abs(sections_response(build.filters, 64))) / build.delays
        np.testing.assert_allclose(60 / (fall_db[0] * build.fs), 2.0)
        np.testing.assert_allclose(60 / (fall_db[-1] * build.fs), 0.5)

    def test_a_negative_determinant_warns_and_turns_the_last_column(self) -> None:
        feedback = np.eye(3)[[1, 0, 2]]
        with pytest.warns(UserWarning, match="determinant -1"):
            model = build_fdn(delays=[10, 11, 13], feedback=feedback, rng=0)
        np.testing.assert_allclose(model.build.A, feedback * [1, 1, -1], atol=1e-12)

    @pytest.mark.parametrize("name", ["hadamard", "householder", "permutation", "identity", "turn"])
    def test_special_matrices_are_represented(self, name: str) -> None:
        eye = np.eye(4)
        matrices = {
            "hadamard": np.kron([[1, 1], [1, -1]], [[1, 1], [1, -1]]) / 2,
            "householder": (eye - 0.5) * [1, 1, 1, -1],
            "permutation": eye[[1, 2, 0, 3]],
            "identity": eye,
            "turn": -eye,
        }
        model = build_fdn(delays=[10, 11, 13, 17], feedback=matrices[name], rng=0)
        np.testing.assert_allclose(model.build.A, matrices[name], atol=1e-12)

    def test_what_is_not_orthogonal_is_kept_when_asked(self) -> None:
        feedback = np.array([[0.3, 0.2], [0.1, -0.4]])
        free = build_fdn(delays=[5, 7], feedback=feedback, matrix="random")
        np.testing.assert_array_equal(free.build.A, feedback)
        with pytest.warns(UserWarning, match="not orthogonal"):
            model = build_fdn(delays=[5, 7], feedback=0.5 * np.eye(2))
        np.testing.assert_allclose(model.build.A, np.eye(2), atol=1e-12)

    def test_a_build_comes_back_as_it_went_in(self) -> None:
        taps = Taps(np.array([3, 9]), np.ones((2, 2, 2)))
        start = fdn_build_gallery(4, num_inputs=2, num_outputs=2, rng=2, post_eq_db_dc=2.0)
        start = start.changed(
            early=taps, pre_delay=11, A=start.A * [1, 1, 1, np.sign(np.linalg.det(start.A))]
        )
        back = extract_build(trainable_from_build(start))
        for name in ("A", "B", "C", "D", "delays", "filters", "post_eq"):
            np.testing.assert_allclose(getattr(back, name), getattr(start, name), atol=1e-12, err_msg=name)
        assert back.pre_delay == 11
        assert back.early is taps
        assert extract_build(back) is back

    def test_parameters_can_be_set(self) -> None:
        model = build_fdn(N=3, rng=0)
        values = model.parameters
        assert values.size == 3 + 3 + 3
        model.parameters = values + 0.1
        np.testing.assert_allclose(model.parameters, values + 0.1)
        assert not np.allclose(model.build.A, build_fdn(N=3, rng=0).build.A)
        with pytest.raises(NetworkError, match="parameters"):
            model.parameters = values[:-1]


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({}, "N="),
            ({"N": 0}, "at least one"),
            ({"N": 2.5}, "N is 2.5"),
            ({"N": "4"}, "N is 4; give the number"),
            ({"N": 4, "delays": [3, 5]}, "N is 4"),
            ({"delays": [3.5, 7]}, "whole samples"),
            ({"delays": [0, 7]}, "at least 1"),
            ({"N": 3, "feedback": np.eye(4)}, "feedback"),
            ({"N": 3, "input_gain": np.ones((4, 1))}, "input_gain"),
            ({"N": 3, "output_gain": np.ones((1, 4))}, "output_gain"),
            ({"N": 3, "direct": np.ones((2, 2))}, "direct"),
            ({"N": 3, "rt": -1.0}, "rt is -1.0"),
            ({"N": 3, "rt": (1.0, 2.0, 3.0)}, "rt is"),
            ({"N": 3, "rt": (1.0, float("nan"))}, "rt is"),
            ({"N": 3, "matrix": "orthogonol"}, "did you mean orthogonal"),
            ({"N": 3, "output": "power"}, "output is 'power'"),
            ({"N": 3, "nfft": 1}, "nfft is 1"),
            ({"N": 3, "dtype": "float16"}, "float32 or float64"),
            ({"N": 3, "device": "abacus"}, "device is"),
        ],
    )
    def test_wrong_arguments_are_named(self, arguments: dict, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            build_fdn(**arguments)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({}, "N="),
            ({"N": 3, "io_type": "random1"}, "did you mean random"),
            ({"N": 3, "rt": 0}, "rt is 0"),
            ({"N": 3, "delays": [1, 2]}, "N is 3"),
            ({"N": 3, "delay_range": (10, 10)}, "delay_range"),
            ({"N": 3, "num_outputs": 0}, "num_outputs"),
            ({"N": 3, "post_eq_crossover": 100.0}, "post_eq_crossover"),
            ({"N": 3, "post_eq_db_dc": [1, 2]}, "2 gains for 1 outputs"),
        ],
    )
    def test_the_gallery_names_what_is_wrong(self, arguments: dict, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            fdn_build_gallery(**arguments)

    def test_delay_draws_are_checked(self) -> None:
        with pytest.raises(ValueError, match="did you mean uniform"):
            sample_delay_lengths(3, distribution="uniforme")
        with pytest.raises(ValueError, match="delay_range"):
            sample_delay_lengths(3, (9, 3))

    def test_only_models_hold_networks(self) -> None:
        with pytest.raises(NetworkError, match="a str holds no network"):
            extract_build("model")


class TestAnswers:
    def test_an_impulse_gives_the_true_response(self) -> None:
        model = build_fdn(delays=[7, 11, 12], rt=None, direct=0.3, rng=0, nfft=100)
        x = np.zeros((1, 100, 1))
        x[0, 0, 0] = 1
        np.testing.assert_allclose(model(x)[0], naive_response(model.build, 100)[:, :, 0], atol=1e-12)

    def test_each_input_on_its_own_row_gives_the_matrix(self) -> None:
        rng = np.random.default_rng(0)
        b, c = rng.standard_normal((3, 2)), rng.standard_normal((4, 3))
        model = build_fdn(delays=[7, 11, 12], rt=None, input_gain=b, output_gain=c, rng=0, nfft=64)
        x = np.zeros((2, 64, 2))
        x[[0, 1], 0, [0, 1]] = 1
        truth = naive_response(model.build, 64).transpose(2, 0, 1)
        np.testing.assert_allclose(model(x), truth, atol=1e-12)
        model.output = "magnitude"
        decaying = trainable_from_build(with_decay(model.build, 0.0002), nfft=64, output="magnitude")
        spectrum = np.abs(np.fft.rfft(decaying.response(), axis=0)).transpose(2, 0, 1)
        np.testing.assert_allclose(decaying(x), spectrum, atol=1e-6)

    @pytest.mark.parametrize("length", [40, 64, 100])
    def test_sounds_are_cut_or_filled_and_nothing_wraps_around(self, length: int) -> None:
        model = build_fdn(delays=[7, 11, 12], rt=None, rng=0, nfft=64)
        x = np.random.default_rng(1).standard_normal((2, length, 1))
        h = naive_response(model.build, 64)[:, 0, 0]
        heard = model(x)
        assert heard.shape == (2, 64, 1)
        for row in range(2):
            np.testing.assert_allclose(heard[row, :, 0], np.convolve(x[row, :64, 0], h)[:64], atol=1e-10)

    def test_a_long_decay_is_not_aliased(self) -> None:
        model = build_fdn(N=8, rt=2.0, rng=0)
        x = np.zeros((1, 2**14, 1))
        x[0, 0, 0] = 1
        longer = trainable_from_build(model.build, nfft=2**17)
        y = np.zeros((1, 2**17, 1))
        y[0, 0, 0] = 1
        truth = longer(y)[0, : 2**14, 0]
        heard = model(x)[0, :, 0]
        assert np.linalg.norm(heard - truth) < 1e-9 * np.linalg.norm(truth)
        naive = naive_response(model.build.changed(filters=None), 6000)[:, 0, 0]
        decay = 10 ** (-3 * np.arange(6000) / (2 * 48000))
        np.testing.assert_allclose(heard[:6000], naive * decay, atol=1e-10)

    @pytest.mark.parametrize("output", ["time", "magnitude"])
    def test_tensors_give_tensors(self, output: str) -> None:
        model = build_fdn(N=4, rng=0, nfft=512, rt=0.05, output=output)
        x = np.random.default_rng(0).standard_normal((3, 512, 1))
        given = torch.tensor(x, dtype=torch.float32, requires_grad=True)
        heard = model(given)
        assert heard.dtype == torch.float32
        np.testing.assert_allclose(heard.detach().numpy(), model(x), atol=2e-5)
        heard.square().sum().backward()
        assert given.grad is not None
        assert float(given.grad.abs().sum()) > 0
        assert model(torch.tensor(x)).dtype == torch.float64
        assert model(x.astype(np.float32)).dtype == np.float32

    def test_wrong_shapes_are_named(self) -> None:
        model = build_fdn(N=4, rng=0, nfft=64)
        for shape in ((64,), (1, 64), (1, 64, 2)):
            with pytest.raises(NetworkError, match="batch, time, 1"):
                model(np.zeros(shape))

    def test_what_surrounds_the_loop_is_heard(self) -> None:
        build = build_fdn(delays=[7, 11, 12], rt=None, rng=0, direct=0.5).build
        taps = Taps(np.array([1, 70]), np.array([[[0.25, 1.0]]]))
        model = trainable_from_build(build.changed(pre_delay=5, early=taps), nfft=60)
        x = np.zeros((1, 60, 1))
        x[0, 0, 0] = 1
        late = naive_response(build.changed(D=0.0), 60)[:, 0, 0]
        expected = np.concatenate([np.zeros(5), late[:-5]])
        expected[0] += 0.5
        expected[1] += 0.25
        np.testing.assert_allclose(model(x)[0, :, 0], expected, atol=1e-12)
