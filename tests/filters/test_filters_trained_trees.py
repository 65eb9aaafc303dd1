"""Arrays in files from anywhere: Flax's own come back as they were, all others are refused in words."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tonewright.errors import RunError
from tonewright.filters.trees import leaves, mismatch, read_tree, tree_of

NAMES = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=5)
VALUES = arrays.arrays(
    st.sampled_from([np.float32, np.float64, np.int32, np.uint32, np.bool_]),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
TREES = st.dictionaries(
    NAMES, st.recursive(VALUES, lambda inner: st.dictionaries(NAMES, inner), max_leaves=5)
)


@settings(deadline=None, max_examples=40)
@given(TREES)
def test_what_flax_writes_is_read_without_it(tree: dict) -> None:
    from flax import serialization

    content = serialization.msgpack_serialize(tree)
    ours, theirs = dict(leaves(tree_of(content, "x"))), dict(leaves(serialization.msgpack_restore(content)))
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert value.dtype == theirs[name].dtype
        assert np.array_equal(value, theirs[name], equal_nan=value.dtype.kind == "f")


def array(shape: list, name: object, content: bytes) -> bytes:
    return msgpack.packb({"w": msgpack.ExtType(1, msgpack.packb((shape, name, content)))})


STRANGE = {
    "nothing": b"",
    "words": b"not arrays at all, only words",
    "a list": msgpack.packb([1, 2, 3]),
    "lists within": msgpack.packb({"w": [1, 2]}),
    "ten terabytes claimed": array([10**13 // 4], "float32", b""),
    "a product that overflows": array([2**62, 4], "float32", b""),
    "negative lengths that cancel": array([-1, -1], "float32", b"abcd"),
    "lengths that are no numbers": array([1.0], "float32", b"abcd"),
    "objects": array([1], "O", b"12345678"),
    "fields": array([1], "f4,f4", b"12345678"),
    "a dtype that is a list": array([1], ["O"], b"12345678"),
    "bytes that are a number": msgpack.packb({"w": msgpack.ExtType(1, msgpack.packb(([1], "float32", 4)))}),
    "no shape": msgpack.packb({"w": msgpack.ExtType(1, msgpack.packb(5))}),
    "another extension": msgpack.packb({"w": msgpack.ExtType(42, b"12")}),
    "a complex number": msgpack.packb({"w": msgpack.ExtType(2, msgpack.packb((1.0, 2.0)))}),
    "four billion entries claimed": b"\xdf\xff\xff\xff\xff",
    "four billion bytes claimed": b"\x81\xa1w\xc6\xff\xff\xff\xff",
    "an extension of four billion bytes": b"\x81\xa1w\xc9\xff\xff\xff\xff\x01",
    "maps without an end": b"\x81\xa1w" * 5000 + b"\x01",
    "a name that is a number": b"\x81\x01\x02",
    "broken letters": b"\x81\xa1\xff\x01",
}


@pytest.mark.parametrize("case", STRANGE)
def test_strange_files_are_refused_in_a_line_and_in_little_memory(case: str, tmp_path: Path) -> None:
    path = tmp_path / "model.msgpack"
    path.write_bytes(STRANGE[case])
    tracemalloc.start()
    try:
        with pytest.raises(RunError, match=r"model\.msgpack") as error:
            read_tree(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert "\n" not in str(error.value)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_tree_or_refused(content: bytes) -> None:
    try:
        tree = tree_of(content, "x")
    except RunError:
        return
    assert isinstance(tree, dict)


def test_a_file_too_long_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "long.msgpack"
    with path.open("wb") as file:
        file.truncate(2 << 20)
    with pytest.raises(RunError, match="2 MB"):
        read_tree(path, most_bytes=1 << 20)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"gone\.msgpack.*No such file"):
        read_tree(tmp_path / "gone.msgpack")


def test_trees_differ_by_names_shapes_and_dtypes() -> None:
    tree = {"a": {"k": np.zeros((2, 3), np.float32)}, "b": np.zeros((), np.int32)}
    assert mismatch(tree, tree) is None
    assert mismatch({"a": {"k": np.ones((2, 3), np.float32)}, "b": np.int32(4)}, tree) is None
    assert mismatch({"a": tree["a"]}, tree) == "b is missing"
    assert mismatch({**tree, "c": np.zeros(1)}, tree) == "c is unknown"
    assert "float32[3, 2]" in str(mismatch({**tree, "a": {"k": np.zeros((3, 2), np.float32)}}, tree))
    assert "float64" in str(mismatch({**tree, "a": {"k": np.zeros((2, 3))}}, tree))
    assert mismatch({**tree, "b": 4}, tree) == "b is no array, not int32[]"
