"""Banks as JSON files that people can read: units in the keys, a format version, exact numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tonewright.errors import FileError, UsageError, nearest

if TYPE_CHECKING:
    from tonewright.filters.bank import Bank

FORMAT = 1
KIND = "tonewright filter bank"
MOST_BYTES = 1 << 20
ABOUT = {
    "parallel": (
        "Constant-peak band-passes side by side, each the cookbook's biquad to the power of the order, and "
        "summed with their gains, which are factors with a sign."
    ),
    "series": "Bells and shelves one after another, the cookbook's biquads, with gains in dB.",
}
_REQUIRED = ("arrangement", "filters")
_KNOWN = (*_REQUIRED, "format", "kind", "about", "notes", "order", "level_db")


class BankFileError(FileError, UsageError):
    """A file of a bank that cannot be loaded."""

    exit_code = 1


def save_bank(
    path: str | os.PathLike[str],
    bank: Bank,
    *,
    notes: Mapping[str, Any] | str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a bank as JSON, whole or not at all; loaded again, every number is the same to the bit.

    Parameters
    ----------
    path : the file to write, by custom it ends in .json
    notes : words, numbers, lists and mappings to keep beside the bank; loading ignores them
    overwrite : replace what is there
    """
    from tonewright.audio.files import atomic_output

    text = bank_text(bank, notes=notes)
    if len(text) > MOST_BYTES:
        raise UsageError(f"{path}: the bank's notes are too long; a file holds {MOST_BYTES >> 20} MB")
    with atomic_output(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="ascii")
    return Path(path)


def load_bank(path: str | os.PathLike[str]) -> Bank:
    """The bank of a JSON file, checked number by number; every bank is stable.

    Raises
    ------
    BankFileError
        If there is no such file, or it is no bank of this format.
    """
    from tonewright.filters.bank import Bank

    path = Path(path)
    if not path.is_file():
        reason = "is a folder; name the bank's file" if path.is_dir() else "there is no such file"
        raise BankFileError(path, reason)
    try:
        return Bank.from_dict(_parsed(path))
    except BankFileError:
        raise
    except UsageError as error:
        raise BankFileError(path, str(error)) from error


def bank_data(bank: Bank) -> dict[str, Any]:
    """A bank as plain lists, numbers and words, under the keys of the file."""
    series = bank.kind == "series"
    rows = []
    for at in range(bank.filters):
        row: dict[str, Any] = {"shape": bank.shapes[at]} if series else {}
        row |= {"frequency_hz": float(bank.frequency_hz[at]), "q": float(bank.q[at])}
        row["gain_db" if series else "gain"] = float(bank.gain[at])
        rows.append(row)
    return {
        "format": FORMAT,
        "kind": KIND,
        "about": ABOUT[bank.kind],
        "arrangement": bank.kind,
        "order": bank.order,
        "level_db": bank.level_db,
        "filters": rows,
    }


def bank_text(bank: Bank, *, notes: Mapping[str, Any] | str | None = None) -> str:
    """A bank as JSON with every filter on a line of its own."""
    data = bank_data(bank)
    rows = data.pop("filters")
    if notes is not None:
        data["notes"] = notes
    try:
        lines = [
            f"  {json.dumps(key)}: {json.dumps(value, allow_nan=False)},\n" for key, value in data.items()
        ]
    except (TypeError, ValueError) as error:
        raise UsageError(f"the notes of a bank cannot be written as JSON: {error}") from error
    filters = ",\n".join(f"    {json.dumps(row)}" for row in rows)
    return "{\n" + "".join(lines) + f'  "filters": [\n{filters}\n  ]\n}}\n'


def bank_arguments(data: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `Bank` from the keys of the file; its numbers are checked there."""
    _check_head(data)
    _check_keys(data, _REQUIRED, _KNOWN, "a bank")
    series = data["arrangement"] == "series"
    gain = "gain_db" if series else "gain"
    required = (*(("shape",) if series else ()), "frequency_hz", "q", gain)
    rows = data["filters"]
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise UsageError("filters is not a list of filters, each with its frequency_hz, q and gain")
    for at, row in enumerate(rows):
        _check_keys(row, required, required, f"filter {at + 1}")
    columns = {
        key: [_number(row[key], f"the {key} of filter {at + 1}") for at, row in enumerate(rows)]
        for key in ("frequency_hz", "q", gain)
    }
    return {
        "frequency_hz": columns["frequency_hz"],
        "q": columns["q"],
        "gain": columns[gain],
        "kind": data["arrangement"],
        "shapes": tuple(row["shape"] for row in rows) if series else (),
        "order": _number(data.get("order", 1), "order"),
        "level_db": _number(data.get("level_db", 0.0), "level_db"),
    }


def _parsed(path: Path) -> Mapping[str, Any]:
    """What JSON a file holds that is no larger than `MOST_BYTES`."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BankFileError(path, f"cannot be read: {error.strerror or error}") from error
    if len(raw) > MOST_BYTES:
        raise BankFileError(path, f"is larger than {MOST_BYTES >> 20} MB; no bank is")
    try:
        return json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BankFileError(path, f"is not JSON{where}; banks are files that end in .json") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise UsageError(f"{_said(twice)} stands there twice; keep one")
    return found


def _check_head(data: Any) -> None:
    if not isinstance(data, Mapping) or data.get("kind") != KIND:
        raise UsageError(f'this is no bank of filters: it has no line "kind": "{KIND}"')
    if data.get("format") != FORMAT or isinstance(data["format"], bool):
        said = _said(data.get("format"))
        raise UsageError(f"the bank is of format {said}; this version reads format {FORMAT}: save it anew")


def _check_keys(data: Mapping[str, Any], required: tuple, known: tuple, what: str) -> None:
    for key in data:
        if key not in known:
            raise UsageError(f"{_said(key)} is no key of {what}; {nearest(str(key)[:60], known)}")
    for key in required:
        if key not in data:
            raise UsageError(f"{what} has no '{key}'")


def _number(value: Any, name: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{name} is {_said(value)}; it must be a number")
    try:
        float(value)
    except OverflowError as error:
        raise UsageError(f"{name} is too large a number") from error
    return value


def _said(value: Any) -> str:
    """A value of a file on one short line."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
