"""Tonewright learns a sound and hands you the knobs.

The names below are loaded when they are first used: importing the package loads no framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

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
    from tonewright.learning.start import train as train

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "audio.corpus": ["Corpus", "load_corpus"],
        "audio.files": ["Clip", "probe", "read", "write"],
        "errors": ["TonewrightError"],
        "learning.compose": ["compose_config"],
        "learning.runs": ["open_run"],
        "learning.start": ["train"],
    },
)
