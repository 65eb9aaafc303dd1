"""What a bank is, in a few lines of plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tonewright.audio.exporting import counted

if TYPE_CHECKING:
    from tonewright.filters.bank import Bank

OTHERWISE = "bank"  # the name of a file that has none that can be written


def described(bank: Bank) -> str:
    """How many filters of what kind, and how they hang together."""
    if bank.kind == "series":
        return f"{counted(bank.filters, 'filter')} one after another, bells and shelves."
    order = "" if bank.order == 1 else f", each of {bank.order} equal ones in a row"
    return f"{counted(bank.filters, 'band-pass filter')} side by side{order}, added up."


def description(bank: Bank) -> list[str]:
    """Lines for the head of a program that designs the bank itself."""
    rest = "passes the sound on" if bank.kind == "series" else "is silent"
    low, high = bank.frequency_hz.min(), bank.frequency_hz.max()
    return [
        f"{described(bank)} Made with Tonewright.",
        f"From {low:.4g} to {high:.4g} Hz; designed for the sample rate at which it runs.",
        f"A filter above 0.49 of that rate {rest}.",
    ]
