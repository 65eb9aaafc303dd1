"""Freed memory stays with the process."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Page faults of sixteen arrays of 512 pages that are held at once, when as many were freed before.
FAULTS = """
import resource, sys
import numpy as np
from tonewright.timbre.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    held = [np.ones(1 << 18) for _ in range(16)]
    del held
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if "keep" in sys.argv:
    keep_freed_memory()
faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators do not adapt")
def test_arrays_of_a_sound_are_mapped_once() -> None:
    plain, kept = (
        int(subprocess.run([sys.executable, "-c", FAULTS, word], check=True, capture_output=True).stdout)
        for word in ("plain", "keep")
    )
    assert plain > 16 * 256
    assert kept < 16
