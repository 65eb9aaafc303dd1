"""Training of feedback delay networks, by the names and meanings of ``pyFDN.train`` 0.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from tonewright.reverb.network import FDNBuild as FDNBuild
    from tonewright.reverb.train.build import MatrixParam as MatrixParam
    from tonewright.reverb.train.build import Trainable as Trainable
    from tonewright.reverb.train.build import build_fdn as build_fdn
    from tonewright.reverb.train.build import extract_build as extract_build
    from tonewright.reverb.train.build import trainable_from_build as trainable_from_build
    from tonewright.reverb.train.build import with_decay as with_decay
    from tonewright.reverb.train.criteria import Objective as Objective
    from tonewright.reverb.train.criteria import build_objective as build_objective
    from tonewright.reverb.train.criteria import colorless_sparsity_loss as colorless_sparsity_loss
    from tonewright.reverb.train.criteria import output_domain as output_domain
    from tonewright.reverb.train.model import TrainableFDN as TrainableFDN
    from tonewright.reverb.train.recording import TrainLog as TrainLog
    from tonewright.reverb.train.training import train_fdn as train_fdn

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "build": [
            "FDNBuild",
            "MatrixParam",
            "Trainable",
            "build_fdn",
            "extract_build",
            "trainable_from_build",
            "with_decay",
        ],
        "criteria": ["Objective", "build_objective", "colorless_sparsity_loss", "output_domain"],
        "model": ["TrainableFDN"],
        "recording": ["TrainLog"],
        "training": ["train_fdn"],
    },
)
