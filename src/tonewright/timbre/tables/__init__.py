"""Many sounds as one table: described in parallel, written whole, taken up again where it was left.

A row a file (or a window of one), as CSV, JSON lines or Parquet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from tonewright.timbre.tables.describing import Summary as Summary
    from tonewright.timbre.tables.describing import describe_files as describe_files
    from tonewright.timbre.tables.reading import Table as Table
    from tonewright.timbre.tables.reading import read_rows as read_rows
    from tonewright.timbre.tables.reading import read_table as read_table
    from tonewright.timbre.tables.settings import Settings as Settings
    from tonewright.timbre.tables.writing import write_table as write_table

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "describing": ["Summary", "describe_files"],
        "reading": ["Table", "read_rows", "read_table"],
        "settings": ["Settings"],
        "writing": ["write_table"],
    },
)
