"""How the codec learns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tonewright.audio.files import Clip
from tonewright.codec.config import Config
from tonewright.codec.model import Codec
from tonewright.codec.reconstruct import load_codec, reconstruct_clip
from tonewright.learning.config import TrainConfig
from tonewright.learning.learner import Batch, Learner
from tonewright.learning.losses import RECONSTRUCTION_TERMS, ReconstructionLoss, weigh
from tonewright.learning.metrics import log_spectral_distance, mel_distance, si_sdr
from tonewright.learning.registry import System

PREPARE_EPOCH = 2**31  # its windows are never trained on


KNOWN = (*RECONSTRUCTION_TERMS, "kl")


class CodecLearner(Learner):
    """Reconstruction losses and the KL divergence, weighed by one dict."""

    model: Codec

    def __init__(self, config: TrainConfig) -> None:
        settings: Config = config.system
        super().__init__(
            Codec(settings, sample_rate=config.data.sample_rate, channels=config.data.channels), config
        )
        self.settings = settings
        # A loss of weight zero is not computed; a name that is no loss is refused here.
        names = tuple(name for name, weight in settings.weights.items() if name != "kl" and weight != 0)
        self.reconstruction = ReconstructionLoss(
            settings.reconstruction, sample_rate=config.data.sample_rate, names=names
        )

    def prepare(self, windows: Any) -> None:
        """Find the linear path from some training windows."""
        stem = self.config.data.stems[0]
        places = [divmod(index, len(windows)) for index in range(self.settings.prepare_windows)]
        drawn = [windows[(PREPARE_EPOCH + epoch, index)][stem] for epoch, index in places]
        self.model.start_from(torch.stack([torch.from_numpy(window) for window in drawn]))

    def terms(self, batch: Batch, generator: torch.Generator | None) -> Mapping[str, Tensor]:
        """``loss``, its named parts, and for fixed windows the mel distance and SI-SDR besides."""
        target = batch[self.config.data.stems[0]]
        out = self.model(target, generator)
        with torch.autocast(target.device.type, enabled=False):
            estimate = out.samples.float()
            parts = self.reconstruction(estimate, target)
            parts["kl"] = out.posterior.kl(free_bits=self.settings.free_bits)
            weights = {"kl": 0.0, **self.settings.weights}
            if self.training:
                weights["kl"] *= self.settings.kl_ramp(self.global_step)
            loss = weigh(parts, weights, known=KNOWN)
            extra = {} if generator is not None else self.measures(estimate, target)
        return {"loss": loss, **parts, **extra}

    def measures(self, estimate: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Figures that are compared but not optimised."""
        rate = self.config.data.sample_rate
        return {
            "mel_distance": mel_distance(estimate, target, sample_rate=rate).mean(),
            "log_spectral_distance_db": log_spectral_distance(estimate, target).mean(),
            "si_sdr_db": si_sdr(estimate, target).mean(),
        }


def example(model: Codec, clip: Clip) -> tuple[dict[str, Clip], dict[str, float]]:
    """A clip beside its reconstruction, and how far apart they are."""
    made = reconstruct_clip(model, clip)
    first, second = torch.from_numpy(clip.samples)[None], torch.from_numpy(made.samples)[None]
    distance = mel_distance(second, first, sample_rate=clip.sample_rate)
    sounds = {"original": clip, "reconstruction": made}
    return sounds, {"mel_distance": float(distance), "si_sdr_db": float(si_sdr(second, first))}


SYSTEM = System(
    name="codec",
    learner=CodecLearner,
    load=load_codec,
    process=reconstruct_clip,
    example=example,
    smoke=("experiment=tiny",),
)
