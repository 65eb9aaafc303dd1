"""Tonewright learns a sound and hands you the knobs.

The names below are loaded when they are first used: importing the package loads no framework.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tonewright.audio.corpus import Corpus as Corpus
    from tonewright.audio.corpus import load_corpus as load_corpus
    from tonewright.audio.files import Clip as Clip
    from tonewright.audio.files import probe as probe
    from tonewright.audio.files import read as read
    from tonewright.audio.files import write as write
    from tonewright.errors import TonewrightError as TonewrightError
    from tonewright.learning.compose import compose_config as compose_config
    from tonewright.learning.runs import open_run as open_run
    from tonewright.learning.trainer import train as train

__version__ = "0.1.0"

__all__ = [
    "Clip",
    "Corpus",
    "TonewrightError",
    "compose_config",
    "load_corpus",
    "open_run",
    "probe",
    "read",
    "train",
    "write",
]

_ROOMS = {
    "Clip": "audio.files",
    "Corpus": "audio.corpus",
    "TonewrightError": "errors",
    "compose_config": "learning.compose",
    "load_corpus": "audio.corpus",
    "open_run": "learning.runs",
    "probe": "audio.files",
    "read": "audio.files",
    "train": "learning.trainer",
    "write": "audio.files",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its room."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
