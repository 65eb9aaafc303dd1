"""Spectra by elimination at every bin: any number of lines, inputs and outputs, any filters and delays."""

from __future__ import annotations

from typing import Any

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.engines.base import Gradients, loop_terms
from tonewright.reverb.engines.elimination_kernels import LANES, pull, solve

# A bin whose pivots, taken in order, grow smaller than this is solved again with its rows exchanged.
SMALLEST_PIVOT = {"float32": 2e-2, "float64": 1e-3}
# So is a bin whose solutions from the left and from the right differ by more than this.
LARGEST_ERROR = {"float32": 1e-4, "float64": 1e-11}
# A state of the loop this large is that of a pole on the unit circle, but for rounding.
LARGEST = 1e12
# Numbers held at once when bins are solved again.
MOST_NUMBERS = 1 << 21


class EliminationEngine:
    r"""Transfer function of a network at the bins of a real DFT by Gaussian elimination, and its adjoint.

    .. math:: H = C U + D, \quad U = (I - \mathrm{diag}(d) A)^{-1} \mathrm{diag}(d) B, \quad
              V = (I - \mathrm{diag}(d) A)^{-T} C^T,

    and with :math:`W = V G^*` for a gradient G of H, summed over the bins,

    .. math:: \frac{\partial L}{\partial A} = \Re\, \mathrm{diag}(d) W U^T, \quad
              \frac{\partial L}{\partial B} = \Re\, \mathrm{diag}(d) W, \quad
              \frac{\partial L}{\partial C} = \Re\, G^* U^T, \quad
              \frac{\partial L}{\partial d} = \left[W \circ (B + A U)\right]^*.

    Pivots are taken in order, which is safe for loops that lose energy (the Hermitian part of
    :math:`I - \mathrm{diag}(d) A` is then positive); bins where it is not are found by their pivots and by
    comparing both solutions, and are solved again with partial pivoting.

    Not to be shared between threads: `pullback` uses the state of the last `spectrum`.

    Parameters
    ----------
    delays : (lines,) in samples, whole or not
    nfft : length of the DFT
    filters : (sections, 6, lines) absorption, or None
    dtype : "float32" or "float64"
    terms : (bins, lines) complex loop terms to use instead of those of the delays and filters
    loop_gradients : whether `pullback` also finds the gradients of the loop terms and delays
    """

    def __init__(
        self,
        delays: np.ndarray,
        *,
        nfft: int,
        filters: np.ndarray | None = None,
        dtype: Any = "float64",
        terms: np.ndarray | None = None,
        loop_gradients: bool = True,
    ) -> None:
        self.delays = np.asarray(delays, dtype=np.float64).ravel()
        self.nfft, self.loop_gradients = int(nfft), loop_gradients
        self.dtype = np.dtype(dtype)
        if self.dtype.name not in SMALLEST_PIVOT:
            raise NetworkError(f"dtype is {dtype}; choose 'float32' or 'float64'")
        if self.nfft < 2:
            raise NetworkError(f"nfft is {nfft}; it must be at least 2")
        self.bins = self.nfft // 2 + 1
        omega = np.arange(-(-self.bins // LANES) * LANES) * (2 * np.pi / self.nfft)
        self._omega = omega.astype(self.dtype).reshape(-1, LANES)
        self.change_loop(loop_terms(self.delays, filters, self.nfft) if terms is None else terms)
        self.solved_again = 0
        self._state: dict[str, np.ndarray] | None = None

    def change_loop(self, terms: np.ndarray, *, delays: np.ndarray | None = None) -> None:
        """Put other delays or filters into the loop.

        Parameters
        ----------
        terms : (bins, lines) complex loop terms
        delays : (lines,) that are part of them, when they have changed
        """
        found = np.asarray(terms, dtype=np.complex128)
        new = self.delays if delays is None else np.asarray(delays, dtype=np.float64).ravel()
        if found.shape != (self.bins, new.size):
            raise NetworkError(
                f"loop terms have shape {found.shape}; here they must be {(self.bins, new.size)}"
            )
        self.terms, self.delays = found, new
        self._packed = self._pack(self.terms)
        self._state = None

    def spectrum(self, A: np.ndarray, B: np.ndarray, C: np.ndarray, D: np.ndarray) -> np.ndarray:
        """Transfer function.

        Parameters
        ----------
        A : (lines, lines)
        B : (lines, inputs)
        C : (outputs, lines)
        D : (outputs, inputs)

        Returns
        -------
        (bins, outputs, inputs) complex
        """
        a, b, c = (np.ascontiguousarray(value, dtype=self.dtype) for value in (A, B, C))
        chunks = self._omega.shape[0]
        inputs, outputs = b.shape[1], c.shape[0]
        state = self._buffers(inputs, outputs)
        pivots, errors = np.ones((2, chunks, LANES), self.dtype)
        arguments = [*self._packed, a, b, c, *state.values(), pivots, errors]
        solve(*arguments)
        self._state = {"a": a, "b": b, **state}
        response = self._unpack(state["hr"], state["hi"], (outputs, inputs))
        again = ~(pivots >= SMALLEST_PIVOT[self.dtype.name] ** 2)
        again |= ~(errors <= LARGEST_ERROR[self.dtype.name] ** 2)
        indices = np.flatnonzero(again.ravel()[: self.bins])
        self.solved_again = indices.size
        self._solve_again(indices, A, B, C, response)
        return response + np.asarray(D, dtype=self.dtype)

    def pullback(self, gradient: np.ndarray) -> Gradients:
        """Gradients at the last spectrum.

        Parameters
        ----------
        gradient : (bins, outputs, inputs) derivative of the criterion, ∂L/∂Re H + j ∂L/∂Im H

        Returns
        -------
        Gradients, those of A, B, C, D and the delays float64
        """
        if self._state is None:
            raise NetworkError("there is no spectrum to differentiate; call spectrum first")
        a, b, ur, ui, vr, vi, _, _ = self._state.values()
        wanted, lines = (self.bins, *self._shapes["h"]), self.delays.size
        gradient = np.asarray(gradient)
        if gradient.shape != wanted:
            raise NetworkError(f"the gradient has shape {gradient.shape}; the spectrum has {wanted}")
        found = [np.zeros(shape) for shape in (a.shape, b.shape, (wanted[1], lines))]
        delays = np.zeros(lines)
        rows = self._packed[0].shape[0] if self.loop_gradients else 0
        er, ei = np.zeros((2, rows, LANES), self.dtype)
        sides = self._pack(-gradient.conj())
        arguments = [*self._packed, a, b, ur, ui, vr, vi, *sides, *found, er, ei, self._omega, delays]
        pull(*arguments)
        direct = np.real(gradient).sum(axis=0, dtype=np.float64)
        parts = dict(zip("ABCD", [*found, direct], strict=True))
        if not self.loop_gradients:
            return Gradients(**parts)
        return Gradients(**parts, d=self._unpack(er, ei, (lines,)), delays=delays)

    def _buffers(self, inputs: int, outputs: int) -> dict[str, np.ndarray]:
        """Arrays for U, V and H, those of the last spectrum where the sizes are the same; H is 0."""
        lines = self.delays.size
        self._shapes = {"u": (lines, inputs), "v": (outputs, lines), "h": (outputs, inputs)}
        rows = {name: self._omega.shape[0] * size[0] * size[1] for name, size in self._shapes.items()}
        kept = self._state or {}
        for name, count in rows.items():
            for part in "ri":
                if name + part not in kept or len(kept[name + part]) != count:
                    kept[name + part] = np.empty((count, LANES), self.dtype)
        kept["hr"].fill(0)
        kept["hi"].fill(0)
        return {name + part: kept[name + part] for name in rows for part in "ri"}

    def _solve_again(
        self, indices: np.ndarray, A: np.ndarray, B: np.ndarray, C: np.ndarray, response: np.ndarray
    ) -> None:
        assert self._state is not None
        lines = self.delays.size
        some = max(1, MOST_NUMBERS // lines**2)
        for start in range(0, indices.size, some):
            these = indices[start : start + some]
            terms = self.terms[these][:, :, None]
            loop = np.eye(lines) - terms * A
            right = np.broadcast_to(np.transpose(C), (these.size, *np.shape(C)[::-1]))
            try:
                u: Any = np.linalg.solve(loop, terms * B)
                v: Any = np.linalg.solve(loop.transpose(0, 2, 1), right)
                sizes = np.abs(u).max(axis=(1, 2))
            except np.linalg.LinAlgError:
                sizes = 1 / np.maximum(np.abs(np.linalg.det(loop)), 1e-300)
            if sizes.max() > LARGEST:
                raise NetworkError(
                    f"the network has a pole at bin {these[sizes.argmax()]} of {self.nfft}, on the unit "
                    "circle, where its response is infinite; add absorption"
                )
            response[these] = np.asarray(C) @ u
            chunk, lane = divmod(these, LANES)
            values: dict[str, Any] = {"u": u, "v": v.transpose(0, 2, 1)}
            for name, shape in self._shapes.items():
                if name in values:
                    self._state[name + "r"].reshape(-1, *shape, LANES)[chunk, :, :, lane] = values[name].real
                    self._state[name + "i"].reshape(-1, *shape, LANES)[chunk, :, :, lane] = values[name].imag

    def _pack(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(bins, …) complex as two arrays (chunks · …, lanes), padded with 0."""
        chunks = self._omega.shape[0]
        packed = np.zeros((2, chunks * LANES, values[0].size), self.dtype)
        flat: Any = values.reshape(self.bins, -1)
        packed[0, : self.bins], packed[1, : self.bins] = flat.real, flat.imag
        real, imaginary = packed.reshape(2, chunks, LANES, -1).swapaxes(2, 3).reshape(2, -1, LANES)
        return real, imaginary

    def _unpack(self, real: np.ndarray, imaginary: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """(chunks · …, lanes) as (bins, …) complex."""
        chunks = self._omega.shape[0]
        values = np.empty((chunks, LANES, *shape), np.result_type(self.dtype, np.complex64))
        values.real = np.moveaxis(real.reshape(chunks, *shape, LANES), -1, 1)
        values.imag = np.moveaxis(imaginary.reshape(chunks, *shape, LANES), -1, 1)
        return values.reshape(-1, *shape)[: self.bins]
