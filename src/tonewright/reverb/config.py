"""Settings of the reverb. The defaults are the standard preset; others are short files under ``conf/``."""

from __future__ import annotations

from dataclasses import dataclass

from tonewright.errors import UsageError

SIZES = (1, 2, 4, 8, 16, 32, 64)
QUALITIES = ("draft", "standard", "best")


@dataclass(frozen=True)
class Config:
    """How a network is fitted to a measured response.

    Attributes
    ----------
    size : number of delay lines
    quality : "draft", "standard" or "best": how many early reflections, and how long is searched
    """

    size: int = 16
    quality: str = "standard"

    def __post_init__(self) -> None:
        """Refuse what describes no network."""
        if self.size not in SIZES:
            raise UsageError(f"system.size is {self.size}; choose from {', '.join(map(str, SIZES))}")
        if self.quality not in QUALITIES:
            raise UsageError(f"system.quality is '{self.quality}'; choose from {', '.join(QUALITIES)}")
