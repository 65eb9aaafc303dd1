"""Trees of arrays in Flax's MessagePack form, read without Flax and without trust.

A map from names to maps, arrays, numbers and words. An array is extension type 1 (a scalar of NumPy 3) and
holds [shape, name of the dtype, bytes in row-major order], as ``flax.serialization`` writes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.errors import RunError

Tree = dict[str, Any]

MOST_BYTES = 1 << 30
_MOST_ENTRIES = 4096
_MOST_LETTERS = 4096
_MOST_AXES = 8
_ARRAY, _SCALAR = 1, 3
_DTYPES = {name: np.dtype(name) for name in ("float32", "float64", "int32", "int64", "uint32", "bool")}
_ADVICE = "train again or restore the file"


def read_tree(path: Path, *, most_bytes: int = MOST_BYTES) -> Tree:
    """The tree of a file that may come from anywhere: nothing is executed, no claimed size is believed.

    Arrays are views of what was read, which is as long as the file; a shape that its bytes do not fill is
    refused.
    """
    try:
        size = path.stat().st_size
        if size > most_bytes:
            raise RunError(f"{path}: has {size >> 20} MB, more than any model of filters; {_ADVICE}")
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror}); {_ADVICE}") from error
    return tree_of(content, str(path))


def tree_of(content: bytes, source: str) -> Tree:
    """The tree that bytes hold; `source` names them in errors."""
    import msgpack

    try:
        tree = msgpack.unpackb(
            content,
            ext_hook=_array,
            strict_map_key=True,
            max_array_len=0,
            max_map_len=_MOST_ENTRIES,
            max_str_len=_MOST_LETTERS,
            max_bin_len=_MOST_LETTERS,
        )
    # Each fault of a stranger's bytes has its own exception, from broken UTF-8 to maps nested too deep.
    except (ValueError, TypeError, KeyError, MemoryError, msgpack.exceptions.UnpackException) as error:
        raise RunError(f"{source}: is no file of arrays that Flax writes; {_ADVICE}") from error
    if not isinstance(tree, dict):
        raise RunError(f"{source}: holds no tree of arrays; {_ADVICE}")
    return tree


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names joined by slashes, and what stands under each, in order of the names."""
    for name in sorted(tree):
        value = tree[name]
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", value


def mismatch(found: Mapping[str, Any], expected: Mapping[str, Any]) -> str | None:
    """How the names, shapes or dtypes of a tree differ from those of another, in words; None where not.

    Leaves of `expected` need a shape and a dtype, no values.
    """
    ours, theirs = dict(leaves(expected)), dict(leaves(found))
    for name in sorted(ours.keys() ^ theirs.keys()):
        return f"{name} is {'missing' if name in ours else 'unknown'}"
    for name, wanted in ours.items():
        shape, dtype = getattr(theirs[name], "shape", None), getattr(theirs[name], "dtype", None)
        if shape != tuple(wanted.shape) or dtype != wanted.dtype:
            there = "no array" if shape is None else f"{dtype}{list(shape)}"
            return f"{name} is {there}, not {wanted.dtype}{list(wanted.shape)}"
    return None


def _array(code: int, data: bytes) -> np.ndarray | np.generic:
    import msgpack

    if code not in (_ARRAY, _SCALAR):
        raise ValueError(f"extension type {code}")
    shape, name, content = msgpack.unpackb(
        data, max_array_len=_MOST_AXES, max_map_len=0, max_ext_len=0, max_str_len=_MOST_LETTERS
    )
    dtype = _DTYPES[name]
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"shape {shape}")
    if not isinstance(content, bytes) or math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(f"{len(content)} bytes for shape {shape}")
    array = np.frombuffer(content, dtype).reshape(shape)
    return array[()] if code == _SCALAR else array
