"""How sparse a feedback matrix is."""

from __future__ import annotations

import math

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.losses.base import Domain, Loss


class SparsityLoss:
    """See `sparsity_loss`."""

    name = "_ColorlessSparsity"
    domain: Domain = "feedback"

    def value_and_gradient(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Value at the feedback matrix `y` (lines, lines), and the gradient."""
        if y.ndim != 2 or y.shape[0] != y.shape[1] or not y.size:
            raise NetworkError(f"{self.name}: the feedback matrix has shape {y.shape}; it must be square")
        lines = y.shape[0]
        if lines == 1:
            return 0.0, np.zeros_like(y)
        span = lines * (math.sqrt(lines) - 1.0)
        total = float(np.abs(y).sum(dtype=np.float64))
        return (lines * math.sqrt(lines) - total) / span, -np.sign(y) / y.dtype.type(span)


def sparsity_loss() -> Loss:
    r"""Loss that draws the feedback matrix towards entries of one magnitude.

    L = (N√N − Σ|A_ij|) / (N(√N − 1)): for an orthogonal matrix 0 where all magnitudes are 1/√N, and 1 for a
    permutation (G. Dal Santo et al., "Optimizing tiny colorless feedback delay networks", 2024). With one
    line there is nothing to spread, and it is 0. At an entry of 0 the gradient is taken as 0.
    """
    return SparsityLoss()
