"""Small helpers that let one function serve NumPy, PyTorch, JAX and every other array API framework."""

from __future__ import annotations

from typing import Any, TypeAlias

import array_api_compat as compat
import numpy as np

from tonewright.errors import UsageError

Array: TypeAlias = Any
"""An array of any framework that keeps the Python array API standard."""


def namespace(*values: Array | float) -> Any:
    """Array namespace that the arrays among `values` share; NumPy's when all are plain numbers."""
    arrays = [value for value in values if compat.is_array_api_obj(value)]
    # NumPy keeps the standard by itself, and its wrapper takes half a second to import.
    return np if all(map(compat.is_numpy_array, arrays)) else compat.array_namespace(*arrays)


def device_of(x: Array) -> Any:
    """Device of `x`, or None while it is being traced and has no device yet."""
    return compat.device(x)


def real_dtype(x: Array) -> Any:
    """Floating type of the real part of `x`."""
    xp = namespace(x)
    if xp.isdtype(x.dtype, "complex floating"):
        return xp.float32 if x.dtype == xp.complex64 else xp.float64
    return x.dtype


def complex_dtype(x: Array) -> Any:
    """Complex type with the precision of `x`."""
    xp = namespace(x)
    if xp.isdtype(x.dtype, "complex floating"):
        return x.dtype
    return xp.complex64 if x.dtype == xp.float32 else xp.complex128


def as_like(values: Any, like: Array) -> Array:
    """Real constants with the framework, the device and the precision of `like`.

    Parameters
    ----------
    values : number, sequence or NumPy array, of any shape
    like : array to follow
    """
    # The copy spares torch a warning about read-only memory, and nobody a cached constant.
    constants = np.array(values)
    return namespace(like).asarray(constants, dtype=real_dtype(like), device=device_of(like))


def indices_like(values: Any, like: Array) -> Array:
    """Integer constants on the device of `like`, to index with."""
    xp = namespace(like)
    # JAX has int64 only when its 64-bit mode is on; asking its default type keeps both modes quiet.
    dtype = xp.__array_namespace_info__().default_dtypes()["indexing"]
    return xp.asarray(np.array(values, dtype=np.int64), dtype=dtype, device=device_of(like))


def as_arrays(*values: Array | float) -> tuple[Array, ...]:
    """`values` as arrays of one framework: plain numbers follow the first array, or become float64."""
    first = next((value for value in values if compat.is_array_api_obj(value)), None)
    if first is None:
        return tuple(np.asarray(value, dtype=np.float64) for value in values)
    return tuple(value if compat.is_array_api_obj(value) else as_like(value, first) for value in values)


def as_complex(real: Array, imaginary: Array) -> Array:
    """Complex array ``real + j imaginary``."""
    xp = namespace(real, imaginary)
    dtype = complex_dtype(real)
    return xp.astype(real, dtype) + 1j * xp.astype(imaginary, dtype)


def squared_magnitude(x: Array) -> Array:
    """|x|² of a real or complex array, with a gradient at zero."""
    xp = namespace(x)
    if not xp.isdtype(x.dtype, "complex floating"):
        return x * x
    real, imaginary = xp.real(x), xp.imag(x)
    return real * real + imaginary * imaginary


def safe_sqrt(x: Array) -> Array:
    """√x for x ≥ 0, with gradient 0 instead of infinity where x is 0."""
    xp = namespace(x)
    zero = x == 0
    # Both branches of `where` are differentiated, so the root itself must never see the zero.
    return xp.where(zero, xp.zeros_like(x), xp.sqrt(xp.where(zero, xp.ones_like(x), x)))


def guarded_norm(x: Array, *, axis: int | tuple[int, ...] | None = None, epsilon: float = 1e-8) -> Array:
    """Euclidean norm that is smooth at zero: √(Σ|x|² + ε²).

    Parameters
    ----------
    x : real or complex array
    axis : axis or axes to reduce; all by default
    epsilon : value of the norm at zero
    """
    xp = namespace(x)
    return xp.sqrt(xp.sum(squared_magnitude(x), axis=axis) + epsilon**2)


