"""A feedback delay network whose parts can be trained, callable on sounds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.errors import NetworkError, nearest
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.train.parameters import Parts
from tonewright.reverb.train.placing import accelerator, precision
from tonewright.reverb.train.trained_parts import built, built_parts, parameter_map

if TYPE_CHECKING:
    from tonewright.reverb.train.build import Trainable

OUTPUTS = ("time", "magnitude")


class TrainableFDN:
    """A network as training sees it: a flat vector of parameters, and the network they stand for.

    Parameters
    ----------
    build : the network at the start
    trainable : the parts that are trained
    matrix : "orthogonal" or "random"
    nfft : samples of the response, and length of the DFT
    output : "time" or "magnitude"
    device : where it is trained, None for the compiled engines
    dtype : precision while training, or None for what the training needs

    Attributes
    ----------
    start : the network that training departs from
    map : from the parameters to the network's parts
    trainable, matrix, nfft, device, dtype : as given, the last two by name
    """

    def __init__(
        self,
        build: FDNBuild,
        *,
        trainable: Trainable,
        matrix: str = "orthogonal",
        nfft: int = 2**14,
        output: str = "time",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if int(nfft) != nfft or nfft < 2:
            raise NetworkError(f"nfft is {nfft}; it must be a whole number of samples, at least 2")
        self.start = build
        self.trainable = trainable
        self.matrix = matrix
        self.nfft = int(nfft)
        self.output = output
        self.device = accelerator(device)
        self.dtype = None if dtype is None else precision(dtype)
        self.map = parameter_map(build, trainable, matrix)
        self._vector = self.map.vector
        self._leaves: dict[str, Any] = {}
        self._held: dict[str, np.ndarray] = {}

    @property
    def output(self) -> str:
        """What the model returns: "time" or "magnitude"."""
        return self._output

    @output.setter
    def output(self, output: str) -> None:
        if output not in OUTPUTS:
            raise NetworkError(f"output is {output!r}; {nearest(str(output), OUTPUTS)}")
        self._output = output

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return self.start.inputs

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return self.start.outputs

    @property
    def fs(self) -> float:
        """Sample rate in Hz."""
        return self.start.fs

    @property
    def parameters(self) -> np.ndarray:
        """(parameters,) a copy of all trained numbers; assign to it to change the network."""
        return self._vector.copy()

    @parameters.setter
    def parameters(self, values: np.ndarray) -> None:
        values = np.array(values, dtype=np.float64)
        if values.shape != self._vector.shape or not np.isfinite(values).all():
            raise NetworkError(
                f"the parameters have shape {values.shape}; they must be {self._vector.shape}, all finite"
            )
        self._vector = values
        self._held.clear()

    @property
    def parts(self) -> Parts:
        """The network's parts at the present parameters."""
        return self.map.parts(self._vector)

    @property
    def build(self) -> FDNBuild:
        """The network that the parameters stand for, with whole delays."""
        return built(self.start, self.parts)

    def __call__(self, x: Any) -> Any:
        """The network's answer to sounds.

        Responses are those of the true network, cut after `nfft` samples: nothing wraps around.

        Parameters
        ----------
        x : (batch, time, inputs) array or torch tensor, cut or filled with zeros to `nfft` samples

        Returns
        -------
        (batch, nfft, outputs) for "time", (batch, nfft // 2 + 1, outputs) for "magnitude", of the kind of x
        """
        from tonewright.reverb.train.answering import answer

        return answer(self, x)

    def response(self) -> np.ndarray:
        """(nfft, outputs, inputs) impulse response, cut after `nfft` samples."""
        if "response" not in self._held:
            from tonewright.reverb.train.forward import Response

            whole = Response(self.build, length=self.nfft)
            self._held["response"] = np.ascontiguousarray(whole.value(built_parts(self.build)))
        return self._held["response"]

    def spectrum(self) -> np.ndarray:
        """(bins, outputs, inputs) transfer function at the bins of a DFT of `nfft` samples.

        That of a network that hardly decays is taken a little off the unit circle, see `circle.inner_radius`.
        """
        if "spectrum" not in self._held:
            from tonewright.reverb.train.circle import inner_radius
            from tonewright.reverb.train.forward import Spectrum

            build = self.build
            radius = inner_radius(build, self.nfft)
            self._held["spectrum"] = Spectrum(build, nfft=self.nfft, radius=radius).value(built_parts(build))
        return self._held["spectrum"]

    def feedback_matrix(self) -> Any:
        """The feedback matrix (lines, lines).

        Inside a criterion written in torch it is a tensor, and what is computed from it is differentiated;
        elsewhere it is an array.
        """
        return self.part("feedback")

    def part(self, name: str) -> Any:
        """One of "feedback", "input_gain", "output_gain" and "direct", in the manner of `feedback_matrix`."""
        return self._leaves[name] if name in self._leaves else getattr(self.parts, name)

    @contextmanager
    def lent(self, leaves: dict[str, Any]) -> Iterator[None]:
        """While it lasts, `part` answers with these tensors."""
        self._leaves = leaves
        try:
            yield
        finally:
            self._leaves = {}

    def get_core(self) -> SimpleNamespace:
        """The network as criteria written for FLAMO walk it: `core.feedback_loop.feedback.map(….param)`."""
        loop = SimpleNamespace(feedback=Leaf(self.part("feedback")))
        core = SimpleNamespace(
            feedback_loop=loop,
            input_gain=Leaf(self.part("input_gain")),
            output_gain=Leaf(self.part("output_gain")),
        )
        core.branchA, core.branchB = core, Leaf(self.part("direct"))
        return core


class Leaf:
    """A part of a network that is its own parameter.

    Parameters
    ----------
    param : array or tensor
    """

    def __init__(self, param: Any) -> None:
        self.param = param

    def map(self, param: Any) -> Any:
        """The part, from its parameter."""
        return param
