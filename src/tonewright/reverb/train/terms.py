"""Weighted criteria as training evaluates them: a value, and its gradient by what the network sounds like."""

from __future__ import annotations

from collections.abc import Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.train.parameters import Parts

if TYPE_CHECKING:
    from tonewright.reverb.train.model import TrainableFDN

# Value; gradient by the spectrum or response, of its shape; derivatives by the parts themselves.
Answer = tuple[float, np.ndarray | None, Parts | None]


class Term(Protocol):
    """A weighted criterion.

    Attributes
    ----------
    name : under which its values are logged
    weight : its factor in the loss
    domain : "spectrum", "time" or "feedback"
    """

    name: str
    weight: float
    domain: str

    def evaluate(self, y: np.ndarray | None, parts: Parts) -> Answer:
        """Value and gradients.

        Parameters
        ----------
        y : (bins or time, outputs, inputs), or None where the criterion measures neither
        parts : the network's parts
        """
        ...


class LossTerm:
    """A loss of `tonewright.reverb.losses`, or one that is written alike.

    Parameters
    ----------
    loss : with `value_and_gradient`
    name : under which its values are logged
    weight : its factor
    domain : where the loss names none of its own
    """

    def __init__(self, loss: Any, *, name: str, weight: float, domain: str) -> None:
        self.loss = loss
        self.name = name
        self.weight = weight
        self.domain = str(getattr(loss, "domain", domain))

    def evaluate(self, y: np.ndarray | None, parts: Parts) -> Answer:
        """Value and gradients; see `Term`."""
        measured = parts.feedback if self.domain == "feedback" or y is None else y
        value, gradient = self.loss.value_and_gradient(measured)
        if np.shape(gradient) != np.shape(measured):
            raise NetworkError(
                f"criterion {self.name}: its gradient has shape {np.shape(gradient)}, what it measures "
                f"{np.shape(measured)}; make value_and_gradient return them alike"
            )
        if self.domain == "feedback":
            return float(value), None, Parts(gradient, *[np.empty(0)] * 3)
        return float(value), gradient, None


def as_terms(
    criteria: Sequence[Any], *, domain: str, target: Any, model: TrainableFDN, device: str | None, dtype: str
) -> list[Term]:
    """Criteria as training evaluates them.

    Parameters
    ----------
    criteria : (criterion, weight, requires_model)
    domain : "spectrum" or "time", for those that name none
    target : (batch, time or bins, outputs), for those written in torch
    model : what is trained
    device, dtype : of tensors
    """
    if not criteria:
        raise NetworkError("criteria is empty; give at least one (criterion, weight, requires_model)")
    terms: list[Term] = []
    for item in criteria:
        if not isinstance(item, (tuple, list)) or len(item) != 3 or not callable_or_loss(item[0]):
            raise NetworkError(f"a criterion is {item!r}; give (criterion, weight, requires_model)")
        criterion, weight, requires_model = item
        name = _free_name(_name(criterion), [term.name for term in terms])
        if hasattr(criterion, "value_and_gradient"):
            loss = getattr(criterion, "loss", criterion)
            terms.append(LossTerm(loss, name=name, weight=float(weight), domain=domain))
            continue
        from tonewright.reverb.train.torch_terms import TorchTerm

        terms.append(
            TorchTerm(
                criterion,
                name=name,
                weight=float(weight),
                requires_model=bool(requires_model),
                domain=domain,
                target=target,
                model=model,
                device=device,
                dtype=dtype,
            )
        )
    return terms


def callable_or_loss(criterion: Any) -> bool:
    """Whether something can be a criterion."""
    return callable(criterion) or hasattr(criterion, "value_and_gradient")


def _name(criterion: Any) -> str:
    """Losses of this package have a name; others go by their class, and functions by their own."""
    if hasattr(criterion, "value_and_gradient") and isinstance(getattr(criterion, "name", None), str):
        return criterion.name
    if isinstance(criterion, FunctionType):
        return criterion.__name__
    return type(criterion).__name__


def _free_name(name: str, taken: list[str]) -> str:
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
