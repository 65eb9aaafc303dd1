"""Inputs and targets of training as batches (batch, time, channels)."""

from __future__ import annotations

from typing import Any

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.train.placing import is_torch


def impulses(batch: int, nfft: int, inputs: int) -> np.ndarray:
    """Impulses at time 0.

    Parameters
    ----------
    batch : 1 for one on all inputs, `inputs` for each by itself
    nfft : samples
    inputs : channels

    Returns
    -------
    (batch, nfft, inputs)
    """
    given = np.zeros((batch, nfft, inputs))
    given[:, 0] = 1.0 if batch == 1 else np.eye(inputs)
    return given


def target_batch(target: Any, *, nfft: int, inputs: int, outputs: int) -> np.ndarray:
    """A response to match, checked, cut or filled with zeros.

    Parameters
    ----------
    target : (time,), (time, outputs) or (time, outputs, inputs); one column stands for every output
    nfft : samples
    inputs, outputs : channels of the network

    Returns
    -------
    (1, nfft, outputs), or with three axes (inputs, nfft, outputs)
    """
    values = _numbers(target)
    if not 1 <= values.ndim <= 3 or not values.size:
        raise NetworkError(
            f"the target has shape {values.shape}; it must be (time,), (time, {outputs}) or "
            f"(time, {outputs}, {inputs}), and not empty"
        )
    if not np.isfinite(values).all():
        raise NetworkError("the target holds numbers that are not finite; mend the recording first")
    if not values.any():
        raise NetworkError("the target is silent; there is nothing to match")
    if values.ndim == 3 and values.shape[1:] != (outputs, inputs):
        raise NetworkError(
            f"the target has shape {values.shape}; for this model it must be (time, {outputs}, {inputs})"
        )
    if values.ndim < 3:
        values = values.reshape(values.shape[0], -1)
        if values.shape[1] not in (1, outputs):
            raise NetworkError(
                f"the target has shape {values.shape}; for this model it must be (time,) or (time, {outputs})"
            )
        values = np.broadcast_to(values, (values.shape[0], outputs))[:, :, None]
    batch = np.zeros((values.shape[2], nfft, outputs))
    batch[:, : values.shape[0]] = values[:nfft].transpose(2, 0, 1)
    if not batch.any():
        raise NetworkError(
            f"the target is silent in its first {nfft} samples, all that is matched; trim it at its "
            "onset, or raise nfft"
        )
    return batch


def _numbers(target: Any) -> np.ndarray:
    values = np.asarray(target.detach().cpu() if is_torch(target) else target)
    if values.dtype.kind not in "fiub":
        raise NetworkError(f"the target holds {values.dtype.name} values; give the samples of a response")
    return values.astype(np.float64)
