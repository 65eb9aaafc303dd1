"""The engine of principal minors against determinants, direct solves and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard
from scipy.signal import sosfreqz

from tonewright.errors import NetworkError
from tonewright.reverb.engines import base
from tonewright.reverb.engines.base import Gradients, ZeroPivot, choose_engine, loop_terms
from tonewright.reverb.engines.minor_pairs import PairMinors
from tonewright.reverb.engines.minor_tables import line_bits, minor_tables
from tonewright.reverb.engines.minor_transform import PackedTransform
from tonewright.reverb.engines.minors import MinorsEngine

RATE = 48000.0


def orthogonal(lines: int, rng: np.random.Generator) -> np.ndarray:
    return np.linalg.qr(rng.standard_normal((lines, lines)))[0]


def network(lines: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gains = rng.uniform(0.5, 1, (2, lines)) * rng.choice([-1, 1], (2, lines)) / np.sqrt(lines)
    return orthogonal(lines, rng), gains[0][:, None], gains[1][None], np.array([[0.3]])


def absorption(kind: str, delays: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Sections of one kind for lines that all lose energy, except for none at all."""
    if kind == "none":
        return None
    low, high = (10 ** (-3 * (delays + 60) / (decay_s * RATE)) for decay_s in (0.5, 0.2))
    sections = np.zeros((2, 6, delays.size))
    sections[:, 0] = sections[:, 3] = 1
    if kind == "gain":
        sections[0, 0] = low
        sections[1, :2] = sections[1, 3:5] = np.stack(
            [np.ones(delays.size), rng.uniform(-0.5, 0.5, delays.size)]
        )
    elif kind == "shelf":
        sections[0, 0], sections[0, 1] = high + 0.4 * low, 0.4 * low - high
        sections[0, 3], sections[0, 4] = 1.4, -0.6
    else:
        sections[0, 0], sections[0, 2], sections[0, 4], sections[0, 5] = 0.6 * low, 0.2 * high, -0.3, 0.2
        sections[1, 0], sections[1, 1] = 0.8, 0.1
    return sections


def direct_spectrum(parts, delays, filters, nfft):  # type: ignore[no-untyped-def]
    a, b, c, d = parts
    loop = loop_terms(delays, filters, nfft)
    inverse = np.linalg.inv(np.eye(delays.size) - loop[:, :, None] * a)
    return d + c @ inverse @ (loop[:, :, None] * b)


def direct_gradients(parts, delays, filters, nfft, gradient):  # type: ignore[no-untyped-def]
    a, b, c, _ = parts
    loop = loop_terms(delays, filters, nfft)
    inverse = np.linalg.inv(np.eye(delays.size) - loop[:, :, None] * a)
    state = inverse @ (loop[:, :, None] * b)
    back = (c @ inverse * loop[:, None, :]) * gradient.conj()
    return Gradients(
        A=np.real(state @ back).sum(axis=0).T,
        B=np.real(back).sum(axis=0).T,
        C=np.real(state * gradient.conj()).sum(axis=0).T,
        D=np.real(gradient).sum(axis=0),
    )


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found - expected) / max(np.linalg.norm(expected), 1e-12))


def assert_gradients(found: Gradients, expected: Gradients, tolerance: float) -> None:
    whole = np.sqrt(sum(np.linalg.norm(getattr(expected, name)) ** 2 for name in "ABCD"))
    for name in "ABCD":
        one, other = getattr(found, name), getattr(expected, name)
        assert one.shape == other.shape
        assert np.linalg.norm(one - other) <= tolerance * (whole + 1e-12)


def colorless(response: np.ndarray) -> tuple[float, np.ndarray]:
    size = np.abs(response)
    return float(np.mean((size - 1) ** 2)), 2 / response.size * (1 - 1 / size) * response


def assert_engine(engine, parts, delays, filters, nfft, tolerance) -> None:  # type: ignore[no-untyped-def]
    """Spectrum, pullback and the colourless loss agree with solving at every bin."""
    expected = direct_spectrum(parts, delays, filters, nfft)
    rng = np.random.default_rng(1)
    pull = rng.standard_normal(expected.shape) + 1j * rng.standard_normal(expected.shape)
    value, slope = colorless(expected)
    found, slopes = engine.colorless(*parts)
    assert found == pytest.approx(value, rel=tolerance)
    assert_gradients(slopes, direct_gradients(parts, delays, filters, nfft, slope), tolerance)
    assert relative(engine.spectrum(*parts), expected) <= tolerance
    for _ in range(2):
        gradients = engine.pullback(pull)
        assert_gradients(gradients, direct_gradients(parts, delays, filters, nfft, pull), tolerance)


