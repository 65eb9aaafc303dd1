"""Parameters of a network as one flat vector, and the way from it to the network's parts and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from tonewright.errors import NetworkError, nearest
from tonewright.reverb.train.rotations import Bounded, Rotation, nearest_rotation

MATRICES = ("orthogonal", "random")
# A random matrix as training moves it, so that the network stays stable.
BOUNDED = "bounded"

# Training moves a delay by so many samples, a level by so many dB, where it moves a gain by 1.
SAMPLES = 100.0
# While they move, delays are no shorter than the reach of the interpolation between samples.
SHORTEST = 8.0
DECIBELS = 20.0


@dataclass(slots=True)
class Parts:
    """The parts of a network that training may change, or derivatives by them.

    Attributes
    ----------
    feedback : (lines, lines) A
    input_gain : (lines, inputs) B
    output_gain : (outputs, lines) C
    direct : (outputs, inputs) D
    decay : (bands,) decay times in seconds, or None where they are not trained
    delays : (lines,) in samples, or None
    tone : (bands, outputs) in dB, or None
    early : (outputs, inputs, taps), or None
    pre_delay : (1,) in samples, or None
    """

    feedback: np.ndarray
    input_gain: np.ndarray
    output_gain: np.ndarray
    direct: np.ndarray
    decay: np.ndarray | None = None
    delays: np.ndarray | None = None
    tone: np.ndarray | None = None
    early: np.ndarray | None = None
    pre_delay: np.ndarray | None = None


class Map(Protocol):
    """A part of a network as a function of some parameters."""

    count: int

    def value(self, parameters: np.ndarray, /) -> np.ndarray:
        """The part, from (count,) parameters."""
        ...

    def pullback(self, gradient: np.ndarray, /) -> np.ndarray:
        """Gradient by the parameters, from that by the last value."""
        ...

    def parameters(self, value: np.ndarray, /) -> np.ndarray:
        """The parameters of a part."""
        ...


class Plain:
    """A part that is its own parameters, in units of `scale` and no smaller than `least`.

    Parameters
    ----------
    shape : of the part
    scale : what one unit of a parameter changes
    least : smallest value
    """

    def __init__(self, shape: tuple[int, ...], *, scale: float = 1.0, least: float | None = None) -> None:
        self.shape = shape
        self.count = int(np.prod(shape))
        self.scale = scale
        self.least = least
        self._held: np.ndarray | None = None

    def value(self, parameters: np.ndarray) -> np.ndarray:
        """The part, from (count,) parameters."""
        value = parameters.reshape(self.shape)
        value = value * self.scale if self.scale != 1.0 else value
        if self.least is None:
            return value
        self._held = value < self.least
        return np.maximum(value, self.least)

    def pullback(self, gradient: np.ndarray) -> np.ndarray:
        """Gradient by the parameters, from that by the last value."""
        if self._held is not None:
            gradient = np.where(self._held, 0.0, gradient)
        return gradient.reshape(-1) * self.scale if self.scale != 1.0 else gradient.reshape(-1)

    def parameters(self, value: np.ndarray) -> np.ndarray:
        """The parameters of a part."""
        return np.asarray(value, dtype=np.float64).reshape(-1) / self.scale


class Positive:
    """A part of positive numbers, whose parameters are their logarithms.

    Parameters
    ----------
    shape : of the part
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.count = int(np.prod(shape))
        self._value = np.ones(shape)

    def value(self, parameters: np.ndarray) -> np.ndarray:
        """The part, from (count,) parameters."""
        self._value = np.exp(parameters).reshape(self.shape)
        return self._value

    def pullback(self, gradient: np.ndarray) -> np.ndarray:
        """Gradient by the parameters, from that by the last value."""
        return (gradient * self._value).reshape(-1)

    def parameters(self, value: np.ndarray) -> np.ndarray:
        """The parameters of a part."""
        return np.log(np.asarray(value, dtype=np.float64)).reshape(-1)


class ParameterMap:
    """The trained parts of a network as a flat vector.

    Parameters
    ----------
    start : the parts at the start, trained or not
    trained : names of the parts that are trained
    matrix : "orthogonal" keeps the feedback matrix a rotation, "random" leaves it free, "bounded" does
        up to a gain of 1

    Attributes
    ----------
    vector : (parameters,) of the parts at the start
    slices : where each trained part lies in the vector, by its name
    """

    def __init__(self, start: Parts, trained: tuple[str, ...], *, matrix: str = "orthogonal") -> None:
        if matrix not in (*MATRICES, BOUNDED):
            raise NetworkError(f"matrix is {matrix!r}; {nearest(str(matrix), MATRICES)}")
        if matrix == "orthogonal":
            start = replace(start, feedback=nearest_rotation(start.feedback))
        self.start = start
        self._fixed = tuple(getattr(start, name) for name in Parts.__dataclass_fields__)
        self.maps: dict[str, Map] = {name: _map(name, getattr(start, name), matrix) for name in trained}
        pieces = {name: part.parameters(getattr(start, name)) for name, part in self.maps.items()}
        ends = np.cumsum([piece.size for piece in pieces.values()], dtype=int)
        self.slices = {
            name: slice(int(end) - piece.size, int(end))
            for (name, piece), end in zip(pieces.items(), ends, strict=True)
        }
        self.vector = np.concatenate([np.zeros(0), *pieces.values()])

    def parts(self, vector: np.ndarray) -> Parts:
        """The network's parts, from (parameters,)."""
        parts = Parts(*self._fixed)
        for name, where in self.slices.items():
            setattr(parts, name, self.maps[name].value(vector[where]))
        return parts

    def gradient(self, slopes: Parts) -> np.ndarray:
        """Gradient (parameters,), from the derivatives by the parts of the last vector."""
        gradient = np.empty(self.vector.size)
        for name, where in self.slices.items():
            gradient[where] = self.maps[name].pullback(getattr(slopes, name))
        return gradient

    def bounds(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Lowest and highest vector (parameters,), or None where there is no bound."""
        feedback = self.maps.get("feedback")
        if not isinstance(feedback, Bounded):
            return None
        where = self.slices["feedback"]
        lower, upper = np.full(self.vector.size, -np.inf), np.full(self.vector.size, np.inf)
        lower[where], upper[where] = feedback.bounds(self.vector[where])
        return lower, upper

    def changed(self, vector: np.ndarray, **values: np.ndarray) -> np.ndarray:
        """A copy of a vector (parameters,) in which some trained parts have other values."""
        vector = vector.copy()
        for name, value in values.items():
            vector[self.slices[name]] = self.maps[name].parameters(value)
        return vector


def _map(name: str, value: np.ndarray, matrix: str) -> Map:
    if name == "feedback" and matrix == "orthogonal":
        return Rotation(value.shape[0])
    if name == "feedback" and matrix == BOUNDED:
        return Bounded(value.shape[0])
    if name == "decay":
        return Positive(value.shape)
    if name == "delays":
        return Plain(value.shape, scale=SAMPLES, least=SHORTEST)
    if name == "pre_delay":
        return Plain(value.shape, scale=SAMPLES, least=0.0)
    return Plain(value.shape, scale=DECIBELS if name == "tone" else 1.0)
