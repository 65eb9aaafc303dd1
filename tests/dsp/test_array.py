from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.dsp.array import (
    as_like,
    frames,
    guarded_norm,
    overlap_add,
    pad_last,
    safe_sqrt,
    squared_magnitude,
)
from tonewright.errors import UsageError

sizes = st.integers(1, 12)


@settings(deadline=None, max_examples=60)
@given(length=sizes, before=st.integers(0, 40), after=st.integers(0, 40))
def test_padding_is_numpys(length: int, before: int, after: int) -> None:
    x = np.random.default_rng(length).normal(size=(2, length))
    for mode in ("constant", "reflect"):
        expected = np.pad(x, ((0, 0), (before, after)), mode=mode)
        np.testing.assert_array_equal(pad_last(x, before, after, mode=mode), expected)


def test_an_empty_sound_can_only_be_padded_with_silence() -> None:
    np.testing.assert_array_equal(pad_last(np.zeros((1, 0)), 2, 1), np.zeros((1, 3)))
    with pytest.raises(UsageError, match="empty"):
        pad_last(np.zeros((1, 0)), 2, 1, mode="reflect")
    with pytest.raises(UsageError, match="reflct"):
        pad_last(np.zeros((1, 4)), 2, 1, mode="reflct")


@settings(deadline=None, max_examples=60)
@given(length=st.integers(1, 40), frame_length=sizes, hop=sizes)
def test_frames_hold_what_lies_under_them(length: int, frame_length: int, hop: int) -> None:
    strict = pytest.importorskip("array_api_strict")
    x = np.arange(2.0 * length).reshape(2, length)
    if length < frame_length:
        with pytest.raises(UsageError, match="pad it"):
            frames(x, frame_length=frame_length, hop_samples=hop)
        return
    starts = range(0, length - frame_length + 1, hop)
    expected = np.stack([x[:, start : start + frame_length] for start in starts], axis=1)
    np.testing.assert_array_equal(frames(x, frame_length=frame_length, hop_samples=hop), expected)
    general = frames(strict.asarray(x), frame_length=frame_length, hop_samples=hop)
    np.testing.assert_array_equal(np.asarray(general), expected)


@settings(deadline=None, max_examples=60)
@given(count=sizes, frame_length=sizes, hop=sizes)
def test_overlap_add_is_the_transpose_of_framing(count: int, frame_length: int, hop: int) -> None:
    strict = pytest.importorskip("array_api_strict")
    rng = np.random.default_rng(0)
    pieces = rng.normal(size=(3, count, frame_length))
    x = rng.normal(size=(3, (count - 1) * hop + frame_length))
    total = overlap_add(pieces, hop_samples=hop)
    assert total.shape == x.shape
    framed = frames(x, frame_length=frame_length, hop_samples=hop)
    np.testing.assert_allclose(np.sum(total * x), np.sum(pieces * framed), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        np.asarray(overlap_add(strict.asarray(pieces), hop_samples=hop)), total, atol=1e-12
    )


def test_norms_of_nothing() -> None:
    assert guarded_norm(np.zeros(4), epsilon=0.25) == pytest.approx(0.25)
    assert guarded_norm(np.array([3.0, 4.0j]), epsilon=0.0) == pytest.approx(5.0)
    np.testing.assert_array_equal(safe_sqrt(np.array([0.0, 9.0])), [0.0, 3.0])
    np.testing.assert_allclose(squared_magnitude(np.array([3 + 4j])), [25.0])


def test_roots_of_nothing_have_gradient_zero() -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor([0.0, 4.0], requires_grad=True)
    safe_sqrt(x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]
    x = torch.zeros(3, requires_grad=True)
    guarded_norm(x).backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_constants_are_copies() -> None:
    torch = pytest.importorskip("torch")
    values = np.ones(3)
    values.flags.writeable = False
    constant = as_like(values, torch.zeros(1, dtype=torch.float64))
    constant += 1
    assert values.tolist() == [1.0, 1.0, 1.0]
