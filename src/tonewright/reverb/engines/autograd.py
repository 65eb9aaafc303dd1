"""Networks in PyTorch: on any device, differentiable in all their parts as often as is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.errors import MissingExtraError, NetworkError

if TYPE_CHECKING:
    from torch import Tensor

# Complex numbers of the matrices that are solved at once.
MOST_NUMBERS = 1 << 24


def loop_terms(
    delays: Tensor | np.ndarray,
    *,
    nfft: int,
    filters: np.ndarray | None = None,
    damping_db: float = 0.0,
    dtype: Any = None,
    device: Any = None,
) -> Tensor:
    r"""Delays and absorption at the bins of a real DFT, differentiable by delays that are a tensor.

    .. math:: d_i(k) = \gamma^{m_i} e^{-2\pi j\, k m_i / n}\, g_i(e^{2\pi j k / n} / \gamma), \quad
              \gamma = 10^{-\alpha / 20 n},

    where a damping of :math:`\alpha` dB over n samples makes what wraps around in time quieter by that much;
    `response` undoes it. The phases are formed in whole numbers and double precision before they are rounded
    to `dtype`.

    Parameters
    ----------
    delays : (lines,) in samples, whole or not
    nfft : length n of the DFT
    filters : (sections, 6, lines) absorption, or None
    damping_db : α
    dtype : a real dtype of torch; that of `delays`, or float32, unless given
    device : where to compute; where `delays` are unless given

    Returns
    -------
    (nfft // 2 + 1, lines) complex
    """
    torch = needed_torch()
    known = isinstance(delays, torch.Tensor)
    lengths: Any = delays if known else torch.as_tensor(np.asarray(delays, dtype=np.float64))
    if dtype is None:
        dtype = lengths.dtype if known and lengths.is_floating_point() else torch.float32
    lengths = lengths.to(device=device or lengths.device, dtype=torch.float64)
    gamma = 10.0 ** (-damping_db / 20 / nfft)
    bins = torch.arange(nfft // 2 + 1, device=lengths.device)
    whole = lengths.detach().floor()
    turns = (bins[:, None] * whole.to(torch.int64)).remainder(nfft) + bins[:, None] * (lengths - whole)
    terms = torch.polar(gamma**lengths * torch.ones_like(turns), turns * (-2 * np.pi / nfft))
    if filters is not None:
        terms = terms * torch.as_tensor(_filters_at(filters, nfft, gamma)).to(terms.device)
    return terms.to(torch.complex64 if dtype == torch.float32 else torch.complex128)


def spectrum(A: Tensor, B: Tensor, C: Tensor, D: Tensor, loop: Tensor) -> Tensor:
    r"""Transfer function :math:`C (I - \mathrm{diag}(d) A)^{-1} \mathrm{diag}(d) B + D`.

    Solved in parts where all bins at once would fill the memory.

    Parameters
    ----------
    A : (lines, lines)
    B : (lines, inputs)
    C : (outputs, lines)
    D : (outputs, inputs)
    loop : (bins, lines) complex loop terms

    Returns
    -------
    (bins, outputs, inputs) complex
    """
    torch = needed_torch()
    some = max(1, MOST_NUMBERS // A.shape[0] ** 2)
    if loop.shape[0] <= some:
        return _solved(A, B, C, D, loop)
    return torch.cat([_solved(A, B, C, D, piece) for piece in loop.split(some)])


def response(spectrum: Tensor, *, nfft: int, damping_db: float = 0.0) -> Tensor:
    """Impulse response of a spectrum, freed of the damping of its loop terms.

    Parameters
    ----------
    spectrum : (bins, outputs, inputs) complex
    nfft : length of the DFT
    damping_db : as given to `loop_terms`

    Returns
    -------
    (nfft, outputs, inputs) real
    """
    torch = needed_torch()
    found = torch.fft.irfft(spectrum, n=nfft, dim=0)
    if not damping_db:
        return found
    time = torch.arange(nfft, device=found.device, dtype=found.dtype)
    return found * (10.0 ** (damping_db / 20 / nfft * time))[:, None, None]


def _solved(A: Tensor, B: Tensor, C: Tensor, D: Tensor, loop: Tensor) -> Tensor:
    torch = needed_torch()
    A, B, C, D = (value.to(loop.dtype) for value in (A, B, C, D))
    columns = loop[:, :, None]
    identity = torch.eye(A.shape[0], dtype=loop.dtype, device=loop.device)
    try:
        return C @ torch.linalg.solve(identity - columns * A, columns * B) + D
    except torch.linalg.LinAlgError:
        raise NetworkError(
            "the network has a pole on the unit circle, where its response is infinite; add absorption"
        ) from None


def _filters_at(filters: np.ndarray, nfft: int, gamma: float) -> np.ndarray:
    """Response (bins, lines) of absorption on the circle of radius 1/γ."""
    back = gamma * np.exp(-2j * np.pi * np.arange(nfft // 2 + 1) / nfft)[:, None]
    found = np.ones((1, filters.shape[2]), dtype=np.complex128)
    for b0, b1, b2, a0, a1, a2 in np.asarray(filters, dtype=np.float64):
        found = found * (b0 + back * (b1 + back * b2)) / (a0 + back * (a1 + back * a2))
    return found


def needed_torch() -> Any:
    """The module torch, or an error that says what brings it."""
    try:
        import torch
    except ImportError:
        raise MissingExtraError("torch", "learning") from None
    return torch
