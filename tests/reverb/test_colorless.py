"""Networks trained to colour nothing: flatter than chance, stable, at level, with outputs of their own."""

from __future__ import annotations

import numpy as np
import pytest

from tonewright.errors import NetworkError
from tonewright.reverb import build_fdn, colorless, extract_build, impulse_response, with_decay
from tonewright.reverb.colorless_network import EvenOutputs
from tonewright.reverb.stability import lossless, slowest_decay_s


def unevenness_db(response: np.ndarray) -> float:
    """Standard deviation of the level over frequency."""
    levels = 20 * np.log10(np.abs(np.fft.rfft(response)))[50:-50]
    return float(np.std(levels))


def test_a_trained_network_is_flatter_than_a_drawn_one() -> None:
    network, log = colorless(6, rt=0.5, quality="draft", sample_rate=16_000, seed=2)
    drawn = with_decay(extract_build(build_fdn(N=6, rt=None, fs=16_000, rng=2)), 0.5)
    assert log.best_loss < 0.6 * log.train_loss[0]
    assert unevenness_db(impulse_response(network)) < 0.8 * unevenness_db(impulse_response(drawn))


def test_the_network_is_what_was_asked_for() -> None:
    delays = [331, 397, 421, 503]
    network, _ = colorless(4, rt=(0.4, 0.2), quality="draft", sample_rate=16_000, delays=delays, channels=2)
    assert network.delays.tolist() == delays
    assert (network.inputs, network.outputs, network.fs) == (1, 2, 16_000)
    assert lossless(network.A) == "orthogonal"
    assert slowest_decay_s(network) == pytest.approx(0.4, rel=0.01)
    response = impulse_response(network)
    assert np.sum(response**2, axis=0) == pytest.approx([1, 1], rel=1e-6)
    assert abs(np.corrcoef(response.T)[0, 1]) < 0.2


def test_the_same_seed_gives_the_same_network() -> None:
    seen: list[tuple[int, int]] = []
    settings = {"rt": 0.3, "quality": "draft", "sample_rate": 8_000}
    first, _ = colorless(3, seed=1, progress=lambda done, total: seen.append((done, total)), **settings)
    again, _ = colorless(3, seed=1, **settings)
    other, _ = colorless(3, seed=2, **settings)
    assert np.array_equal(first.A, again.A)
    assert np.array_equal(first.C, again.C)
    assert first.delays.tolist() != other.delays.tolist()
    assert seen
    assert all(done <= total for done, total in seen)


def test_more_networks_are_tried_for_a_better_one() -> None:
    losses = [
        colorless(2, quality=quality, sample_rate=8_000)[1].best_loss for quality in ("draft", "standard")
    ]
    assert losses[1] <= losses[0]


def test_the_gradient_of_even_outputs() -> None:
    rng = np.random.default_rng(0)
    criterion = EvenOutputs()
    y = rng.standard_normal((5, 3, 1)) + 1j * rng.standard_normal((5, 3, 1))
    _, gradient = criterion.value_and_gradient(y)
    for direction in (1.0, 1j):
        for index in np.ndindex(y.shape):
            step = np.zeros_like(y)
            step[index] = 1e-6 * direction
            above, _ = criterion.value_and_gradient(y + step)
            below, _ = criterion.value_and_gradient(y - step)
            expected = float(np.real(np.conj(gradient[index]) * direction))
            assert (above - below) / 2e-6 == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"size": 0}, "size is 0"),
        ({"size": 2.5}, "size is 2.5"),
        ({"size": 2, "channels": 3}, "3 outputs need as many delay lines"),
        ({"quality": "bets"}, "did you mean best"),
        ({"rt": -1.0}, "rt"),
        ({"rt": (1.0, float("nan"))}, "rt"),
        ({"sample_rate": 0}, "sample rate"),
        ({"size": 2, "delays": [100]}, "delays"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict, words: str) -> None:
    with pytest.raises(NetworkError, match=words) as caught:
        colorless(**arguments)
    assert "\n" not in str(caught.value)


def test_the_polish_makes_the_modes_even() -> None:
    """Levels of the modes, the peaks of a response that rings for long, spread less after it."""
    from scipy.signal import find_peaks

    from tonewright.reverb.engines.base import loop_terms

    spreads = []
    for quality in ("draft", "standard"):
        network, _ = colorless(4, delays=[401, 499, 601, 701], rt=4.0, quality=quality)
        loop = loop_terms(network.delays, network.filters, 1 << 16)[:, :, None]
        states = np.linalg.solve(np.eye(4) - loop * network.A, loop * network.B)
        level = 20 * np.log10(np.abs(network.C @ states)[:, 0, 0])
        spreads.append(np.var(level[find_peaks(level)[0]]))
    assert spreads[1] < 0.5 * spreads[0]
