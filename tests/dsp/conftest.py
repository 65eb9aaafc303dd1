from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest


@dataclass(frozen=True)
class Framework:
    """One array framework: its arrays from NumPy's, and back."""

    name: str
    array: Callable[[np.ndarray], Any]
    numpy: Callable[[Any], np.ndarray]


def _numpy() -> Framework:
    return Framework("numpy", np.asarray, np.asarray)


def _torch() -> Framework:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    return Framework("torch", lambda values: torch.tensor(values), lambda x: x.numpy())


def _jax() -> Framework:
    jax = pytest.importorskip("jax", reason="jax is not installed")
    return Framework("jax", jax.numpy.asarray, np.asarray)


def _strict() -> Framework:
    strict = pytest.importorskip("array_api_strict", reason="array_api_strict is not installed")
    # A device of its own refuses every mixture with constants that were made elsewhere.
    device = strict.Device("device1")
    return Framework(
        "strict",
        lambda values: strict.asarray(values, device=device),
        lambda x: np.asarray(x.to_device(strict.Device("CPU_DEVICE"))),
    )


_BUILDERS = {"numpy": _numpy, "torch": _torch, "jax": _jax, "strict": _strict}


@pytest.fixture(scope="module", autouse=True)
def double_precision() -> Iterator[None]:
    """For this room's tests, and only for them, JAX keeps float64."""
    with contextlib.ExitStack() as stack:
        try:
            import jax
        except ImportError:
            pass
        else:
            stack.enter_context(jax.enable_x64(True))
            # Each program here runs a few times at most: what counts is that it compiles soon.
            optimised = jax.config.read("jax_disable_most_optimizations")
            stack.callback(jax.config.update, "jax_disable_most_optimizations", optimised)
            jax.config.update("jax_disable_most_optimizations", True)
        yield


@pytest.fixture(scope="module", params=_BUILDERS)
def framework(request: pytest.FixtureRequest, double_precision: None) -> Framework:
    return _BUILDERS[request.param]()


@pytest.fixture(scope="module", params=["float32", "float64"])
def precision(request: pytest.FixtureRequest) -> tuple[np.dtype, float]:
    """A type, and the relative error that it is held to."""
    return np.dtype(request.param), {"float32": 1e-5, "float64": 1e-9}[request.param]
