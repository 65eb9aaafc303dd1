"""Spectra of networks with one input and one output from the principal minors of the feedback matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from tonewright.reverb.engines.base import Gradients


class MinorsEngine:
    """Transfer function of a network with one input, one output and up to 16 lines, and its adjoint.

    Parameters
    ----------
    delays : (lines,) whole samples
    nfft : length of the DFT
    filters : (sections, 6, lines) absorption, or None
    dtype : "float32" or "float64"
    """

    def __init__(
        self, delays: np.ndarray, *, nfft: int, filters: np.ndarray | None = None, dtype: Any = "float64"
    ) -> None:
        raise NotImplementedError

    def spectrum(self, A: np.ndarray, B: np.ndarray, C: np.ndarray, D: np.ndarray) -> np.ndarray:
        """Transfer function (bins, 1, 1); raises `ZeroPivot` where the minors cannot be reached."""
        raise NotImplementedError

    def pullback(self, gradient: np.ndarray) -> Gradients:
        """Gradients by the parts, from (bins, 1, 1) at the last evaluation."""
        raise NotImplementedError

    def colorless(
        self, A: np.ndarray, B: np.ndarray, C: np.ndarray, D: np.ndarray
    ) -> tuple[float, Gradients]:
        """Mean over the bins of (|H| - 1)², and its gradients."""
        raise NotImplementedError
