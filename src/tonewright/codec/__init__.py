"""The codec: waveforms to a compact latent sequence and back."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tonewright.codec.config import Config as Config
    from tonewright.codec.model import Codec as Codec
    from tonewright.codec.reconstruct import load_codec as load_codec
    from tonewright.codec.reconstruct import reconstruct_clip as reconstruct_clip
    from tonewright.codec.reconstruct import reconstruct_file as reconstruct_file

__all__ = ["Codec", "Config", "load_codec", "reconstruct_clip", "reconstruct_file"]

_ROOMS = {
    "Codec": "model",
    "Config": "config",
    "load_codec": "reconstruct",
    "reconstruct_clip": "reconstruct",
    "reconstruct_file": "reconstruct",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its room when it is first used, so that settings can be read without torch."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)