def pad_last(x: Array, before: int, after: int, *, mode: str = "constant") -> Array:
    """Lengthen the last axis at both ends.

    Parameters
    ----------
    x : (…, time)
    before, after : samples to add at the start and at the end
    mode : "constant" for zeros; "reflect" to mirror about the first and the last sample, to and fro
        as often as it takes, so that a short array can be lengthened by any amount

    Returns
    -------
    (…, before + time + after)
    """
    if before == 0 and after == 0:
        return x
    xp, length = namespace(x), x.shape[-1]
    if mode == "constant":
        parts = [_zeros(x, before), x, _zeros(x, after)]
    elif mode == "reflect":
        if length == 0:
            raise UsageError("reflect padding: the array is empty; pad it with zeros instead")
        left = indices_like(_mirrored(np.arange(-before, 0), length), x)
        right = indices_like(_mirrored(np.arange(length, length + after), length), x)
        parts = [xp.take(x, left, axis=-1), x, xp.take(x, right, axis=-1)]
    else:
        raise UsageError(f"padding mode {mode!r}: not known; choose constant or reflect")
    return xp.concat([part for part in parts if part.shape[-1]], axis=-1)


def _zeros(x: Array, count: int) -> Array:
    return namespace(x).zeros((*x.shape[:-1], count), dtype=x.dtype, device=device_of(x))


def _mirrored(positions: np.ndarray, length: int) -> np.ndarray:
    """Positions of an endless to-and-fro walk over `length` samples, brought back into the array."""
    period = max(2 * (length - 1), 1)
    folded = positions % period
    return np.minimum(folded, period - folded) if length > 1 else np.zeros_like(folded)


def frames(x: Array, *, frame_length: int, hop_samples: int) -> Array:
    """Overlapping frames of the last axis.

    Frame m holds the samples from m·hop on. Samples after the last whole frame are left out.

    Parameters
    ----------
    x : (…, time), time ≥ frame_length

    Returns
    -------
    (…, frames, frame_length), frames = 1 + ⌊(time − frame_length)/hop⌋
    """
    if frame_length < 1 or hop_samples < 1:
        raise UsageError(f"frames of {frame_length} samples every {hop_samples}: both must be at least 1")
    if x.shape[-1] < frame_length:
        raise UsageError(f"frames of {frame_length} samples: the sound has only {x.shape[-1]}; pad it first")
    if compat.is_numpy_array(x):
        return np.lib.stride_tricks.sliding_window_view(x, frame_length, axis=-1)[..., ::hop_samples, :]
    # Whole hops side by side: slices and a concatenation, whose gradient needs no scatter.
    xp = namespace(x)
    count = 1 + (x.shape[-1] - frame_length) // hop_samples
    pieces = -(-frame_length // hop_samples)
    needed = (count + pieces - 1) * hop_samples
    x = pad_last(x, 0, needed - x.shape[-1]) if needed > x.shape[-1] else x[..., :needed]
    hops = xp.reshape(x, (*x.shape[:-1], count + pieces - 1, hop_samples))
    parts = [hops[..., piece : piece + count, :] for piece in range(pieces)]
    parts[-1] = parts[-1][..., : frame_length - (pieces - 1) * hop_samples]
    return xp.concat(parts, axis=-1) if pieces > 1 else parts[0]


def overlap_add(framed: Array, *, hop_samples: int) -> Array:
    """Sum of frames placed `hop_samples` apart.

    Parameters
    ----------
    framed : (…, frames, frame_length)

    Returns
    -------
    (…, time), time = (frames − 1)·hop + frame_length
    """
    xp = namespace(framed)
    *lead, count, frame_length = framed.shape
    pieces = -(-frame_length // hop_samples)
    framed = pad_last(framed, 0, pieces * hop_samples - frame_length)
    length = (count - 1) * hop_samples + frame_length
    if compat.is_numpy_array(framed):
        total = np.zeros((*lead, count + pieces - 1, hop_samples), dtype=framed.dtype)
        for piece in range(pieces):
            start = piece * hop_samples
            total[..., piece : piece + count, :] += framed[..., start : start + hop_samples]
    else:
        rows = xp.reshape(framed, (*lead, count, pieces, hop_samples))
        blank = (*lead, pieces - 1, hop_samples)
        gap = xp.zeros(blank, dtype=framed.dtype, device=device_of(framed))
        shifted = (
            xp.concat([gap[..., :piece, :], rows[..., piece, :], gap[..., piece:, :]], axis=-2)
            for piece in range(pieces)
        )
        total = next(shifted)
        for part in shifted:
            total = total + part
    return xp.reshape(total, (*lead, -1))[..., :length]
