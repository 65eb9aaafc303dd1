"""With what settings a table was made, and the columns that it has for that."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tonewright.errors import UsageError
from tonewright.timbre.names import DESCRIPTORS, EXTRAS, Mode, checked_mode

# To be raised when the same sound gets other values: old rows are then not taken over.
REVISION = 2

TEXTS = ("file", "notes", "settings", "stamp", "digest")
WHOLE_NUMBERS = ("sample_rate", "channels")
FACTS = ("seconds", "sample_rate", "channels")
# What a row says of itself: how it was made, of which file, and of which bytes.
ORIGIN = ("settings", "stamp", "digest")


@dataclass(frozen=True)
class Settings:
    """How every sound of a table is described.

    Parameters
    ----------
    mode : "corrected" or "classic"
    raw : values that the regressions put outside 0 to 100 are left there
    window_s, hop_s : length of a window and from one to the next; None for whole files
    """

    mode: Mode = "corrected"
    raw: bool = False
    window_s: float | None = None
    hop_s: float | None = None

    def __post_init__(self) -> None:
        """Check them, and let windows overlap by half where nothing else is said."""
        checked_mode(self.mode)
        if self.window_s is None:
            if self.hop_s is not None:
                raise UsageError("a hop is that of windows: say how long a window is")
            return
        if self.hop_s is None:
            object.__setattr__(self, "hop_s", self.window_s / 2)
        for name in ("window_s", "hop_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name}: a length in seconds above 0; got {value:g}")

    @property
    def words(self) -> str:
        """The settings in one line, as the column `settings` has them."""
        words = [self.mode, f"revision {REVISION}"]
        words += ["raw"] if self.raw else []
        words += [f"{self.window_s:.12g} s every {self.hop_s:.12g} s"] if self.window_s else []
        return ", ".join(words)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in their order."""
        start = ("start_s",) if self.window_s else ()
        return ("file", *start, *FACTS, *DESCRIPTORS, *EXTRAS, "notes", *ORIGIN)
