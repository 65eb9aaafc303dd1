"""Freed memory stays with the process."""

from __future__ import annotations

import platform

import numpy as np
import pytest

from tonewright.timbre.memory import keep_freed_memory


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators do not adapt")
def test_arrays_of_a_sound_are_mapped_once() -> None:
    resource = pytest.importorskip("resource")

    def faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10):
            np.ones(1 << 18)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    keep_freed_memory()
    faults()
    # Ten arrays of 512 pages.
    assert faults() < 1000
