"""What a training mode measures: its input, its target and its criteria."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np

from tonewright.errors import NetworkError, nearest
from tonewright.reverb.train.placing import is_torch, needed_torch, precision
from tonewright.reverb.train.targets import impulses, target_batch

Objective = Literal["colorless", "match_spectrogram", "match_mel_spectrogram"]
# (criterion, weight, whether it gets the model).
Criterion = tuple[Any, float, bool]

MODES = {"colorless": "magnitude", "match_spectrogram": "time", "match_mel_spectrogram": "time"}
SCALINGS = ("relative", "peer")


def output_domain(mode: str) -> str:
    """What a mode measures.

    Parameters
    ----------
    mode : "colorless", "match_spectrogram" or "match_mel_spectrogram"

    Returns
    -------
    "time" or "magnitude"
    """
    if mode not in MODES:
        raise NetworkError(f"the training mode is {mode!r}; {nearest(str(mode), MODES)}")
    return MODES[mode]


class LossCriterion:
    """A loss as a criterion of (y_pred, y_target), which it may also be called with by hand.

    Parameters
    ----------
    loss : of `tonewright.reverb.losses`; it holds its target
    """

    def __init__(self, loss: Any) -> None:
        self.loss = loss
        self.name: str = loss.name
        self.domain: str = loss.domain

    def value_and_gradient(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and gradient at (bins or time, outputs, inputs)."""
        return self.loss.value_and_gradient(y)

    def __call__(self, y_pred: Any, y_target: Any = None, model: Any = None) -> Any:
        """Value of a model's answer.

        Parameters
        ----------
        y_pred : (batch, time or bins, outputs) array, or a tensor, for which the value is a tensor that torch
            differentiates
        y_target : not used; the target is that of the loss
        model : not used
        """
        if is_torch(y_pred):
            from tonewright.reverb.train.torch_terms import differentiable

            return differentiable(self.loss.value_and_gradient, y_pred.permute(1, 2, 0))
        return self.loss.value_and_gradient(np.asarray(y_pred).transpose(1, 2, 0))[0]


class _ColorlessSparsity(LossCriterion):
    """See `colorless_sparsity_loss`."""

    def __call__(self, y_pred: Any, y_target: Any = None, model: Any = None) -> Any:
        """Value for a model.

        Parameters
        ----------
        y_pred, y_target : not used
        model : whose feedback matrix is measured
        """
        if model is None:
            raise NetworkError(
                "the sparsity of the feedback matrix needs the model: call it with (y, y, model)"
            )
        matrix = model.feedback_matrix()
        if is_torch(matrix):
            from tonewright.reverb.train.torch_terms import differentiable

            return differentiable(self.loss.value_and_gradient, matrix)
        value = self.loss.value_and_gradient(matrix)[0]
        return needed_torch().tensor(value, dtype=y_pred.dtype) if is_torch(y_pred) else value


def colorless_sparsity_loss() -> Any:
    r"""Sparsity of the feedback matrix as a criterion (y_pred, y_target, model).

    .. math:: \frac{N\sqrt{N} - \sum |A_{ij}|}{N(\sqrt{N} - 1)}

    is 0 where all entries are alike in size, and 1 for a permutation. It goes by the name _ColorlessSparsity.
    """
    from tonewright.reverb.losses import sparsity_loss

    return _ColorlessSparsity(sparsity_loss())


def build_objective(
    mode: str,
    *,
    target: Any = None,
    criteria: list[Criterion] | None = None,
    sparsity_alpha: float = 0.2,
    mss_nfft: tuple[int, ...] = (256, 512, 1024),
    fs: float = 48000.0,
    nfft: int = 2**14,
    n_in: int = 1,
    n_out: int = 1,
    device: Any = None,
    dtype: Any = None,
    scaling: str = "relative",
) -> tuple[Any, Any, list[Criterion], str]:
    """Input, target, criteria and output domain of a training mode.

    Parameters
    ----------
    mode : "colorless", "match_spectrogram" or "match_mel_spectrogram"
    target : (time,), (time, outputs) or (time, outputs, inputs) response to match, cut or filled with zeros
        to `nfft` samples; or None
    criteria : in place of the mode's own, or None
    sparsity_alpha : weight of the sparsity of the feedback matrix
    mss_nfft : window lengths of the spectrograms
    fs : sample rate in Hz
    nfft : samples of the response
    n_in, n_out : channels of the network
    device, dtype : where tensors lie and their type; torch's own objects ask for tensors, others for arrays
    scaling : "relative" divides by the size of the target, "peer" is the form of pyFDN 0.1

    Returns
    -------
    input : (batch, nfft, n_in) an impulse on all inputs, or for a target of three axes on each by itself
    target : (batch, nfft, n_out), or (1, nfft // 2 + 1, 1) ones
    criteria : (criterion, weight, requires_model)
    domain : "time" or "magnitude"
    """
    domain = output_domain(mode)
    _check_mode(mode, target, criteria, n_in, n_out)
    if scaling not in SCALINGS:
        raise NetworkError(f"scaling is {scaling!r}; {nearest(str(scaling), SCALINGS)}")
    if not sparsity_alpha >= 0:
        raise NetworkError(f"sparsity_alpha is {sparsity_alpha}; it must be 0 or more")
    if mode == "colorless":
        wanted = np.ones((1, nfft // 2 + 1, 1))
    else:
        wanted = target_batch(target, nfft=nfft, inputs=n_in, outputs=n_out)
    given = impulses(wanted.shape[0], nfft, n_in)
    if criteria is None:
        primary = LossCriterion(_primary(mode, wanted, mss_nfft, fs, scaling))
        criteria = [(primary, 1.0, False)]
        if sparsity_alpha > 0:
            criteria.append((colorless_sparsity_loss(), float(sparsity_alpha), True))
    return *_placed((given, wanted), device, dtype), list(criteria), domain


def _check_mode(mode: str, target: Any, criteria: Any, inputs: int, outputs: int) -> None:
    if mode != "colorless":
        if target is None:
            raise NetworkError(f"mode {mode!r} needs a response to match; give target=")
        return
    if inputs > 1 and criteria is None:
        raise NetworkError(f"mode 'colorless' is for one input and one output; the model has {inputs} inputs")
    if outputs > 1:
        warnings.warn(
            f"mode 'colorless' is for one output; the magnitudes of the model's {outputs} outputs are summed",
            stacklevel=3,
        )


def _primary(mode: str, wanted: np.ndarray, windows: tuple[int, ...], fs: float, scaling: str) -> Any:
    from tonewright.reverb import losses

    if mode == "colorless":
        return losses.colorless_loss()
    make = losses.spectrogram_loss if mode == "match_spectrogram" else losses.mel_loss
    settings: dict[str, Any] = {"windows": tuple(windows), "scaling": scaling, "sample_rate": fs}
    settings["bins"] = "peer" if scaling == "peer" else "fft"
    return make(wanted.transpose(1, 2, 0), **settings)


def _placed(values: tuple[np.ndarray, np.ndarray], device: Any, dtype: Any) -> tuple[Any, Any]:
    name = precision(dtype, default="float32")
    if is_torch(device) or is_torch(dtype):
        torch = needed_torch()
        place = {"device": device or "cpu", "dtype": getattr(torch, name)}
        return torch.as_tensor(values[0], **place), torch.as_tensor(values[1], **place)
    return values[0].astype(name), values[1].astype(name)


def feedback_matrix_module(model: Any) -> Any:
    """The feedback matrix of a model, for criteria that read ``module.map(module.param)``.

    Parameters
    ----------
    model : of `build_fdn`
    """
    return model.get_core().feedback_loop.feedback
