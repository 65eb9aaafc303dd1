"""Networks for other tools: Faust, C++, MATLAB and Octave, a sound file, JSON."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tonewright.audio.exporting import checked_format
from tonewright.errors import NetworkError
from tonewright.reverb.exports.formats import FORMATS, SUFFIXES
from tonewright.reverb.network import FDNBuild


def export(
    network: FDNBuild, path: str | os.PathLike[str], *, to: str | None = None, overwrite: bool = False
) -> Path:
    """Write a network as something that another tool loads.

    Faust, C++, MATLAB and Octave get the whole network as a program: delay lines, absorption, early
    reflections, tone. Its impulse response is that of `impulse_response`. It runs at the network's own rate.

    Parameters
    ----------
    path : the file to write
    to : "faust" (.dsp), "cpp" (.hpp), "matlab" (.m, also for Octave), "wav" (the impulse response in float32:
        all outputs of the first input, then of the next) or "json"; None goes by the suffix
    overwrite : replace what is there

    Returns
    -------
    the file that was written
    """
    path = Path(path)
    to = checked_format(path, to, SUFFIXES)
    checked_loop(network, path)
    if to == "json":
        from tonewright.reverb.files import save_network

        return save_network(path, network, overwrite=overwrite)
    if to == "wav":
        return _write_response(network, path, overwrite)
    from tonewright.audio.files import atomic_output

    text = _text(network, path, to)
    with atomic_output(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="ascii")
    return path


def checked_loop(network: FDNBuild, path: Path) -> None:
    """Refuse to export what would blow up."""
    from tonewright.reverb.stability import check_stable

    check_stable(network, f"{path} was not written")


def _text(network: FDNBuild, path: Path, to: str) -> str:
    if to == "faust":
        from tonewright.reverb.exports.faust import faust_text

        return faust_text(network, path)
    if to == "cpp":
        from tonewright.reverb.exports.cpp import cpp_text

        return cpp_text(network, path)
    from tonewright.reverb.exports.matlab import matlab_text

    return matlab_text(network, path)


def _write_response(network: FDNBuild, path: Path, overwrite: bool) -> Path:
    from tonewright.audio.files import Clip, write
    from tonewright.reverb.response import impulse_response

    if network.fs != round(network.fs):
        raise NetworkError(f"{path}: a sound file has a whole sample rate; the network's is {network.fs} Hz")
    response = impulse_response(network)
    channels = np.moveaxis(response.reshape(response.shape[0], network.outputs, network.inputs), 0, 2)
    samples = channels.transpose(1, 0, 2).reshape(-1, response.shape[0]).astype(np.float32)
    write(path, Clip(samples, round(network.fs)), encoding="float", overwrite=overwrite)
    return path
