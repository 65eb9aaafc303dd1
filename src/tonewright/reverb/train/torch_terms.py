"""Criteria written in torch: torch differentiates the criterion, and the engines the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.train.parameters import Parts
from tonewright.reverb.train.placing import is_torch, needed_torch
from tonewright.reverb.train.terms import Answer

if TYPE_CHECKING:
    from tonewright.reverb.train.model import TrainableFDN

LEAVES = ("feedback", "input_gain", "output_gain", "direct")


class TorchTerm:
    """A criterion called with tensors (y_pred, y_target), and with the model where it requires it.

    Parameters
    ----------
    criterion : torch.nn.Module, or any function of tensors
    name : under which its values are logged
    weight : its factor
    requires_model : whether the model is its third argument
    domain : "spectrum", whose magnitudes it gets, or "time"
    target : (batch, time or bins, outputs)
    model : what is trained
    device, dtype : of the tensors
    """

    def __init__(
        self,
        criterion: Any,
        *,
        name: str,
        weight: float,
        requires_model: bool,
        domain: str,
        target: Any,
        model: TrainableFDN,
        device: str | None,
        dtype: str,
    ) -> None:
        torch = needed_torch()
        self.name, self.weight, self.domain = name, weight, domain
        self.requires_model = requires_model
        self.model = model
        self.place = {"device": device or "cpu", "dtype": getattr(torch, dtype)}
        self.criterion = (
            criterion.to(self.place["device"]) if isinstance(criterion, torch.nn.Module) else criterion
        )
        self.target = torch.as_tensor(target, **self.place)

    def evaluate(self, y: np.ndarray | None, parts: Parts) -> Answer:
        """Value and gradients; see `terms.Term`."""
        torch = needed_torch()
        assert y is not None
        magnitude = np.abs(y) if self.domain == "spectrum" else y
        heard = torch.tensor(np.ascontiguousarray(magnitude.transpose(2, 0, 1)), **self.place)
        heard.requires_grad_(True)
        leaves: dict[str, Any] = {}
        with torch.enable_grad():
            if self.requires_model:
                leaves = {name: self._leaf(getattr(parts, name)) for name in LEAVES}
                with self.model.lent(leaves):
                    value = self.criterion(heard, self.target, self.model)
            else:
                value = self.criterion(heard, self.target)
            if not is_torch(value) or value.numel() != 1:
                raise NetworkError(
                    f"criterion {self.name} returns {_words(value)}; it must return one number, as a tensor"
                )
            if value.requires_grad:
                value.backward()
        gradient = None if heard.grad is None else self._by_heard(heard.grad, y, magnitude)
        slopes = [_array(leaf.grad) for leaf in leaves.values()]
        return float(value.detach()), gradient, Parts(*slopes) if slopes else None

    def _leaf(self, values: np.ndarray) -> Any:
        return needed_torch().tensor(values, **self.place).requires_grad_(True)

    def _by_heard(self, gradient: Any, y: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
        found = _array(gradient).transpose(1, 2, 0)
        # Roots and logarithms have no slope at exact silence, where a network's response begins.
        found = np.where((magnitude == 0) & ~np.isfinite(found), 0.0, found)
        if self.domain == "time":
            return found
        return found * np.divide(y, magnitude, out=np.zeros_like(y), where=magnitude > 0)


def _array(tensor: Any) -> np.ndarray:
    return np.empty(0) if tensor is None else tensor.detach().cpu().numpy().astype(np.float64)


def _words(value: Any) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if is_torch(value) else f"a {type(value).__name__}"


def differentiable(function: Callable[[np.ndarray], tuple[float, np.ndarray]], tensor: Any) -> Any:
    """The value of a function of arrays at a tensor, as a tensor that torch differentiates.

    Parameters
    ----------
    function : value and gradient at an array
    tensor : where
    """
    torch = needed_torch()

    class Known(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, values: Any) -> Any:
            value, gradient = function(values.detach().cpu().numpy())
            context.save_for_backward(
                torch.as_tensor(np.ascontiguousarray(np.real(gradient)), device=values.device)
            )
            return values.new_tensor(value)

        @staticmethod
        def backward(context: Any, outer: Any) -> Any:
            (gradient,) = context.saved_tensors
            return outer * gradient.to(outer.dtype)

    return Known.apply(tensor)
