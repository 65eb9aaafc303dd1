"""What the figures of many sounds show."""

from __future__ import annotations

import numpy as np
import pytest

from tonewright.report.distributions import MOST_BARS, bars, spread


def test_bars_are_ordered_and_none_is_lost() -> None:
    amounts = {f"name {number}": float(number) for number in range(1, MOST_BARS + 11)}
    (axes,) = bars(amounts, unit="minutes").axes
    widths = [bar.get_width() for bar in axes.patches]
    assert sum(widths) == pytest.approx(sum(amounts.values()))
    names = [text.get_text() for text in axes.get_yticklabels()][::-1]
    assert names[0] == f"name {MOST_BARS + 10}"
    assert names[-1] == "10 more"
    assert widths[::-1][:MOST_BARS] == sorted(widths[1:], reverse=True)


@pytest.mark.parametrize("logarithmic", [False, True])
def test_steps_of_a_group_add_up_to_all_of_it(logarithmic: bool) -> None:
    generator = np.random.default_rng(0)
    values = {"a": generator.uniform(1, 2, 500).tolist(), "b": generator.uniform(1, 2, 40).tolist()}
    (axes,) = spread(values, label="x (Hz)", logarithmic=logarithmic).axes
    assert len(axes.patches) == 2
    for steps in axes.patches:
        assert sum(steps.get_data().values) == pytest.approx(100)  # type: ignore[attr-defined]


def test_weights_move_the_shares() -> None:
    values = {"a": [1.0, 3.0]}
    (axes,) = spread(values, label="x", weights={"a": [1.0, 4.0]}).axes
    shares = axes.patches[0].get_data().values  # type: ignore[attr-defined]
    assert (shares[0], shares[-1]) == pytest.approx((20, 80))


@pytest.mark.parametrize("values", [{}, {"a": []}, {"a": [0.0, -1.0]}, {"a": [float("nan")]}])
def test_nothing_to_show_is_an_empty_figure(values: dict[str, list[float]]) -> None:
    assert not spread(values or {"a": []}, label="x", logarithmic=True).axes[0].patches
