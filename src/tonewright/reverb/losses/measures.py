"""What is measured on short-time spectra: magnitudes, or energies in bands."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import scipy.sparse

from tonewright.reverb.losses.short_time_kernels import band_powers, band_scaled, magnitudes


class Measure(Protocol):
    """Non-negative values of short-time spectra, and the way back."""

    def values(self, spectra: np.ndarray) -> np.ndarray:
        """Values (bands, frames), in an array of its own, of spectra (2 parts, bins, frames)."""
        ...

    def pull(self, spectra: np.ndarray, slopes: np.ndarray) -> None:
        """Replace the spectra by the gradient with respect to them.

        Parameters
        ----------
        spectra : (2 parts, bins, frames), as they were measured
        slopes : (bands, frames) factors that follow from the gradient, as the class says
        """
        ...


class Magnitudes:
    """S = |X|, whose slopes are (∂L/∂S) / S.

    Parameters
    ----------
    shape : (bins, frames)
    dtype : of the values
    """

    def __init__(self, shape: tuple[int, int], *, dtype: np.dtype) -> None:
        self.filled = np.empty(shape, dtype)

    def values(self, spectra: np.ndarray) -> np.ndarray:
        """Values (bins, frames)."""
        magnitudes(spectra, self.filled)
        return self.filled

    def pull(self, spectra: np.ndarray, slopes: np.ndarray) -> None:
        """Replace the spectra by the gradient."""
        np.multiply(spectra, slopes, out=spectra)


class BandPowers:
    """P = Σ_k W[b, k] |X_k|², whose slopes are 2 ∂L/∂P; or √P, whose slopes are (∂L/∂√P) / √P.

    Parameters
    ----------
    bank : (bands, bins) W
    frames : number of frames
    root : of √P instead of P
    dtype : of the values
    """

    def __init__(self, bank: np.ndarray, *, frames: int, root: bool, dtype: np.dtype) -> None:
        columns = scipy.sparse.csc_array(bank)
        self.entries = columns.indptr, columns.indices, columns.data.astype(dtype)
        self.root = root
        self.filled = np.empty((bank.shape[0], frames), dtype)

    def values(self, spectra: np.ndarray) -> np.ndarray:
        """Values (bands, frames)."""
        band_powers(spectra, *self.entries, self.filled)
        return np.sqrt(self.filled, out=self.filled) if self.root else self.filled

    def pull(self, spectra: np.ndarray, slopes: np.ndarray) -> None:
        """Replace the spectra by the gradient."""
        band_scaled(spectra, *self.entries, slopes)
