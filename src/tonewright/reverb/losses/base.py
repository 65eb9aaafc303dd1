"""What every loss is, and the checks that they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from tonewright.errors import NetworkError

Domain = Literal["spectrum", "time", "feedback"]
"""What a loss is measured on: the transfer function, the response or the feedback matrix."""

Scaling = Literal["relative", "peer"]
Bins = Literal["fft", "peer"]


@runtime_checkable
class Loss(Protocol):
    r"""A measure of a network and its gradient.

    Attributes
    ----------
    name : under which its values are logged
    domain : "spectrum" for H (bins, outputs, inputs), complex, at the bins of a real FFT; "time" for the
        response (time, outputs, inputs), real; "feedback" for the feedback matrix (lines, lines)
    """

    name: str
    domain: Domain

    def value_and_gradient(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        r"""Value at `y`, and its gradient of the shape and precision of `y`.

        For complex `y` the gradient is ∂L/∂Re y + j ∂L/∂Im y, so that dL = Re Σ conj(G) dy.
        """
        ...


def response(target: Any, name: str) -> np.ndarray:
    """A target's response as float64 of shape (time, outputs, inputs).

    Parameters
    ----------
    target : (time,), (time, outputs) or (time, outputs, inputs)
    name : of the loss, for the error
    """
    values = np.asarray(target, dtype=np.float64)
    if not 1 <= values.ndim <= 3 or not values.size:
        raise NetworkError(
            f"{name}: the target has shape {values.shape}; it must be (time,), (time, outputs) or "
            "(time, outputs, inputs), and not empty"
        )
    if not np.isfinite(values).all():
        raise NetworkError(f"{name}: the target holds numbers that are not finite; mend the recording first")
    return values.reshape(values.shape + (1,) * (3 - values.ndim))


class Layout:
    """How responses (time, outputs, inputs) become rows of samples, and gradients go back.

    Parameters
    ----------
    shape : (time, outputs, inputs) of the target
    name : of the loss, for the error
    interleaved : whether each input's outputs are interleaved in time and cut into as many rows, as happens
        when (inputs, time, outputs) is reshaped to (rows, time)
    """

    def __init__(self, shape: tuple[int, ...], name: str, *, interleaved: bool = False) -> None:
        self.shape, self.name = shape, name
        self.axes = (2, 0, 1) if interleaved else (2, 1, 0)

    def rows(self, y: np.ndarray) -> np.ndarray:
        """Samples (inputs · outputs, time) in the precision of `y`, contiguous."""
        if y.shape[0] != self.shape[0] or y.size != int(np.prod(self.shape)):
            raise NetworkError(
                f"{self.name}: the response has shape {y.shape} and the target {self.shape}; make them equal"
            )
        dtype = y.dtype if y.dtype in (np.float32, np.float64) else np.float64
        moved = y.reshape(self.shape).transpose(self.axes)
        return np.ascontiguousarray(moved, dtype=dtype).reshape(-1, self.shape[0])

    def back(self, rows: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Rows (inputs · outputs, time) in the shape of `y`."""
        moved = rows.reshape([self.shape[axis] for axis in self.axes])
        return np.ascontiguousarray(moved.transpose(np.argsort(self.axes))).reshape(y.shape)


def chosen(value: str, options: Sequence[str], what: str) -> str:
    """`value` when it is one of the options."""
    if value not in options:
        raise NetworkError(f"{what} is {value!r}; choose from {', '.join(options)}")
    return value


def positive(value: float, what: str) -> float:
    """`value` when it is a finite number above 0."""
    if not (np.isfinite(value) and value > 0):
        raise NetworkError(f"{what} is {value}; it must be a number above 0")
    return float(value)
