"""A table of descriptors as arrays: which sounds, which columns, which values."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np

from tonewright.errors import UsageError
from tonewright.timbre.names import DESCRIPTORS, EXTRAS

COLUMNS = (*DESCRIPTORS, *EXTRAS)


@dataclass(frozen=True, eq=False)
class Measurements:
    """Descriptors of many sounds.

    Parameters
    ----------
    files : where each sound is, as the table has it
    columns : what was measured
    values : (n, columns) float64, NaN where a sound has no value
    start_s : (n,) where in its file each sound begins; NaN for whole files
    seconds : (n,) length of each; NaN where the table does not tell
    notes : what was said of each sound
    source : what the table is called in errors
    """

    files: tuple[str, ...]
    columns: tuple[str, ...]
    values: np.ndarray
    start_s: np.ndarray
    seconds: np.ndarray
    notes: tuple[str, ...]
    source: str = "table"

    def __len__(self) -> int:
        """Number of sounds."""
        return len(self.files)

    def column(self, name: str) -> np.ndarray:
        """One column, (n,)."""
        return self.values[:, self.columns.index(name)]

    def matrix(self, names: Sequence[str]) -> np.ndarray:
        """Several columns, (n, names)."""
        return self.values[:, [self.columns.index(name) for name in names]]

    def name(self, row: int) -> str:
        """A sound by its file, and the second where it begins if it is a part of it."""
        start = self.start_s[row]
        return self.files[row] if np.isnan(start) else f"{self.files[row]} at {start:g} s"

    def label(self, row: int) -> str:
        """The same, seen from the folder that all files share."""
        name = self.name(row)
        return name[len(self.folder) :].lstrip(os.sep) if self.folder else name

    @cached_property
    def folder(self) -> str:
        """The deepest folder that holds every file; empty where there is none."""
        try:
            return os.path.commonpath({file.rpartition(os.sep)[0] for file in self.files})
        except ValueError:  # some absolute and some relative, or on several drives
            return ""

    @property
    def pieces(self) -> bool:
        """Whether several rows are pieces of one file."""
        return len(set(self.files)) < len(self.files)


def measurements(columns: Mapping[str, Sequence[Any]], *, source: str = "table") -> Measurements:
    """The same from columns by name, as a table holds them.

    Parameters
    ----------
    columns : `file`, at least one descriptor, and what else the table holds
    source : what the table is called in errors

    Raises
    ------
    UsageError
        If there are no rows, no column `file`, or no descriptor.
    """
    if not columns:
        raise UsageError(f"{source}: holds no rows; an analysis needs 3 sounds at least")
    names = tuple(name for name in COLUMNS if name in columns)
    if "file" not in columns or not set(names) & set(DESCRIPTORS):
        lacking = "the descriptors" if "file" in columns else "the column file"
        raise UsageError(
            f"{source}: no table of timbre: it lacks {lacking}; make one: tonewright timbre FOLDER -o out.csv"
        )
    files = tuple(map(str, columns["file"]))
    unknown = [np.nan] * len(files)
    return Measurements(
        files,
        names,
        np.stack([_numbers(columns[name], source=source, name=name) for name in names], axis=1),
        _numbers(columns.get("start_s", unknown), source=source, name="start_s"),
        _numbers(columns.get("seconds", unknown), source=source, name="seconds"),
        tuple("" if note is None else str(note) for note in columns.get("notes", [""] * len(files))),
        source,
    )


def _numbers(column: Sequence[Any], *, source: str, name: str) -> np.ndarray:
    try:
        found = np.array([np.nan if cell is None or cell == "" else float(cell) for cell in column])
    except ValueError as error:
        raise UsageError(f"{source}: column {name}: {error}; it is to hold numbers") from error
    found[~np.isfinite(found)] = np.nan
    return found


def read_measurements(path: str | PathLike[str]) -> Measurements:
    """Read a table that `tonewright timbre` has written: CSV, JSON lines or Parquet, by its ending.

    Raises
    ------
    TonewrightError
        If there is no such file, or it is no such table.
    """
    from tonewright.timbre.tables import read_table

    return measurements(read_table(path).columns, source=str(path))
