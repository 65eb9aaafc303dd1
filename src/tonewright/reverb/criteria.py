"""What a training mode measures: its input, its target and its criteria."""

from __future__ import annotations

from typing import Any, Literal

Criterion = tuple[Any, float, bool]
Objective = Literal["colorless", "match_spectrogram", "match_mel_spectrogram"]

MODES = {"colorless": "magnitude", "match_spectrogram": "time", "match_mel_spectrogram": "time"}


def output_domain(mode: str) -> str:
    """What a mode measures: "time" or "magnitude"."""
    raise NotImplementedError


def colorless_sparsity_loss() -> Any:
    """Sparsity of the feedback matrix as a criterion that requires the model."""
    raise NotImplementedError


def build_objective(
    mode: str,
    *,
    target: Any,
    criteria: list[Criterion] | None,
    sparsity_alpha: float,
    mss_nfft: tuple[int, ...],
    fs: float,
    nfft: int,
    n_in: int,
    n_out: int,
    device: Any,
    dtype: Any,
    scaling: str = "relative",
) -> tuple[Any, Any, list[Criterion], str]:
    """Input, target, criteria and output domain of a training mode.

    Parameters
    ----------
    mode : "colorless", "match_spectrogram" or "match_mel_spectrogram"
    target : response to match, or None
    criteria : in place of the mode's own, or None
    sparsity_alpha : weight of the sparsity of the feedback matrix
    mss_nfft : window lengths of the spectrograms
    fs : sample rate in Hz
    nfft : samples of the response
    n_in, n_out : channels of the network
    device, dtype : where tensors lie and their type; with torch's own objects torch tensors are returned
    scaling : "relative" or "peer"

    Returns
    -------
    (batch, nfft, n_in) input, target, criteria, "time" or "magnitude"
    """
    raise NotImplementedError


def feedback_matrix_module(model: Any) -> Any:
    """The feedback matrix of a model, for criteria that read `module.map(module.param)`."""
    raise NotImplementedError