@settings(deadline=None, max_examples=30)
@given(
    delays=st.lists(st.integers(1, 5000), min_size=1, max_size=9),
    kind=st.sampled_from(["gain", "shelf", "second"]),
    nfft=st.sampled_from([1, 2, 3, 64, 97, 250, 2304, 2310, 2475, 2500]),
    seed=st.integers(0, 1000),
)
def test_agrees_with_solving_at_every_bin(delays: list[int], kind: str, nfft: int, seed: int) -> None:
    delays_ = np.array(delays)
    filters = absorption(kind, delays_, np.random.default_rng(seed))
    parts = network(delays_.size, seed)
    engine = MinorsEngine(delays_, nfft=nfft, filters=filters)
    assert_engine(engine, parts, delays_, filters, nfft, 1e-7)


@pytest.mark.parametrize(
    ("lines", "kind"), [(10, "none"), (11, "gain"), (13, "none"), (16, "none"), (16, "gain"), (16, "shelf")]
)
def test_many_lines(lines: int, kind: str) -> None:
    delays = np.random.default_rng(3).integers(100, 2000, lines)
    a, *others = network(lines, 3)
    parts = (a * 0.97, *others)
    filters = absorption(kind, delays, np.random.default_rng(3))
    engine = MinorsEngine(delays, nfft=2400, filters=filters)
    assert_engine(engine, parts, delays, filters, 2400, 1e-7)


@pytest.mark.parametrize("kind", ["gain", "shelf"])
def test_delays_much_shorter_than_the_transform(kind: str) -> None:
    delays = np.array([3, 50, 60, 100])
    filters = absorption(kind, delays, np.random.default_rng(3))
    engine = MinorsEngine(delays, nfft=4096, filters=filters)
    assert_engine(engine, network(4, 3), delays, filters, 4096, 1e-9)


