"""What a model answers to sounds in arrays or torch tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft

from tonewright.errors import NetworkError
from tonewright.reverb.train.placing import is_torch, needed_torch

if TYPE_CHECKING:
    from tonewright.reverb.train.model import TrainableFDN


def answer(model: TrainableFDN, x: Any) -> Any:
    """The answer of a model to sounds.

    Parameters
    ----------
    model : what is heard
    x : (batch, time, inputs) array or torch tensor

    Returns
    -------
    (batch, time or bins, outputs)
    """
    tensors = is_torch(x)
    x = x if tensors else np.asarray(x)
    if len(x.shape) != 3 or x.shape[2] != model.inputs:
        raise NetworkError(
            f"the sound has shape {tuple(x.shape)}; for this model it must be (batch, time, {model.inputs})"
        )
    system = model.response() if model.output == "time" else model.spectrum()
    if tensors:
        return _tensors(model, x, system)
    kind = np.float32 if x.dtype == np.float32 else np.float64
    x = x[:, : model.nfft].astype(kind, copy=False)
    if model.output == "magnitude":
        return np.abs(_through(np.asarray(scipy.fft.rfft(x, model.nfft, axis=1)), system)).astype(kind)
    size = scipy.fft.next_fast_len(2 * model.nfft - 1, real=True)
    spectrum = np.asarray(scipy.fft.rfft(system, size, axis=0))
    heard = _through(np.asarray(scipy.fft.rfft(x, size, axis=1)), spectrum)
    return np.asarray(scipy.fft.irfft(heard, size, axis=1))[:, : model.nfft].astype(kind)


def _through(sounds: np.ndarray, system: np.ndarray) -> np.ndarray:
    return np.einsum("bki,koi->bko", sounds, system)


def _tensors(model: TrainableFDN, x: Any, system: np.ndarray) -> Any:
    torch = needed_torch()
    kind = x.dtype if x.is_floating_point() else torch.float32
    x = x[:, : model.nfft].to(kind)
    known = torch.as_tensor(system, device=x.device)
    if model.output == "time":
        return through_response(x, known.to(kind), model.nfft)
    return through_spectrum(
        x, known.to(torch.complex64 if kind == torch.float32 else torch.complex128), model.nfft
    )


def through_response(x: Any, response: Any, nfft: int) -> Any:
    """Sounds in tensors through a response, cut after `nfft` samples.

    Parameters
    ----------
    x : (batch, time, inputs) tensor
    response : (nfft, outputs, inputs) tensor
    nfft : samples

    Returns
    -------
    (batch, nfft, outputs) tensor
    """
    torch = needed_torch()
    size = scipy.fft.next_fast_len(2 * nfft - 1, real=True)
    spectrum = torch.fft.rfft(response, n=size, dim=0)
    heard = torch.einsum("bki,koi->bko", torch.fft.rfft(x, n=size, dim=1), spectrum)
    return torch.fft.irfft(heard, n=size, dim=1)[:, :nfft]


def through_spectrum(x: Any, spectrum: Any, nfft: int) -> Any:
    """Magnitudes of sounds in tensors through a transfer function.

    Parameters
    ----------
    x : (batch, time, inputs) tensor
    spectrum : (bins, outputs, inputs) complex tensor
    nfft : length of the DFT

    Returns
    -------
    (batch, bins, outputs) tensor
    """
    torch = needed_torch()
    return torch.einsum("bki,koi->bko", torch.fft.rfft(x, n=nfft, dim=1), spectrum).abs()
