"""Networks for other tools: Faust, C++, MATLAB and Octave, a sound file, JSON."""

from __future__ import annotations

import os
from pathlib import Path

from tonewright.reverb.network import FDNBuild

FORMATS = ("faust", "cpp", "json", "wav", "matlab")


def export(
    network: FDNBuild, path: str | os.PathLike[str], *, to: str | None = None, overwrite: bool = False
) -> Path:
    """Write a network as something that another tool loads.

    Parameters
    ----------
    path : the file to write
    to : "faust" (.dsp), "cpp" (.hpp), "matlab" (.m, also for Octave), "wav" (the impulse response, float32)
        or "json"; None goes by the suffix
    overwrite : replace what is there

    Returns
    -------
    the file that was written
    """
    raise NotImplementedError
