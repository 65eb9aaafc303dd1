"""A series bank as text for Equalizer APO, which AutoEq writes and PipeWire and others read too.

A line is ``Filter 1: ON PK Fc 100.00 Hz Gain -3.000 dB Q 1.4142``, with PK for a bell and LSC and HSC for
shelves whose Fc is the middle of the slope. With a Q these are the designs of R. Bristow-Johnson's cookbook,
as in `tonewright.dsp.biquads`. (LS and HS move the corner; early versions of Equalizer APO take a slope of
0.9 for every shelf, whatever its Q.)

The numbers suit every reader that is known: PipeWire takes the preamp from the first line, and at most 8
characters of a frequency and 6 of gain and Q; Equalizer APO takes a point before three digits at the end of a
frequency for a separator of thousands, so that it must never have three decimals.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tonewright.audio.exporting import counted
from tonewright.errors import UsageError

if TYPE_CHECKING:
    from tonewright.filters.bank import Bank

TYPES = {"peaking": "PK", "low_shelf": "LSC", "high_shelf": "HSC"}
_FREQUENCY_WIDTH, _WIDTH = 8, 6
_MOST_OFF, _MOST_OFF_DB = 0.01, 0.05


def apo_text(bank: Bank, path: Path, *, sample_rate: float) -> str:
    """The lines: preamp, filters, remarks.

    Parameters
    ----------
    bank : of kind "series"
    path : where it goes, for messages
    sample_rate : at which it is played at least; filters that cannot be made at it are left out
    """
    if bank.kind != "series":
        raise UsageError(
            f"{path}: Equalizer APO has its filters one after another, and this bank side by side; "
            "make one that goes there with: tonewright filters fit FILE --kind series"
        )
    lines = [f"Preamp: {_written(bank.level_db, 'level', path, decimals=3)} dB"]
    usable = np.flatnonzero(bank.usable(sample_rate))
    lines += [_line(bank, int(index), count, path) for count, index in enumerate(usable, 1)]
    return "\n".join([*lines, *_remarks(bank, sample_rate)]) + "\n"


def _line(bank: Bank, index: int, count: int, path: Path) -> str:
    frequency = _written(
        bank.frequency_hz[index], "frequency", path, decimals=2, width=_FREQUENCY_WIDTH, relative=True
    )
    gain = _written(bank.gain[index], "gain", path, decimals=3)
    q = _written(bank.q[index], "Q", path, decimals=4, relative=True)
    return f"Filter {count}: ON {TYPES[bank.shapes[index]]} Fc {frequency} Hz Gain {gain} dB Q {q}"


def _written(
    value: float, what: str, path: Path, *, decimals: int, width: int = _WIDTH, relative: bool = False
) -> str:
    """As many decimals as there is room for; refused where the number is lost."""
    for places in range(decimals, -1, -1):
        text = f"{value:.{places}f}"
        if len(text) <= width:
            off = abs(float(text) - value)
            if off <= (_MOST_OFF * value if relative else _MOST_OFF_DB):
                return text if float(text) else text.removeprefix("-")
    raise UsageError(
        f"{path}: a {what} of {value:g} cannot be written as text for Equalizer APO; export to json or sos"
    )


def _remarks(bank: Bank, sample_rate: float) -> list[str]:
    frequencies = np.geomspace(10.0, 0.49 * sample_rate, 2048)
    loudest = float(bank.magnitude_db(frequencies, sample_rate=sample_rate).max())
    lines = [f"# {counted(bank.filters, 'filter')} one after another. Made with Tonewright."]
    if loudest > 0.05:
        lines.append(f"# They raise some frequencies by up to {loudest:.1f} dB: should the sound clip,")
        lines.append("# lower the preamp by as much.")
    left_out = int(bank.filters - bank.usable(sample_rate).sum())
    if left_out:
        lines.append(f"# Left out: {counted(left_out, 'filter')} that cannot be made at {sample_rate:g} Hz.")
    return lines
