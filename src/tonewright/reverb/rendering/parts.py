"""The two parts of a network that run on sound: its lines, and its direct path with early reflections."""

from __future__ import annotations

import numpy as np

from tonewright.reverb.engines.recursion import Run, line_filters
from tonewright.reverb.network import FDNBuild

_CHUNK = 8192
# Work of one point of the transforms, in products of tap and sample.
_TRANSFORM_COST = 30
_LEAST_TRANSFORM = 1024
_MOST_WINDOWS = 1 << 17


class LateSound:
    """Delay lines with their past, pre-delay and tone filter.

    Parameters
    ----------
    build : the network; its direct path and early reflections are left out
    dtype : float32 or float64
    """

    def __init__(self, build: FDNBuild, dtype: np.dtype) -> None:
        gains, coefficients = line_filters(build.filters, build.lines)
        self.build, self.dtype = build, dtype
        self._run = Run(build.delays, coefficients, inputs=build.inputs, outputs=build.outputs)
        upper = np.concatenate([build.A * gains, build.B], axis=1)
        lower = np.concatenate([build.C * gains, np.zeros_like(build.D)], axis=1)
        self._weights = self._run.weights(np.concatenate([upper, lower]), dtype)
        self._pad = max(int(build.delays.max()), build.pre_delay)
        self._chunk = max(_CHUNK, self._pad)
        self._state = self._run.room(self._pad + self._chunk, dtype)
        self._at = 0
        self._memory = self._run.memory()
        sections = 0 if build.post_eq is None else build.post_eq.shape[0]
        self._tone = np.zeros((build.outputs, sections, 2))

    def process(self, block: np.ndarray) -> np.ndarray:
        """(inputs, time) to (outputs, time)."""
        made = np.empty((self.build.outputs, block.shape[1]), self.dtype)
        for start in range(0, block.shape[1], self._chunk):
            part = block[:, start : start + self._chunk]
            self._advance(part, made[:, start : start + self._chunk])
        if self.build.post_eq is not None and made.size:
            self._equalise(made)
        return made

    def _advance(self, part: np.ndarray, made: np.ndarray) -> None:
        state, columns, count = self._state, self._run.columns, part.shape[1]
        if self._at + count > self._chunk:
            state[:columns, : self._pad] = state[:columns, self._at : self._at + self._pad]
            self._at = 0
        start, end = self._at, self._at + count
        entry = self.build.pre_delay
        state[self.build.lines : columns, start + entry : end + entry] = part
        self._run(state, self._weights, start, end, self._memory)
        made[:] = state[self._run.heard, start:end]
        self._at = end

    def _equalise(self, made: np.ndarray) -> None:
        from scipy.signal import sosfilt

        assert self.build.post_eq is not None
        for output, row in enumerate(made):
            sections = np.ascontiguousarray(self.build.post_eq[:, :, output])
            row[:], self._tone[output] = sosfilt(sections, row.astype(np.float64), zi=self._tone[output])


class EarlySound:
    """Direct path and early reflections: few of them one by one, many by the discrete Fourier transform.

    Parameters
    ----------
    build : the network; its lines are left out
    dtype : float32 or float64
    """

    def __init__(self, build: FDNBuild, dtype: np.dtype) -> None:
        positions, gains = np.zeros(1, np.int64), build.D[:, :, None].copy()
        if build.early is not None:
            positions = np.union1d(positions, build.early.positions)
            gains = np.zeros((*build.D.shape, positions.size))
            gains[:, :, np.searchsorted(positions, build.early.positions)] = build.early.gains
            gains[:, :, 0] += build.D
        heard = gains.any(axis=(0, 1))
        self.positions, self.gains = positions[heard], np.ascontiguousarray(gains[:, :, heard], dtype=dtype)
        self.past = np.zeros((build.inputs, int(self.positions.max(initial=0))), dtype)
        self._spectra: dict[int, np.ndarray] = {}

    def process(self, block: np.ndarray) -> np.ndarray:
        """(inputs, time) to (outputs, time)."""
        count, before = block.shape[1], self.past.shape[1]
        if not self.positions.size or not count:
            return np.zeros((self.gains.shape[0], count), block.dtype)
        heard = np.concatenate([self.past, block], axis=1)
        size = max(_LEAST_TRANSFORM, 1 << int(4 * before).bit_length())
        transforms = -(-count // (size - before))
        direct = self.positions.size * count <= _TRANSFORM_COST * size * transforms
        made = self._by_taps(heard, count) if direct else self._by_transform(heard, count, size)
        self.past = heard[:, heard.shape[1] - before :].copy()
        return made

    def _by_taps(self, heard: np.ndarray, count: int) -> np.ndarray:
        outputs, inputs, taps = self.gains.shape
        starts = self.past.shape[1] - self.positions
        made = np.empty((outputs, count), heard.dtype)
        step = max(1, _MOST_WINDOWS // (inputs * taps))
        weights = self.gains.reshape(outputs, inputs * taps)
        for at in range(0, count, step):
            length = min(step, count - at)
            windows = np.lib.stride_tricks.sliding_window_view(heard, length, axis=1)[:, starts + at]
            made[:, at : at + length] = weights @ windows.reshape(inputs * taps, length)
        return made

    def _by_transform(self, heard: np.ndarray, count: int, size: int) -> np.ndarray:
        from scipy.fft import irfft, rfft

        before = self.past.shape[1]
        if size not in self._spectra:
            impulse = np.zeros((*self.gains.shape[:2], before + 1), heard.dtype)
            impulse[:, :, self.positions] = self.gains
            self._spectra = {size: np.asarray(rfft(impulse, size))}
        made = np.empty((self.gains.shape[0], count), heard.dtype)
        for at in range(0, count, size - before):
            spectrum = np.asarray(rfft(heard[:, at : at + size], size))
            summed = (self._spectra[size] * spectrum).sum(axis=1)
            part = np.asarray(irfft(summed, size))[:, before:]
            made[:, at : at + part.shape[1]] = part[:, : count - at]
        return made
