"""Where numbers are computed and in what precision, as NumPy, torch or words name it; torch is not needed."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.engines.autograd import needed_torch as needed_torch


def precision(dtype: Any, *, default: str = "float64") -> str:
    """ "float32" or "float64", from a name, a NumPy type, a torch type or None.

    Parameters
    ----------
    dtype : what was given
    default : for None
    """
    if dtype is None:
        return default
    name = str(dtype).removeprefix("torch.")
    if name not in ("float32", "float64"):
        try:
            name = np.dtype(dtype).name
        except TypeError:
            name = str(dtype)
    if name not in ("float32", "float64"):
        raise NetworkError(f"dtype is {dtype}; choose float32 or float64")
    return name


def accelerator(device: Any) -> str | None:
    """The name of a device that torch computes on, or None for the compiled engines on the processor.

    Parameters
    ----------
    device : None, a name such as "cuda:0", or a torch.device
    """
    name = "cpu" if device is None else str(device)
    kind = name.split(":")[0]
    if kind == "cpu":
        return None
    torch = needed_torch()
    if kind == "cuda" and not torch.cuda.is_available():
        raise NetworkError(f"device is '{name}', but torch finds no CUDA here; leave device out")
    try:
        torch.device(name)
    except RuntimeError:
        raise NetworkError(f"device is {device!r}; give 'cpu', 'cuda' or a torch.device") from None
    return name


def is_torch(value: Any) -> bool:
    """Whether something is one of torch's own objects: a tensor, a device or a type."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, (torch.Tensor, torch.device, torch.dtype))
