"""Banks for other tools: Faust, C++, Equalizer APO, sections for SciPy, a table, JSON."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tonewright.audio.exporting import checked_format
from tonewright.filters.exports.formats import FORMATS, SUFFIXES

if TYPE_CHECKING:
    from tonewright.filters.bank import Bank

__all__ = ["FORMATS", "SUFFIXES", "export"]


def export(
    bank: Bank,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    sample_rate: float = 44100,
    overwrite: bool = False,
) -> Path:
    """Write a bank as something that another tool loads.

    Faust and C++ get a whole program that designs its filters for the rate at which it runs, with level and
    dry/wet; no setting of its knobs makes it unstable. JSON is the bank itself. Tables of coefficients hold
    for one sample rate. Equalizer APO designs for itself, from frequency, gain and Q.

    Parameters
    ----------
    bank : the filters
    path : the file to write
    format : "faust" (.dsp), "json", "csv" (a filter a row, with its coefficients), "sos" (.sos or .sos.csv:
        second-order sections in text that `numpy.loadtxt` reads; its first lines say how they go together),
        "cpp" (.hpp), or "apo" (.txt, for Equalizer APO and whatever reads its text: series banks only);
        None goes by the ending
    sample_rate : for which coefficients are made in "csv" and "sos"; filters that cannot be made at it
        have none, and are left out of "apo"
    overwrite : replace what is there

    Returns
    -------
    the file that was written

    Raises
    ------
    UsageError
        If the format is not known, or cannot hold the bank.
    """
    path = Path(path)
    name = checked_format(path, format, SUFFIXES)
    bank.usable(sample_rate)  # refuses what is no rate
    if name == "json":
        from tonewright.filters.bank_files import save_bank

        save_bank(path, bank, overwrite=overwrite)
        return path
    from tonewright.audio.files import atomic_output

    text = _text(bank, path, name, float(sample_rate))
    with atomic_output(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="ascii", newline="\n")
    return path


def _text(bank: Bank, path: Path, name: str, sample_rate: float) -> str:
    if name == "faust":
        from tonewright.filters.exports.faust import faust_text

        return faust_text(bank, path)
    if name == "cpp":
        from tonewright.filters.exports.cpp import cpp_text

        return cpp_text(bank, path)
    if name == "apo":
        from tonewright.filters.exports.apo import apo_text

        return apo_text(bank, path, sample_rate=sample_rate)
    from tonewright.filters.exports.tables import csv_text, sos_text

    return (csv_text if name == "csv" else sos_text)(bank, sample_rate=sample_rate)
