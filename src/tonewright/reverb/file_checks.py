"""What a file must hold to be a network: read with bounds, checked key by key, refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.errors import FileError, NetworkError, nearest
from tonewright.reverb.network import FDNBuild, Taps

FORMAT = 1
KIND = "tonewright reverb network"
MOST_BYTES = 16 << 20
# Six minutes at 48 kHz: what the delays may take of the memory of whoever loads a stranger's file.
MOST_DELAY_SAMPLES = 1 << 24
MOST_LINES = 1024

REQUIRED = ("sample_rate", "delays_samples", "feedback", "input_gains", "output_gains")
OPTIONAL = ("pre_delay_samples", "direct", "absorption_sections", "tone_sections", "early")
SAID = ("format", "kind", "about", "notes")


class NetworkFileError(FileError, NetworkError):
    """A file of a network that cannot be loaded."""

    exit_code = 1


def parsed(path: Path) -> dict[str, Any]:
    """The JSON object of a file, no larger than `MOST_BYTES`, of this kind and format."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise NetworkFileError(path, f"cannot be read: {error.strerror or error}") from error
    if len(raw) > MOST_BYTES:
        raise NetworkFileError(path, f"is larger than {MOST_BYTES >> 20} MB; no network is")
    try:
        data = json.loads(
            raw.decode("utf-8-sig"), object_pairs_hook=_without_repeats, parse_constant=_refused_constant
        )
    except _ContentError as error:
        raise NetworkFileError(path, str(error)) from error
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise NetworkFileError(path, f"is not JSON{where}; networks are files that end in .json") from error
    if not isinstance(data, dict) or data.get("kind") != KIND:
        raise NetworkFileError(path, f'is JSON, but no network: it has no line "kind": "{KIND}"')
    if data.get("format") != FORMAT or isinstance(data["format"], bool):
        said = json.dumps(data.get("format"), default=str)[:40]
        raise NetworkFileError(
            path, f"is of format {said}; this version reads format {FORMAT}: export it anew, or update"
        )
    return data


def network_of(data: dict[str, Any], path: Path) -> FDNBuild:
    """The network that the keys describe."""
    try:
        _check_keys(data, REQUIRED, (*OPTIONAL, *SAID), "a network")
        return _built(data)
    except (_ContentError, NetworkError) as error:
        words = str(error)
        for attribute, key in (("filters", "absorption_sections"), ("post_eq", "tone_sections")):
            words = words.replace(attribute, key, 1)
        raise NetworkFileError(path, words) from error


class _ContentError(ValueError):
    """Something in a file that cannot be, without the file's name."""


def _built(data: dict[str, Any]) -> FDNBuild:
    delays = _whole_array(data["delays_samples"], "delays_samples", lowest=1)
    lines = delays.size
    if not 1 <= lines <= MOST_LINES:
        raise _ContentError(f"delays_samples has {lines} delays; it must have 1 to {MOST_LINES}")
    if delays.sum() > MOST_DELAY_SAMPLES:
        raise _ContentError(f"delays_samples come to more than {MOST_DELAY_SAMPLES} samples in all")
    inputs = _width(data["input_gains"], "input_gains", of_rows=True)
    outputs = _width(data["output_gains"], "output_gains", of_rows=False)
    gains = (outputs, inputs)
    pre_delay = _whole_array([data.get("pre_delay_samples", 0)], "pre_delay_samples", lowest=0)
    return FDNBuild(
        A=_array(data["feedback"], "feedback", (lines, lines)),
        B=_array(data["input_gains"], "input_gains", (lines, inputs)),
        C=_array(data["output_gains"], "output_gains", (outputs, lines)),
        D=_array(data["direct"], "direct", gains) if "direct" in data else np.zeros(gains),
        delays=delays,
        fs=_sample_rate(data["sample_rate"]),
        filters=_sections(data, "absorption_sections", lines),
        post_eq=_sections(data, "tone_sections", outputs),
        early=_early(data["early"], gains) if data.get("early") is not None else None,
        pre_delay=int(pre_delay[0]),
    )


def _check_keys(data: dict[str, Any], required: tuple, optional: tuple, what: str) -> None:
    known = (*required, *optional)
    for key in data:
        if key not in known:
            raise _ContentError(f"'{key[:60]}' is no key of {what}; {nearest(key, known)}")
    for key in required:
        if key not in data:
            raise _ContentError(f"'{key}' is missing")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _ContentError(f"'{twice[:60]}' stands there twice; keep one")
    return found


def _refused_constant(word: str) -> float:
    raise _ContentError(f"holds {word}; every number must be finite")


def _array(value: Any, name: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """Numbers of this shape in float64; None in the shape takes any length."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise _ContentError(f"{name} has rows of different lengths") from error
    if array.dtype.kind not in "iuf" and array.size:
        raise _ContentError(f"{name} holds something that is not a number")
    if array.ndim != len(shape) or any(
        want not in (None, have) for want, have in zip(shape, array.shape, strict=True)
    ):
        want = ", ".join("any" if size is None else str(size) for size in shape)
        raise _ContentError(f"{name} has the shape ({', '.join(map(str, array.shape))}); it must be ({want})")
    if not np.isfinite(array).all():
        raise _ContentError(f"{name} holds a number that is not finite")
    return array.astype(np.float64)


def _whole_array(value: Any, name: str, *, lowest: int) -> np.ndarray:
    array = _array(value, name, (None,))
    if (array != np.round(array)).any() or (array < lowest).any() or (array > MOST_DELAY_SAMPLES).any():
        raise _ContentError(f"{name} must be whole samples from {lowest} to {MOST_DELAY_SAMPLES}")
    return array.astype(np.int64)


def _width(value: Any, name: str, *, of_rows: bool) -> int:
    """Number of columns or rows of something that should be a matrix."""
    rows = value if isinstance(value, list) else []
    count = (len(rows[0]) if rows and isinstance(rows[0], list) else 0) if of_rows else len(rows)
    if count < 1:
        raise _ContentError(f"{name} must be a list of rows, each a list of numbers")
    return count


def _sample_rate(value: Any) -> float:
    rate = float(_array([value], "sample_rate", (1,))[0])
    if rate <= 0:
        raise _ContentError(f"sample_rate is {rate:g}; it must be a positive number of Hz")
    return rate


def _sections(data: dict[str, Any], name: str, count: int) -> np.ndarray | None:
    """Second-order sections, in the file by line or output, in memory (sections, 6, count)."""
    if data.get(name) is None:
        return None
    return np.moveaxis(_array(data[name], name, (count, None, 6)), 0, 2)


def _early(value: Any, gains: tuple[int, int]) -> Taps:
    if not isinstance(value, dict):
        raise _ContentError("early must hold positions_samples and gains")
    _check_keys(value, ("positions_samples", "gains"), (), "early")
    positions = _whole_array(value["positions_samples"], "early positions_samples", lowest=0)
    return Taps(positions, _array(value["gains"], "early gains", (*gains, positions.size)))