@pytest.mark.parametrize(
    ("length", "used", "rows"), [(2400, 2400, 48), (2400, 130, 16), (2399, 2399, 1), (300, 20, 1)]
)
def test_bins_of_the_transform_in_passes(length: int, used: int, rows: int) -> None:
    transform = PackedTransform(length, np.dtype(np.complex128), used=used, room=3)
    memory = transform.memory()
    rng = np.random.default_rng(0)
    samples = np.zeros(length, complex)
    samples[:used] = rng.standard_normal(used) + 1j * rng.standard_normal(used)
    memory.sequence[:used] = samples[:used]
    transform.forward(memory)
    assert memory.bins.shape == (rows, length // rows)
    np.testing.assert_allclose(memory.bins.T.ravel(), np.fft.fft(samples), atol=1e-11)
    bins = rng.standard_normal(length) + 1j * rng.standard_normal(length)
    memory.bins[:] = bins.reshape(memory.bins.T.shape).T
    transform.returning(memory)
    np.testing.assert_allclose(memory.sequence[:used], np.fft.fft(bins)[:used], atol=1e-11)


def matrices(lines: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(lines)
    return {
        "Hadamard": hadamard(lines) / np.sqrt(lines),
        "permutation": np.eye(lines)[rng.permutation(lines)],
        "cycle": np.roll(np.eye(lines), 1, axis=0),
        "hollow": np.triu(rng.uniform(-0.4, 0.4, (lines, lines)), 1),
        "nothing": np.zeros((lines, lines)),
        "negative Householder": 2 / lines - np.eye(lines),
        "unequal": np.diag(10.0 ** -np.arange(lines)) @ orthogonal(lines, rng),
    }


@pytest.mark.parametrize("lines", [4, 8, 16])
@pytest.mark.parametrize("name", list(matrices(4)))
def test_matrices_whose_pivots_vanish(lines: int, name: str) -> None:
    delays = np.random.default_rng(5).integers(500, 1500, lines)
    parts = (matrices(lines)[name], *network(lines, 5)[1:])
    filters = absorption("gain", delays, np.random.default_rng(5))
    engine = MinorsEngine(delays, nfft=600, filters=filters)
    assert_engine(engine, parts, delays, filters, 600, 1e-6 if lines > 8 else 1e-7)


def householder(lines: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    _, b, c, d = network(lines, 6)
    return np.eye(lines) - 2 / lines, b, c, d


def test_gives_up_where_all_lines_resonate_together_and_elimination_takes_over() -> None:
    delays = np.random.default_rng(6).integers(100, 900, 16)
    filters = np.zeros((1, 6, 16))
    filters[0, 0], filters[0, 3] = 10 ** (-3 * delays / (2 * RATE)), 1
    parts = householder(16)
    with pytest.raises(ZeroPivot):
        MinorsEngine(delays, nfft=256, filters=filters).spectrum(*parts)
    with pytest.raises(ZeroPivot):
        MinorsEngine(delays, nfft=256, filters=filters).colorless(*parts)
    engine = choose_engine(
        lines=16, inputs=1, outputs=1, domain="spectrum", delays=delays, filters=filters, nfft=256
    )
    assert not engine.switched
    assert_engine(engine, parts, delays, filters, 256, 1e-7)
    assert engine.switched
    assert_engine(engine, network(16, 7), delays, filters, 256, 1e-7)
    assert engine.switched


def test_gives_up_on_filters_that_act_at_low_frequencies_alone() -> None:
    delays = np.arange(100, 900, 100)
    filters = np.zeros((1, 6, 8))
    filters[0, 0], filters[0, 3], filters[0, 4] = 0.009, 1, -0.99
    with pytest.raises(ZeroPivot):
        MinorsEngine(delays, nfft=256, filters=filters).spectrum(*network(8))


def test_gives_up_on_what_is_not_a_number() -> None:
    a, b, c, d = network(3)
    a[1, 2] = np.nan
    with pytest.raises(ZeroPivot):
        MinorsEngine(np.array([3, 4, 5]), nfft=16).colorless(a, b, c, d)


def test_numerical_gradients_of_the_colorless_loss() -> None:
    delays = np.array([7, 7, 40])
    filters = absorption("shelf", delays, np.random.default_rng(0))
    engine = MinorsEngine(delays, nfft=128, filters=filters)
    parts = network(3)
    gradients = engine.colorless(*parts)[1]
    for name, part in zip("ABCD", parts, strict=True):
        for place in np.ndindex(part.shape):
            kept, values = part[place], []
            for step in (1e-6, -1e-6):
                part[place] = kept + step
                values.append(engine.colorless(*parts)[0])
            part[place] = kept
            expected = (values[0] - values[1]) / 2e-6
            assert getattr(gradients, name)[place] == pytest.approx(expected, rel=1e-5, abs=1e-9)


GAINS = np.array([0.9, -0.5, 1e-3, 0.0, 2.0, 0.7, 1.0, 0.3, 0.2])


@pytest.mark.parametrize("gains", [np.ones(7), GAINS[:7], GAINS])
@pytest.mark.parametrize("shifted", [False, True])
def test_minors_are_determinants(gains: np.ndarray, shifted: bool) -> None:
    rng = np.random.default_rng(2)
    count = gains.size
    a = np.zeros((count, count)) if shifted else rng.standard_normal((count, count))
    b, c = rng.standard_normal((2, count))
    minors = PairMinors(gains, minor_tables(np.ones(count), None, 8).strides)
    found = minors.find(a, (b[:, None], c[None])).reshape(-1, 2)
    for taken, values in zip(line_bits(count), found, strict=True):
        for matrix, value in zip((a, a - np.outer(b, c)), values, strict=True):
            part = (-gains[:, None] * matrix)[np.ix_(taken, taken)]
            assert value == pytest.approx(np.linalg.det(part), rel=1e-8, abs=1e-10)


def test_gains_fold_and_need_no_polynomials() -> None:
    delays = np.array([10, 20, 30])
    rng = np.random.default_rng(0)
    tables = minor_tables(delays, absorption("gain", delays, rng), 64)
    assert tables.polynomials is None
    np.testing.assert_allclose(tables.gains, 10 ** (-3 * (delays + 60) / (0.5 * RATE)))
    assert minor_tables(delays, absorption("shelf", delays, rng), 64).terms == 4
    assert base.polynomial_degree(absorption("shelf", delays, rng)) == 3
    assert base.polynomial_degree(absorption("second", delays, rng)) == 9


@pytest.mark.parametrize("lines", [3, 16])
def test_single_precision(lines: int) -> None:
    delays = np.random.default_rng(8).integers(500, 2000, lines)
    filters = absorption("gain", delays, np.random.default_rng(8))
    parts = network(lines, 8)
    single = MinorsEngine(delays, nfft=4096, filters=filters, dtype="float32")
    double = MinorsEngine(delays, nfft=4096, filters=filters)
    value, gradients = single.colorless(*parts)
    expected, others = double.colorless(*parts)
    assert value == pytest.approx(expected, rel=1e-5)
    assert_gradients(gradients, others, 1e-4)
    response = single.spectrum(*parts)
    assert response.dtype == np.complex64
    assert relative(response, double.spectrum(*parts)) <= 1e-5
    assert_gradients(single.pullback(response), double.pullback(response), 1e-4)


def test_single_precision_gives_way_at_sharp_resonances() -> None:
    delays = np.array([301, 401, 503, 607])
    parts = network(4, 9)
    parts = (np.eye(4)[[1, 0, 3, 2]] * (1 - 1e-3), *parts[1:])
    value, gradients = MinorsEngine(delays, nfft=4096, dtype="float32").colorless(*parts)
    expected, others = MinorsEngine(delays, nfft=4096).colorless(*parts)
    assert value == pytest.approx(expected, rel=1e-9)
    assert_gradients(gradients, others, 1e-9)


def test_loop_terms_are_exact() -> None:
    delays = np.array([5.0, 4096 * 10**9 + 17, 2.25])
    filters = absorption("second", np.array([5, 17, 2]), np.random.default_rng(0))
    assert filters is not None
    found = loop_terms(delays, filters, 64)
    omega = 2 * np.pi * np.arange(33) / 64
    for line, delay in enumerate([5, 17, 2.25]):
        _, response = sosfreqz(filters[:, :, line], worN=omega)
        np.testing.assert_allclose(found[:, line], response * np.exp(-1j * omega * delay), atol=1e-13)


def test_the_engine_follows_from_the_network() -> None:
    delays = np.arange(20, 28)
    size = {"lines": 8, "inputs": 1, "outputs": 1, "delays": delays}
    shelf = absorption("shelf", delays, np.random.default_rng(0))
    assert shelf is not None
    named = {
        "SwitchingEngine": [{}, {"filters": shelf}],
        "EliminationEngine": [
            {"outputs": 2},
            {"delays": delays + 0.5},
            {"filters": np.repeat(shelf, 1100, axis=0)},
            {"lines": 17, "delays": np.arange(20, 37)},
            {"loop_gradients": True},
        ],
    }
    for name, cases in named.items():
        for case in cases:
            engine = choose_engine(**{**size, "domain": "spectrum", "nfft": 16, **case})
            assert type(engine).__name__ == name
    assert type(choose_engine(**size, domain="time", length=30)).__name__ == "RecursionEngine"


def test_wrong_arguments_are_named() -> None:
    size = {"inputs": 1, "outputs": 1, "delays": np.arange(1, 4)}
    with pytest.raises(NetworkError, match="2 lines"):
        choose_engine(lines=2, domain="spectrum", nfft=8, **size)
    with pytest.raises(NetworkError, match="nfft="):
        choose_engine(lines=3, domain="spectrum", **size)
    with pytest.raises(NetworkError, match="length="):
        choose_engine(lines=3, domain="time", **size)
    with pytest.raises(NetworkError, match="domain is 'bins'"):
        choose_engine(lines=3, domain="bins", nfft=8, **size)  # type: ignore[arg-type]
    with pytest.raises(NetworkError, match="1 to 16 lines"):
        MinorsEngine(np.arange(1, 18), nfft=8)
    with pytest.raises(RuntimeError, match="spectrum"):
        MinorsEngine(np.array([3]), nfft=8).pullback(np.ones((5, 1, 1)))
