"""A network as a module of torch, for training loops of one's own."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from tonewright.errors import NetworkError
from tonewright.reverb.engines import autograd
from tonewright.reverb.train.answering import through_response, through_spectrum
from tonewright.reverb.train.circle import inner_radius
from tonewright.reverb.train.forward import DAMPED_DB
from tonewright.reverb.train.model import TrainableFDN
from tonewright.reverb.train.rotations import Rotation
from tonewright.reverb.train.surroundings import Surroundings

GAINS = ("input_gain", "output_gain", "direct")


class FDNModule(nn.Module):
    """A model whose answers torch differentiates by its feedback matrix and gains.

    It answers as the model does, to (batch, time, inputs), by way of the spectrum, on any device. What of A,
    B, C and D the model does not train is a buffer; everything else stays as it is.

    Parameters
    ----------
    model : of `build_fdn` or `trainable_from_build`
    dtype : of the parameters
    """

    feedback: Tensor
    input_gain: Tensor
    output_gain: Tensor
    direct: Tensor
    loop: Tensor
    way: Tensor
    still: Tensor

    def __init__(self, model: TrainableFDN, *, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        if dtype not in (torch.float32, torch.float64):
            raise NetworkError(f"dtype is {dtype}; choose torch.float32 or torch.float64")
        self.model, build = model, model.build
        self.output, self.nfft = model.output, model.nfft
        self.rotation = Rotation(build.lines) if model.matrix == "orthogonal" else None
        feedback = build.A if self.rotation is None else self.rotation.parameters(build.A)
        for name, value in (("feedback", feedback), *((name, getattr(model.parts, name)) for name in GAINS)):
            tensor = torch.tensor(np.ascontiguousarray(value), dtype=dtype)
            if getattr(model.trainable, name):
                self.register_parameter(name, nn.Parameter(tensor))
            else:
                self.register_buffer(name, tensor)
        self.damping_db = DAMPED_DB[str(dtype).removeprefix("torch.")]
        if self.output == "magnitude":
            self.damping_db = -20 * self.nfft * float(np.log10(inner_radius(build, self.nfft)))
        radius = 10 ** (-self.damping_db / 20 / self.nfft)
        settings = {"nfft": self.nfft, "damping_db": self.damping_db, "dtype": dtype}
        self.register_buffer("loop", autograd.loop_terms(build.delays, filters=build.filters, **settings))
        around = Surroundings(build, nfft=self.nfft, radius=radius)
        still = around.spectrum(np.zeros((self.nfft // 2 + 1, 1, 1)), np.zeros_like(build.D), model.parts)
        self.register_buffer("way", torch.as_tensor(around.way).to(self.loop.dtype))
        self.register_buffer("still", torch.as_tensor(still).to(self.loop.dtype))

    def feedback_matrix(self) -> Tensor:
        """(lines, lines) feedback matrix."""
        if self.rotation is None:
            return self.feedback
        size = self.rotation.size
        rows, columns = torch.triu_indices(size, size, 1)
        skew = torch.zeros((size, size), dtype=self.feedback.dtype, device=self.feedback.device)
        skew = skew.index_put((rows, columns), self.feedback)
        return torch.linalg.matrix_exp(skew - skew.T)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, nfft, outputs) or (batch, bins, outputs), from (batch, time, inputs)."""
        none = torch.zeros_like(self.direct)
        late = autograd.spectrum(self.feedback_matrix(), self.input_gain, self.output_gain, none, self.loop)
        system = self.way[:, :, None] * late + self.still + self.direct
        x = x[:, : self.nfft].to(self.direct.dtype)
        if self.output == "magnitude":
            return through_spectrum(x, system, self.nfft)
        response = autograd.response(system, nfft=self.nfft, damping_db=self.damping_db)
        return through_response(x, response, self.nfft)

    def take_back(self) -> TrainableFDN:
        """The model, with what was learned put into it."""
        values = {"feedback": self.feedback_matrix(), **{name: getattr(self, name) for name in GAINS}}
        known = {name: values[name] for name in self.model.map.slices if name in values}
        arrays = {name: value.detach().cpu().double().numpy() for name, value in known.items()}
        self.model.parameters = self.model.map.changed(self.model.parameters, **arrays)
        return self.model
