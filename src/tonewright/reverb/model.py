"""A feedback delay network whose parts can be trained, callable on sounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tonewright.reverb.build import Trainable
    from tonewright.reverb.network import FDNBuild

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
    dtype : precision while training

    Attributes
    ----------
    parameters : (parameters,) float64, of the parts that are trained; assign to it to change the network
    build : the network that they stand for
    trainable, matrix, nfft, output, device, dtype : as given
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
        raise NotImplementedError

    @property
    def build(self) -> FDNBuild:
        """The network that the parameters stand for."""
        raise NotImplementedError

    @property
    def parameters(self) -> np.ndarray:
        """(parameters,) a copy of all trained numbers."""
        raise NotImplementedError

    @parameters.setter
    def parameters(self, values: np.ndarray) -> None:
        raise NotImplementedError

    def __call__(self, x: Any) -> Any:
        """The network's answer to sounds.

        Parameters
        ----------
        x : (batch, time, inputs) array or torch tensor, cut or filled with zeros to `nfft` samples

        Returns
        -------
        (batch, nfft, outputs) for "time", (batch, nfft // 2 + 1, outputs) for "magnitude"
        """
        raise NotImplementedError
