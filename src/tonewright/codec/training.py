"""How the codec learns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tonewright.audio.files import Clip
from tonewright.codec.config import Config
from tonewright.codec.evaluate import measures
from tonewright.codec.model import Codec
from tonewright.codec.reconstruct import load_codec, reconstruct_clip, reconstruct_file
from tonewright.errors import UsageError
from tonewright.learning.config import TrainConfig
from tonewright.learning.learner import Batch, Learner
from tonewright.learning.losses import LossBalancer, ReconstructionLoss, weigh
from tonewright.learning.registry import System

PREPARE_EPOCH = 2**31  # its windows are never trained on


class CodecLearner(Learner):
    """Reconstruction losses and the KL divergence, weighed by one dict."""

    model: Codec

    def __init__(self, config: TrainConfig) -> None:
        settings: Config = config.system
        if len(config.data.stems) != 1:
            raise UsageError(
                f"data.stems is {list(config.data.stems)}; a codec learns one stem, such as [mixture]"
            )
        super().__init__(
            Codec(settings, sample_rate=config.data.sample_rate, channels=config.data.channels), config
        )
        self.settings = settings
        # A loss of weight zero is not computed; a name that is no loss is refused here.
        weights = {name: weight for name, weight in settings.weights.items() if name != "kl" and weight != 0}
        self.reconstruction_weights = weights
        self.reconstruction = ReconstructionLoss(
            settings.reconstruction, sample_rate=config.data.sample_rate, names=tuple(weights)
        )
        self.balancer = LossBalancer(weights) if settings.balance else None

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
            kl = out.posterior.kl(free_bits=self.settings.free_bits)
            loss = self.kl_weight() * kl + self.weighed(parts, estimate)
            figures = {}
            if generator is None:
                figures = measures(estimate, target, sample_rate=self.config.data.sample_rate)
        return {"loss": loss, **parts, "kl": kl, **{name: value.mean() for name, value in figures.items()}}

    def kl_weight(self) -> float:
        """Weight of the KL divergence, ramped while training."""
        ramp = self.settings.kl_ramp(self.global_step) if self.training else 1.0
        return ramp * self.settings.weights.get("kl", 0.0)

    def weighed(self, parts: Mapping[str, Tensor], estimate: Tensor) -> Tensor:
        """The losses of reconstruction as one: by their weights, or balanced by their gradients."""
        if self.balancer is not None and self.training:
            return self.balancer(parts, estimate)
        return weigh(parts, self.reconstruction_weights)


def example(model: Codec, clip: Clip) -> tuple[dict[str, Clip], dict[str, float]]:
    """A clip beside its reconstruction, and how far apart they are."""
    made = reconstruct_clip(model, clip)
    estimate, target = (torch.from_numpy(sound.samples)[None] for sound in (made, clip))
    figures = measures(estimate, target, sample_rate=clip.sample_rate)
    return {"original": clip, "reconstruction": made}, {name: float(figures[name]) for name in figures}


SYSTEM = System(
    name="codec",
    learner=CodecLearner,
    load=load_codec,
    process=reconstruct_clip,
    process_file=reconstruct_file,
    example=example,
    smoke=("experiment=tiny",),
)
