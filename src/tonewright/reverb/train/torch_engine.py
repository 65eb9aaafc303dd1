"""Spectra computed by torch on a device, behind the interface of the compiled engines."""

from __future__ import annotations

from typing import Any

import numpy as np

from tonewright.reverb.engines.base import Gradients, loop_terms
from tonewright.reverb.train.placing import needed_torch


class TorchEngine:
    """Transfer function of a network at the bins of a DFT on a device, differentiated by torch.

    Parameters
    ----------
    delays : (lines,) in samples
    nfft : length of the DFT
    filters : (sections, 6, lines) absorption, or None
    device : name of the device
    dtype : "float32" or "float64"
    """

    def __init__(
        self,
        delays: np.ndarray,
        *,
        nfft: int,
        filters: np.ndarray | None,
        device: str,
        dtype: str = "float64",
    ) -> None:
        torch = needed_torch()
        self.real = {"device": device, "dtype": getattr(torch, dtype)}
        self.complex = {
            "device": device,
            "dtype": torch.complex64 if dtype == "float32" else torch.complex128,
        }
        self._leaves: list[Any] = []
        self._spectrum: Any = None
        self.change_loop(loop_terms(delays, filters, nfft))

    def change_loop(self, terms: np.ndarray) -> None:
        """Put other loop terms (bins, lines) in place."""
        self.loop = needed_torch().as_tensor(terms, **self.complex).requires_grad_(True)

    def spectrum(self, A: np.ndarray, B: np.ndarray, C: np.ndarray, D: np.ndarray) -> np.ndarray:
        """Transfer function (bins, outputs, inputs)."""
        from tonewright.reverb.engines.autograd import spectrum

        torch = needed_torch()
        self._leaves = [
            torch.tensor(np.ascontiguousarray(part), **self.real).requires_grad_(True)
            for part in (A, B, C, D)
        ]
        with torch.enable_grad():
            a, b, c, d = self._leaves
            self._spectrum = spectrum(a, b, c, d, self.loop)
        return self._spectrum.detach().cpu().numpy()

    def pullback(self, gradient: np.ndarray) -> Gradients:
        """Gradients by the parts, from (bins, outputs, inputs) at the last evaluation."""
        torch = needed_torch()
        outer = torch.as_tensor(np.ascontiguousarray(gradient), **self.complex)
        found = torch.autograd.grad(self._spectrum, [*self._leaves, self.loop], outer)
        a, b, c, d, loop = (value.cpu().numpy() for value in found)
        parts = (np.asarray(value, dtype=np.float64) for value in (a, b, c, d))
        return Gradients(*parts, d=loop.astype(np.complex128))
