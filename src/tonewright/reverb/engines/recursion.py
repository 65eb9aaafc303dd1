"""The network run in the time domain, and its adjoint: exact truncated responses, any matrix, no aliasing."""

from __future__ import annotations

from typing import Any

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.engines.base import Gradients
from tonewright.reverb.engines.recursion_kernels import advance


class RecursionEngine:
    r"""Impulse responses by recursion in blocks of the shortest delay, and gradients by the adjoint recursion.

    With :math:`u_i(n) = w_i(n - m_i)`, filters g and impulses x,

    .. math:: v = g * u, \quad w = A v + B x, \quad y = C v + D x.

    The adjoint is the transposed network run on the time-reversed gradient:

    .. math:: p = C^T \partial L/\partial y + A^T q, \quad q_i(n) = (g_i^* * p_i)(n + m_i),

    with :math:`g^*` the filter in reversed time, and :math:`\partial L/\partial A = \sum_n q(n) v(n)^T`,
    :math:`\partial L/\partial B = q(0)`, :math:`\partial L/\partial C = \sum_n \partial L/\partial y(n)\, v(n)^T`.

    Not to be shared between threads: `pullback` uses the state of the last `response`.

    Parameters
    ----------
    delays : (lines,) whole samples, at least 1
    length : samples of the response
    filters : (sections, 6, lines) absorption as second-order sections, held constant, or None
    dtype : "float32" or "float64"
    """

    def __init__(
        self, delays: np.ndarray, *, length: int, filters: np.ndarray | None = None, dtype: Any = "float64"
    ) -> None:
        self.delays = whole_delays(delays)
        self.length = int(length)
        if self.length < 1:
            raise NetworkError(f"the length of the response is {length}; it must be at least 1 sample")
        self.dtype = real_dtype(dtype)
        self.gains, self.coefficients = line_filters(filters, self.delays.size)
        self._pad = int(self.delays.max())
        self._forward = self._backward = np.zeros((0, 0, 0), self.dtype)
        self._parts: tuple[np.ndarray, np.ndarray] | None = None

    def response(self, A: np.ndarray, B: np.ndarray, C: np.ndarray, D: np.ndarray) -> np.ndarray:
        """Impulse response.

        Parameters
        ----------
        A : (lines, lines)
        B : (lines, inputs)
        C : (outputs, lines)
        D : (outputs, inputs)

        Returns
        -------
        (time, outputs, inputs)
        """
        lines, shortest = self.delays.size, int(self.delays.min())
        looped = np.asarray(A, dtype=np.float64) * self.gains
        tapped = np.asarray(C, dtype=np.float64) * self.gains
        self._parts = (looped, tapped)
        matrix = np.ascontiguousarray(np.concatenate([looped, tapped]), dtype=self.dtype)
        inputs, outputs = np.shape(D)[1], tapped.shape[0]
        if self._forward.shape[0] != inputs:
            self._forward = np.zeros((inputs, lines, self._pad + self.length), self.dtype)
        response = np.zeros((inputs, outputs, self.length), self.dtype)
        for k, state in enumerate(self._forward):
            for line, delay in enumerate(self.delays):
                state[line, delay] = B[line, k]
                state[line, delay + 1 : delay + shortest] = 0
            if shortest < self.length:
                made = np.zeros((outputs, self.length - shortest), self.dtype)
                advance(
                    state,
                    made,
                    matrix,
                    self.delays,
                    self.coefficients,
                    self._memory(),
                    shortest,
                    self.length,
                    1,
                )
                response[k, :, shortest:] = made
            response[k, :, 0] += D[:, k]
        return response.transpose(2, 1, 0)

    def pullback(self, gradient: np.ndarray) -> Gradients:
        """Gradients by the matrices.

        Parameters
        ----------
        gradient : (time, outputs, inputs) derivative of the criterion by the last response

        Returns
        -------
        Gradients, float64, of A, B, C and D
        """
        if self._parts is None:
            raise NetworkError("there is no response to differentiate; call response first")
        looped, tapped = self._parts
        lines, outputs = self.delays.size, tapped.shape[0]
        inputs = self._forward.shape[0]
        if np.shape(gradient) != (self.length, outputs, inputs):
            raise NetworkError(
                f"the gradient has shape {np.shape(gradient)}; the response has {(self.length, outputs, inputs)}"
            )
        matrix = np.ascontiguousarray(np.concatenate([looped, tapped]).T, dtype=self.dtype)
        if self._backward.shape[1] != lines + outputs:
            self._backward = np.zeros((1, lines + outputs, self._pad + self.length), self.dtype)
        state = self._backward[0]
        nothing = np.zeros((0, 0), self.dtype)
        grad = Gradients(
            np.zeros((lines, lines)), np.zeros((lines, inputs)), np.zeros((outputs, lines)), gradient[0] + 0.0
        )
        for k in range(inputs):
            state[lines:, self._pad :] = gradient[:, :, k].T
            advance(
                state,
                nothing,
                matrix,
                self.delays,
                self.coefficients,
                self._memory(),
                self._pad,
                self._pad + self.length,
                -1,
            )
            heard = self._forward[k, :, : self.length]
            product = state[:, self._pad :] @ heard.T
            grad.A += product[:lines]
            grad.C += product[lines:]
            grad.B[:, k] = state[:lines, self._pad]
        grad.A *= self.gains
        grad.C *= self.gains
        return grad

    def _memory(self) -> np.ndarray:
        return np.zeros((self.coefficients.shape[0], 4, self.delays.size))


def line_filters(filters: np.ndarray | None, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Second-order sections as gains and what is left of them.

    Sections that are a plain gain on every line are multiplied into the gains.

    Parameters
    ----------
    filters : (sections, 6, lines), or None
    count : number of lines

    Returns
    -------
    gains : (lines,)
    coefficients : (sections, 5, lines) as b0 b1 b2 a1 a2, with a0 = 1
    """
    gains = np.ones(count)
    kept = []
    for section in () if filters is None else np.asarray(filters, dtype=np.float64):
        normalised = np.delete(section / section[3], 3, axis=0)
        if normalised[1:].any():
            kept.append(normalised)
        else:
            gains = gains * normalised[0]
    return gains, np.ascontiguousarray(np.reshape(kept, (len(kept), 5, count)))


def whole_delays(delays: np.ndarray) -> np.ndarray:
    """Delays as int64, or an error where they are no whole samples of at least 1."""
    values = np.asarray(delays, dtype=np.float64).ravel()
    if (
        not values.size
        or not np.isfinite(values).all()
        or (values != np.round(values)).any()
        or values.min() < 1
    ):
        raise NetworkError(f"delays are {values}; the recursion needs whole samples, at least 1")
    return values.astype(np.int64)


def real_dtype(dtype: Any) -> np.dtype:
    """float32 or float64, from a name, a NumPy type or a torch type; float64 for None."""
    name = "float64" if dtype is None else str(dtype).removeprefix("torch.")
    found = np.dtype(name if name in ("float32", "float64") else dtype)
    if found not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise NetworkError(f"the dtype is {dtype}; choose float32 or float64")
    return found
