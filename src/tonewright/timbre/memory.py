"""Freed memory stays with the process, so that arrays the size of a sound are not mapped anew each time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

# The GNU allocator heeds blocks of up to 32 MiB.
_LARGEST_BYTES = 31 << 20


@lru_cache(maxsize=1)
def keep_freed_memory() -> None:
    """Let the allocator keep up to twice 31 MiB of freed memory instead of returning it to the system.

    A description allocates some tens of arrays of a megabyte or so and frees them; mapping their pages anew
    costs a fifth of its time. The allocator of the GNU C library adapts to the largest block that was freed
    ("mallopt", M_MMAP_THRESHOLD), so it is shown one, whose pages are never touched. Other allocators do not
    care.
    """
    np.empty(_LARGEST_BYTES, np.uint8)
