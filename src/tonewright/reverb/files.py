"""Networks as JSON files that people can read: units in the keys, a format version, exact numbers."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.files import atomic_output
from tonewright.errors import NetworkError
from tonewright.reverb.file_checks import FORMAT, KIND, MOST_BYTES, NetworkFileError, network_of, parsed
from tonewright.reverb.network import FDNBuild

NETWORK_NAME = "network.json"
# Where a run keeps its networks.
RUN_FOLDER = "networks"
ABOUT = (
    "A feedback delay network. s = line outputs, u = input after the pre-delay: each line delays and then "
    "filters feedback s + input_gains u; output = tone_sections of (output_gains s) + direct and early of "
    "the input. Sections are [b0 b1 b2 a0 a1 a2]."
)

logger = logging.getLogger("tonewright")


def save_network(
    path: str | os.PathLike[str],
    network: FDNBuild,
    *,
    notes: Mapping[str, Any] | str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a network as JSON, whole or not at all; loaded again, every number is the same to the bit.

    Parameters
    ----------
    path : the file to write, by custom it ends in .json
    notes : words, numbers, lists and mappings to keep beside the network; loading ignores them. Numbers that
        JSON lacks, NaN and infinity, become null
    overwrite : replace what is there
    """
    text = network_text(network, notes=notes)
    if len(text) > MOST_BYTES:
        raise NetworkError(
            f"{path}: the network takes {len(text) >> 20} MB; a file holds {MOST_BYTES >> 20} MB"
        )
    with atomic_output(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def load_network(path: str | os.PathLike[str]) -> FDNBuild:
    """The network of a JSON file, checked: its format, its numbers, and that it does not grow.

    Parameters
    ----------
    path : a file of `save_network`, or a folder that holds one as ``network.json``, or a run of one network

    Raises
    ------
    NetworkError
        If there is no such file, it is no network of this format, or its loop is unstable.
    """
    path = network_path(path)
    network = network_of(parsed(path), path)
    _check_loop(network, path)
    return network


def network_path(path: str | os.PathLike[str]) -> Path:
    """The file that `path` means: itself, a folder's ``network.json``, or the only network of a run."""
    path = Path(path)
    if path.is_dir():
        inside = path / NETWORK_NAME
        if inside.is_file():
            return inside
        several = sorted((path / RUN_FOLDER).glob("*.json"))
        if len(several) == 1:
            return several[0]
        if several:
            raise NetworkFileError(path, f"holds {len(several)} networks; name one, such as {several[0]}")
        raise NetworkFileError(path, f"is a folder without a {NETWORK_NAME}; name the network's file")
    if not path.exists():
        raise NetworkFileError(path, "there is no such file")
    return path


def network_data(network: FDNBuild, *, notes: Mapping[str, Any] | str | None = None) -> dict[str, Any]:
    """A network as plain lists and numbers, under the keys of the file.

    Sections go by line or output: absorption_sections are (lines, sections, 6), tone_sections (outputs,
    sections, 6).
    """
    data: dict[str, Any] = {"format": FORMAT, "kind": KIND, "about": ABOUT}
    if notes is not None:
        data["notes"] = _plain(notes)
    data["sample_rate"] = int(network.fs) if network.fs == int(network.fs) else network.fs
    data["pre_delay_samples"] = network.pre_delay
    data["delays_samples"] = network.delays.tolist()
    data["feedback"] = network.A.tolist()
    data["input_gains"] = network.B.tolist()
    data["output_gains"] = network.C.tolist()
    data["direct"] = network.D.tolist()
    for key, sections in (("absorption_sections", network.filters), ("tone_sections", network.post_eq)):
        if sections is not None and sections.size:
            data[key] = np.moveaxis(sections, 2, 0).tolist()
    if network.early is not None:
        data["early"] = {
            "positions_samples": network.early.positions.tolist(),
            "gains": network.early.gains.tolist(),
        }
    return data


def network_text(network: FDNBuild, *, notes: Mapping[str, Any] | str | None = None) -> str:
    """A network as JSON with every row of numbers on a line of its own."""
    return _layout(network_data(network, notes=notes)) + "\n"


def _plain(value: Any) -> Any:
    """The same in types of JSON, all the way down."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _layout(value: Any, indent: str = "") -> str:
    """JSON, indented, but a list without lists in it on one line."""
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        rows = [f"{deeper}{_layout(str(key))}: {_layout(item, deeper)}" for key, item in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, list | dict) for item in value):
        return "[\n" + ",\n".join(deeper + _layout(item, deeper) for item in value) + f"\n{indent}]"
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    # Names of files that are no UTF-8 are escaped.
    return json.dumps(value) if any("\ud800" <= letter <= "\udfff" for letter in text) else text


def _check_loop(network: FDNBuild, path: Path) -> None:
    """Refuse a network that grows; say so of one that never decays."""
    from tonewright.reverb.stability import ROUNDING, check_stable

    try:
        radius = check_stable(network, str(path))
    except NetworkError as error:
        raise NetworkFileError(path, str(error).removeprefix(f"{path}: ")) from error
    if radius > 1 - ROUNDING:
        logger.warning("%s: the network never decays: it rings on for ever", path)
