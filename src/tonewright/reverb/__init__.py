"""Reverbs: a room as a feedback delay network that can be trained, turned, rendered and exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from tonewright.reverb.colorless_network import colorless as colorless
    from tonewright.reverb.config import Config as Config
    from tonewright.reverb.exports import export as export
    from tonewright.reverb.files import load_network as load_network
    from tonewright.reverb.files import save_network as save_network
    from tonewright.reverb.fitting.fit import fit as fit
    from tonewright.reverb.fitting.result import Fit as Fit
    from tonewright.reverb.network import FDNBuild as FDNBuild
    from tonewright.reverb.network import Taps as Taps

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "colorless_network": ["colorless"],
        "config": ["Config"],
        "exports": ["export"],
        "files": ["load_network", "save_network"],
        "fitting.fit": ["fit"],
        "fitting.result": ["Fit"],
        "network": ["FDNBuild", "Taps"],
    },
)
