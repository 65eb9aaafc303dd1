"""What a network is trained for: each loss gives its value and its gradient.

A loss holds its target, windows and work space from construction; calling it repeats nothing that is
known beforehand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from tonewright.reverb.losses.base import Domain as Domain
    from tonewright.reverb.losses.base import Loss as Loss
    from tonewright.reverb.losses.colour import colorless_loss as colorless_loss
    from tonewright.reverb.losses.colour import colouration_loss as colouration_loss
    from tonewright.reverb.losses.colour import log_magnitude_loss as log_magnitude_loss
    from tonewright.reverb.losses.decay import decay_relief_loss as decay_relief_loss
    from tonewright.reverb.losses.decay import energy_decay_loss as energy_decay_loss
    from tonewright.reverb.losses.density import echo_density_loss as echo_density_loss
    from tonewright.reverb.losses.mel import mel_loss as mel_loss
    from tonewright.reverb.losses.modal import modal_loss as modal_loss
    from tonewright.reverb.losses.sparsity import sparsity_loss as sparsity_loss
    from tonewright.reverb.losses.spectral import spectrogram_loss as spectrogram_loss

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "base": ["Domain", "Loss"],
        "colour": ["colorless_loss", "colouration_loss", "log_magnitude_loss"],
        "decay": ["decay_relief_loss", "energy_decay_loss"],
        "density": ["echo_density_loss"],
        "mel": ["mel_loss"],
        "modal": ["modal_loss"],
        "sparsity": ["sparsity_loss"],
        "spectral": ["spectrogram_loss"],
    },
)
