"""Compiled loops of the recursion of a feedback delay network."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def advance(
    state: np.ndarray,
    output: np.ndarray,
    matrix: np.ndarray,
    delays: np.ndarray,
    coefficients: np.ndarray,
    memory: np.ndarray,
    start: int,
    stop: int,
    direction: int,
) -> None:
    r"""Run a network in place over columns `start` to `stop`, upwards or downwards in time.

    The rows of `state` hold what leaves each delay line, followed by the sound that enters. A block no longer than
    the shortest delay is filtered in place, multiplied by `matrix`, and what enters the lines is stored where it
    will leave them, so that no ring buffer is needed.

    Parameters
    ----------
    state : (lines + inputs, columns)
    output : (outputs, at least stop - start); upwards in time only
    matrix : (lines + outputs, lines + inputs)
    delays : (lines,)
    coefficients : (sections, 5, lines) as b0 b1 b2 a1 a2
    memory : (sections, 4, lines) last two inputs and outputs of each section, changed in place
    start, stop : range of columns
    direction : 1, or -1 for reversed time
    """
    lines = delays.size
    block = delays.min()
    done = 0
    while done < stop - start:
        length = min(block, stop - start - done)
        first = start + done if direction > 0 else stop - done - length
        for section in range(coefficients.shape[0]):
            for line in range(lines):
                c = coefficients[section, :, line]
                x1, x2, y1, y2 = memory[section, :, line]
                for step in range(length):
                    n = first + step if direction > 0 else first + length - 1 - step
                    x = state[line, n]
                    y = c[0] * x + c[1] * x1 + c[2] * x2 - c[4] * y2 - c[3] * y1
                    state[line, n] = y
                    x1, x2, y1, y2 = x, x1, y, y1
                memory[section, 0, line] = x1
                memory[section, 1, line] = x2
                memory[section, 2, line] = y1
                memory[section, 3, line] = y2
        for row in range(matrix.shape[0]):
            for n in range(first, first + length):
                total = state[0, n] * matrix[row, 0]
                for column in range(1, matrix.shape[1]):
                    total += matrix[row, column] * state[column, n]
                if row < lines:
                    state[row, n + direction * delays[row]] = total
                else:
                    output[row - lines, n - start] = total
        done += length
