"""Filters: four numbers that steer a bank of thirty-two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from tonewright.filters.config import Config as Config

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"config": ["Config"]})
