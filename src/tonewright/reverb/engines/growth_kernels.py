"""Compiled loop of a network left to itself, whose slowest modes remain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_njit: Any = njit


@_njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "nsz"})
def ring(state, starts, places, matrix, sections, memory, mix, heard):
    """Let a network ring.

    Parameters
    ----------
    state : (samples of all delay lines,) changed in place
    starts, places : (lines,) where each line begins in the state, and its next sample; places are changed
    matrix : (lines, lines) transposed feedback matrix
    sections : (sections, 5, lines) [b0 b1 b2 a1 a2]
    memory : (sections, 2, lines) of the filters, changed in place
    mix : (lines,) weights of the lines in what is heard
    heard : (samples,) becomes what is heard
    """
    lines = starts.size
    delays = np.empty(lines, np.int64)
    for i in range(lines):
        delays[i] = (starts[i + 1] if i + 1 < lines else state.size) - starts[i]
    values, back = np.zeros(lines), np.zeros(lines)
    for t in range(heard.size):
        total = 0.0
        for i in range(lines):
            values[i] = state[starts[i] + places[i]]
            back[i] = 0.0
        for s in range(sections.shape[0]):
            for i in range(lines):
                sound = values[i]
                values[i] = sections[s, 0, i] * sound + memory[s, 0, i]
                memory[s, 0, i] = sections[s, 1, i] * sound - sections[s, 3, i] * values[i] + memory[s, 1, i]
                memory[s, 1, i] = sections[s, 2, i] * sound - sections[s, 4, i] * values[i]
        for j in range(lines):
            sound = values[j]
            total += mix[j] * sound
            for i in range(lines):
                back[i] += matrix[j, i] * sound
        heard[t] = total
        for i in range(lines):
            state[starts[i] + places[i]] = back[i]
            places[i] += 1
            if places[i] == delays[i]:
                places[i] = 0
