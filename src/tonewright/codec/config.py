"""Settings of the codec. The defaults are the standard preset; the others are short files under ``conf/``."""

from __future__ import annotations

from dataclasses import dataclass, field

from tonewright.errors import UsageError
from tonewright.learning.schedules import Ramp
from tonewright.learning.settings import ReconstructionSettings


def _weights() -> dict[str, float]:
    return {"stft_log": 1.0, "stft_linear": 1.0, "mel": 2.0, "waveform_l1": 1.0, "kl": 1e-3}


@dataclass(frozen=True)
class Config:
    """Architecture, losses and their weights.

    Attributes
    ----------
    hop_samples : samples from one latent to the next
    latent_dims : numbers in a latent
    width, expansion, depth : channels, widening and number of the residual blocks, each way
    kernel : frames that a residual block sees
    weights : every loss by name with its weight; what is not named is not computed
    free_bits : nats per latent dimension that the KL leaves alone
    kl_ramp : factor on the KL weight along the steps
    balance : weigh the losses by their share of the gradient at the output instead of by their values
    prepare_windows : windows from which the linear path is found before the first step
    """

    hop_samples: int = 512
    latent_dims: int = 128
    width: int = 384
    expansion: int = 3
    depth: int = 8
    kernel: int = 7
    weights: dict[str, float] = field(default_factory=_weights)
    reconstruction: ReconstructionSettings = field(default_factory=ReconstructionSettings)
    free_bits: float = 0.05
    kl_ramp: Ramp = field(default_factory=lambda: Ramp(kind="linear", start=0.0, end=1.0, steps=5000))
    balance: bool = False
    prepare_windows: int = 96

    def __post_init__(self) -> None:
        """Refuse sizes that describe no codec."""
        for name in ("hop_samples", "latent_dims", "width", "expansion", "depth", "prepare_windows"):
            if getattr(self, name) < 1:
                raise UsageError(f"system.{name} is {getattr(self, name)}; it must be at least 1")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise UsageError(f"system.kernel is {self.kernel}; it must be odd, to have a middle")
