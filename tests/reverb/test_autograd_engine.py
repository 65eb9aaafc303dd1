"""The network in PyTorch: against the compiled elimination, numerical gradients and the time domain."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tonewright.errors import NetworkError
from tonewright.reverb.absorption import shelf_absorption
from tonewright.reverb.engines import base
from tonewright.reverb.engines.elimination import EliminationEngine

torch = pytest.importorskip("torch")
autograd = pytest.importorskip("tonewright.reverb.engines.autograd")

NFFT = 128


def network(lines: int, inputs: int, outputs: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    a = np.linalg.qr(rng.standard_normal((lines, lines)))[0] * 0.95
    return [
        a,
        *(rng.standard_normal(size) for size in ((lines, inputs), (outputs, lines), (outputs, inputs))),
    ]


@pytest.mark.parametrize("sizes", [(5, 1, 1), (4, 2, 3)])
def test_agrees_with_the_compiled_engine(sizes: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(1)
    delays, parts = rng.uniform(1, 60, sizes[0]), network(*sizes)
    filters = shelf_absorption(0.02, 0.01, delays, 48000.0)
    engine = EliminationEngine(delays, nfft=NFFT, filters=filters)
    expected = engine.spectrum(*parts)

    lengths = torch.tensor(delays, requires_grad=True)
    tensors = [torch.tensor(part, requires_grad=True) for part in parts]
    loop = autograd.loop_terms(lengths, nfft=NFFT, filters=filters)
    np.testing.assert_allclose(loop.detach().numpy(), engine.terms, rtol=1e-12, atol=1e-14)
    loop.retain_grad()
    found = autograd.spectrum(*tensors, loop)
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-9, atol=1e-9)

    weights = rng.standard_normal(expected.shape) + 1j * rng.standard_normal(expected.shape)
    (torch.tensor(weights).conj() * found).real.sum().backward()
    gradients = engine.pullback(weights)
    for name, tensor in zip("ABCD", tensors, strict=True):
        np.testing.assert_allclose(tensor.grad.numpy(), getattr(gradients, name), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(loop.grad.numpy(), np.asarray(gradients.d), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(lengths.grad.numpy(), np.asarray(gradients.delays), rtol=1e-9, atol=1e-9)


def test_first_and_second_derivatives_are_those_of_differences() -> None:
    parts = [torch.tensor(part, requires_grad=True) for part in network(3, 1, 1)]
    delays = torch.tensor([2.5, 3.0, 4.75], dtype=torch.float64, requires_grad=True)

    def loss(*values: Any) -> Any:
        loop = autograd.loop_terms(values[-1], nfft=16)
        return (autograd.spectrum(*values[:-1], loop).abs() - 1).square().mean()

    assert torch.autograd.gradcheck(loss, (*parts, delays))
    assert torch.autograd.gradgradcheck(loss, (*parts, delays), atol=1e-4)


def test_the_response_is_that_of_the_recursion() -> None:
    """One line and a delay: the echoes are powers of the gain; damping takes off what wraps around."""
    one = torch.ones((1, 1), dtype=torch.float64)
    expected = np.zeros(NFFT)
    expected[7::7] = 0.95 ** np.arange(len(expected[7::7]))
    errors = []
    for damping in (0.0, 60.0):
        loop = autograd.loop_terms(np.array([7]), nfft=NFFT, damping_db=damping, dtype=torch.float64)
        found = autograd.spectrum(0.95 * one, one, one, 0 * one, loop)
        time = autograd.response(found, nfft=NFFT, damping_db=damping)
        assert time.shape == (NFFT, 1, 1)
        errors.append(np.abs(time[:, 0, 0].numpy() - expected).max())
    assert errors[0] > 0.2
    assert errors[1] < 2e-3


def test_damping_reaches_into_the_filters() -> None:
    filters = shelf_absorption(0.02, 0.005, [5], 48000.0)
    loop = autograd.loop_terms(np.array([5]), nfft=NFFT, filters=filters, damping_db=40, dtype=torch.float64)
    one = torch.ones((1, 1), dtype=torch.float64)
    time = autograd.response(autograd.spectrum(0.5 * one, one, one, 0 * one, loop), nfft=NFFT, damping_db=40)
    engine = EliminationEngine(np.array([5]), nfft=4096, filters=filters)
    long = np.fft.irfft(engine.spectrum(*(part.numpy() for part in (0.5 * one, one, one, 0 * one)))[:, 0, 0])
    np.testing.assert_allclose(time[:, 0, 0].numpy(), long[:NFFT], atol=1e-9)


def test_single_precision_keeps_exact_phases() -> None:
    delays = np.array([40001, 99999])
    exact = base.loop_terms(delays, None, 96000)
    for given in (delays, torch.tensor(delays), torch.tensor(delays, dtype=torch.float32)):
        found = autograd.loop_terms(given, nfft=96000)
        assert found.dtype == torch.complex64
        np.testing.assert_allclose(found.numpy(), exact, atol=1e-7)
    assert autograd.loop_terms(delays, nfft=64, dtype=torch.float64).dtype == torch.complex128


def test_bins_are_solved_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [torch.tensor(part) for part in network(4, 2, 2)]
    loop = autograd.loop_terms(np.array([3, 5, 7, 9]), nfft=NFFT, dtype=torch.float64)
    whole = autograd.spectrum(*parts, loop)
    monkeypatch.setattr(autograd, "MOST_NUMBERS", 16 * 10)
    np.testing.assert_allclose(autograd.spectrum(*parts, loop).numpy(), whole.numpy(), rtol=1e-12)


def test_a_pole_on_the_circle_is_named() -> None:
    one = torch.ones((1, 1), dtype=torch.float64)
    with pytest.raises(NetworkError, match="pole on the unit circle"):
        autograd.spectrum(one, one, one, one, autograd.loop_terms(np.array([4]), nfft=8, dtype=torch.float64))


def test_torch_waits_until_it_is_needed() -> None:
    modules = "tonewright.reverb.engines.autograd, tonewright.reverb.stability"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
