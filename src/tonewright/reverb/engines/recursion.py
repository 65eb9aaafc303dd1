"""The network run in the time domain, and its adjoint: exact truncated responses, any matrix, no aliasing."""

from __future__ import annotations

from typing import Any

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.engines.base import Gradients, is_plain_gain
from tonewright.reverb.engines.recursion_filters import COUNT, LANES
from tonewright.reverb.engines.recursion_kernels import LEFT, RIGHT, WIDTH, advance, correlate

# A block of all rows should stay in the first cache. Rows a multiple of its period, 4 KiB, apart would
# drive each other out.
_BLOCK = 512
_PAGE_BYTES, _APART_BYTES = 4096, 1600


class RecursionEngine:
    r"""Impulse responses by recursion in blocks of the shortest delay, and gradients by its adjoint.

    With :math:`u_i(n) = w_i(n - m_i)`, filters g and an impulse x at one input after the other,

    .. math:: v = g * u, \quad w = A v + B x, \quad y = C v + D x.

    The adjoint is the transposed network run on the time-reversed gradient. With :math:`\bar g` the
    filters in reversed time,

    .. math:: p = C^T \frac{\partial L}{\partial y} + A^T q, \quad q_i(n) = (\bar g_i * p_i)(n + m_i),

    .. math:: \frac{\partial L}{\partial A} = \sum_n q(n) v(n)^T, \quad
        \frac{\partial L}{\partial B} = q(0), \quad
        \frac{\partial L}{\partial C} = \sum_n \frac{\partial L}{\partial y(n)} v(n)^T.

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
        if int(length) != length or length < 1:
            raise NetworkError(f"the length of the response is {length}; it must be at least 1 sample")
        self.length = int(length)
        self.dtype = real_dtype(dtype)
        self._gains, self._coefficients = line_filters(filters, self.delays.size)
        self._pad = int(self.delays.max())
        self._forward = self._backward = Run(self.delays, self._coefficients, inputs=0, outputs=0)
        self._states = self._adjoint = np.zeros((0, 0, 0), self.dtype)
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
        outputs, inputs = np.shape(D)
        self._prepare(inputs, outputs)
        self._parts = np.asarray(A, np.float64) * self._gains, np.asarray(C, np.float64) * self._gains
        run, shortest = self._forward, int(self.delays.min())
        weights = run.weights(np.concatenate(self._parts), self.dtype)
        response = np.zeros((inputs, outputs, self.length), self.dtype)
        for k, state in enumerate(self._states):
            for line, delay in enumerate(self.delays):
                state[line, delay : delay + shortest] = 0
                state[line, delay] = B[line, k]
            if shortest < self.length:
                run(state, weights, shortest, self.length)
                response[k, :, shortest:] = state[run.heard, shortest : self.length]
            response[k, :, 0] += D[:, k]
        return response.transpose(2, 1, 0)

    def pullback(self, gradient: np.ndarray) -> Gradients:
        """Gradients by the matrices, at the last response.

        Parameters
        ----------
        gradient : (time, outputs, inputs) derivative of the criterion by the response
        """
        if self._parts is None:
            raise NetworkError("there is no response to differentiate; call response first")
        a, c = self._parts
        lines, outputs, inputs = a.shape[0], c.shape[0], self._states.shape[0]
        if np.shape(gradient) != (self.length, outputs, inputs):
            raise NetworkError(
                f"the gradient has shape {np.shape(gradient)}; the response {(self.length, outputs, inputs)}"
            )
        run, state = self._backward, self._adjoint
        weights = run.weights(np.concatenate([a, c]).T, self.dtype)
        end = self._pad + self.length
        sums = np.zeros((-(-(lines + outputs) // LEFT) * LEFT, -(-lines // RIGHT) * RIGHT))
        entering = np.zeros((lines, inputs))
        for k in range(inputs):
            state[lines : lines + outputs, self._pad : end] = gradient[:, :, k].T
            run(state, weights, self._pad, end)
            correlate(state, self._states[k], sums, self._pad, self.length)
            entering[:, k] = state[:lines, self._pad]
        products = sums[: lines + outputs, :lines] * self._gains
        direct = np.asarray(gradient[0], dtype=np.float64).copy()
        return Gradients(products[:lines], entering, products[lines:], direct)

    def _prepare(self, inputs: int, outputs: int) -> None:
        if self._states.shape[0] == inputs and self._forward.outputs == outputs:
            return
        self._forward = Run(self.delays, self._coefficients, inputs=0, outputs=outputs)
        self._backward = Run(self.delays, self._coefficients, inputs=outputs, outputs=0, direction=-1)
        columns = self._pad + self.length
        # What stays zero is never written: each line before its delay, and after the end in the adjoint.
        self._states = np.stack([self._forward.room(columns, self.dtype) for _ in range(inputs)])
        self._adjoint = self._backward.room(columns, self.dtype)


class Run:
    r"""Rows of a state, and how one run writes them.

    First come the rows of the lines, then those of the inputs, zeros up to a multiple of 8, the outputs, and
    one row for what nobody needs.

    Parameters
    ----------
    delays : (lines,) whole samples
    coefficients : (sections, lines, 5) as b0 b1 b2 a1 a2
    inputs, outputs : numbers of rows beside the lines
    direction : 1, or -1 for reversed time
    """

    def __init__(
        self, delays: np.ndarray, coefficients: np.ndarray, *, inputs: int, outputs: int, direction: int = 1
    ) -> None:
        self.lines = lines = delays.size
        self.inputs, self.outputs, self.direction = inputs, outputs, direction
        self.columns = lines + inputs
        self.groups = max(1, -(-(self.columns - 1) // WIDTH))
        read = max(self.columns, WIDTH * self.groups)
        self.rows = read + outputs + 1
        self.heard = slice(read, read + outputs)
        spare = np.full((lines + outputs) % 2, self.rows - 1)
        self.targets = np.concatenate([np.arange(lines), np.arange(read, read + outputs), spare])
        self.shifts = np.zeros(self.targets.size, np.int64)
        self.shifts[:lines] = direction * delays
        self.block = min(int(delays.min()), _BLOCK)
        self.coefficients = _in_lanes(coefficients) if coefficients.size else None
        self._lanes = np.zeros((COUNT, LANES)) if coefficients.size else None

    def room(self, columns: int, dtype: np.dtype) -> np.ndarray:
        """A state of zeros, (rows, at least columns)."""
        size = columns * dtype.itemsize
        size += (_APART_BYTES - size) % _PAGE_BYTES
        return np.zeros((self.rows, -(-size // dtype.itemsize)), dtype)

    def weights(self, matrix: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """A matrix (lines + outputs, lines + inputs) in the order in which a run reads it."""
        padded = np.zeros((self.targets.size, 1 + WIDTH * self.groups), dtype)
        padded[: len(matrix), 0] = matrix[:, -1]
        padded[: len(matrix), 1 : self.columns] = matrix[:, :-1]
        return padded

    def memory(self) -> np.ndarray | None:
        """Past of the filters, at rest; None where there are none."""
        return None if self.coefficients is None else np.zeros((*self.coefficients.shape[:2], 4, LANES))

    def __call__(
        self, state: np.ndarray, weights: np.ndarray, start: int, stop: int, memory: np.ndarray | None = None
    ) -> None:
        """Run over a range of columns of a state (rows, columns), in place."""
        advance(
            state,
            weights,
            self.targets,
            self.shifts,
            self.lines,
            self.columns - 1,
            self.coefficients,
            self.memory() if memory is None else memory,
            self._lanes,
            start,
            stop,
            self.block,
            self.direction,
        )


def _in_lanes(coefficients: np.ndarray) -> np.ndarray:
    """(sections, lines, 5) to (groups of eight lines, sections, 5, 8)."""
    sections, lines = coefficients.shape[:2]
    groups = -(-lines // LANES)
    lanes = np.zeros((sections, groups * LANES, 5))
    lanes[:, :lines] = coefficients
    return np.ascontiguousarray(lanes.reshape(sections, groups, LANES, 5).transpose(1, 0, 3, 2))


def line_filters(filters: np.ndarray | None, lines: int) -> tuple[np.ndarray, np.ndarray]:
    """Second-order sections as plain gains and what is left of them.

    Parameters
    ----------
    filters : (sections, 6, lines), or None
    lines : number of lines

    Returns
    -------
    gains : (lines,) product of the sections that only scale
    coefficients : (other sections, lines, 5) as b0 b1 b2 a1 a2, with a0 = 1
    """
    gains, kept = np.ones(lines), []
    for section in [] if filters is None else np.asarray(filters, dtype=np.float64):
        if all(is_plain_gain(line[:3], line[3:]) for line in section.T):
            gains = gains * section[0] / section[3]
        else:
            kept.append((section[[0, 1, 2, 4, 5]] / section[3]).T)
    return gains, np.reshape(kept, (len(kept), lines, 5)).astype(np.float64)


def whole_delays(delays: np.ndarray) -> np.ndarray:
    """Delays as int64, refused where they are no whole samples of at least 1."""
    values = np.asarray(delays, dtype=np.float64).ravel()
    if not (values.size and np.isfinite(values).all() and (values == np.round(values)).all()):
        raise NetworkError(
            f"delays are {np.array2string(values, threshold=8)}; a recursion needs whole samples"
        )
    if values.min() < 1:
        raise NetworkError(f"the shortest delay is {values.min():g} samples; a recursion needs at least 1")
    return values.astype(np.int64)


def real_dtype(dtype: Any) -> np.dtype:
    """float32 or float64, from a name or a type of NumPy or torch; float64 for None."""
    name = "float64" if dtype is None else str(dtype).removeprefix("torch.")
    try:
        found = np.dtype(name if name in ("float32", "float64") else dtype)
    except TypeError:
        found = None
    if found not in (np.float32, np.float64):
        raise NetworkError(f"the dtype is {dtype}; choose float32 or float64")
    return np.dtype(found)
