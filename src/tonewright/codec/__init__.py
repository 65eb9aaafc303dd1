"""The codec: waveforms to a compact latent sequence and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from tonewright.codec.config import Config as Config
    from tonewright.codec.model import Codec as Codec
    from tonewright.codec.reconstruct import load_codec as load_codec
    from tonewright.codec.reconstruct import reconstruct_clip as reconstruct_clip
    from tonewright.codec.reconstruct import reconstruct_file as reconstruct_file

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["Config"],
        "model": ["Codec"],
        "reconstruct": ["load_codec", "reconstruct_clip", "reconstruct_file"],
    },
)
