from __future__ import annotations

import io
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tonewright.audio.files import Clip
from tonewright.errors import UsageError
from tonewright.reverb import plot
from tonewright.reverb.analysis import analyse, compare
from tonewright.reverb.plots import KINDS

RATE = 24000


def room(decay_s, *, seed=0, rate=RATE, channels=2, floor_db=60):
    rng = np.random.default_rng(seed)
    time = np.arange(round(1.0 * rate)) / rate
    samples = rng.standard_normal((channels, len(time))) * 10 ** (-3 * time / decay_s)
    samples += rng.standard_normal(samples.shape) * 10 ** (-floor_db / 20)
    silence = np.zeros((channels, rate // 100))
    return Clip(np.hstack([silence, 0.1 * samples]).astype(np.float32), rate)


@pytest.fixture(scope="module")
def difference():
    return compare(room(0.6), room(0.5, seed=1))


def words(figure):
    """All text of a figure, as it is drawn."""
    import matplotlib as mpl

    output = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        figure.savefig(output, format="svg")
    return output.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_one_and_two_with_both_named(difference, kind):
    alone, both = (
        plot(difference.measured, kind=kind),
        plot(difference, kind=kind, labels=("hall", "network")),
    )
    assert "room" not in words(alone)
    for name in ("hall", "network"):
        assert name in words(both)


def test_a_title_stands_above_and_a_lone_response_is_named_by_it(difference):
    assert "A $hall" in words(plot(difference.measured, kind="density", labels=("A $hall", "")))
    both = words(plot(difference, kind="density", title="Two <rooms>"))
    assert "Two &lt;rooms&gt;" in both
    assert "fit" in both


def test_what_is_drawn_is_what_was_measured(difference):
    first, second = difference.measured, difference.fitted
    figure = plot(difference, kind="decays", channel=1)
    for axes, name in zip(figure.axes, ("decay_s", "edt_s", "c80_db"), strict=True):
        for line, side in zip(axes.lines, (first, second), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), getattr(side, name)[1])
    labels = [label.get_text() for label in figure.axes[2].get_xticklabels()]
    assert labels == ["63", "125", "250", "500", "1k", "2k", "4k", "8k"]
    curves = plot(difference, kind="curves").axes
    np.testing.assert_array_equal(curves[4].lines[1].get_ydata(), second.curves_db[0, 4])
    drawn = [text.get_text() for text in curves[4].texts]
    assert drawn == [f"{side.decay_s[0, 4]:.2f} s" for side in (first, second)]
    bars = plot(difference, kind="spectrum").axes[1].patches
    np.testing.assert_allclose([bar.get_height() for bar in bars], difference.spectrum_db[0])


def test_the_relief_falls_as_the_room_does(difference):
    figure = plot(difference, kind="relief")
    image = figure.axes[0].images[0]
    levels, (left, right, low, high) = np.asarray(image.get_array()), image.get_extent()
    assert levels.max() <= 0
    assert right == pytest.approx(difference.measured.broadband.truncation_s[0], rel=0.05)
    assert (left, 2**low, 2**high) == (0.0, pytest.approx(50.0), pytest.approx(RATE / 2))
    times = np.linspace(left, right, levels.shape[1], endpoint=False)
    part = (times > 0.05) & (times < 0.35)
    slopes = [np.polyfit(times[part], row[part], 1)[0] for row in levels[30:]]
    assert np.median(slopes) == pytest.approx(-100, rel=0.1)


def test_a_clip_is_analysed_and_a_fit_brings_both_sides(difference):
    clip = difference.measured.clip
    drawn = plot(clip, difference.fitted.clip, kind="decays").axes[0].lines
    np.testing.assert_array_equal(drawn[0].get_ydata(), difference.measured.decay_s[0])
    np.testing.assert_array_equal(drawn[1].get_ydata(), difference.fitted.decay_s[0])
    fit: Any = SimpleNamespace(room_analysis=difference.measured, analysis=difference.fitted)
    assert len(plot(fit, kind="decays").axes[0].lines) == 2


@pytest.mark.parametrize("kind", ["overview", "curves", "waveform"])
@pytest.mark.parametrize("odd", ["silent channel", "few samples", "no octave", "noise"])
def test_what_has_no_figures_is_drawn_without_them(kind, odd):
    clip = {
        "silent channel": Clip(room(0.4).samples * np.array([[1.0], [0.0]], np.float32), RATE),
        "few samples": Clip(room(0.4).samples[:, :300], RATE),
        "no octave": room(0.4, rate=100),
        "noise": room(0.4, floor_db=0),
    }[odd]
    plot(analyse(clip), kind=kind, channel=1).savefig(io.BytesIO(), format="png", dpi=30)


def test_wrong_requests_say_what_there_is(difference):
    with pytest.raises(UsageError, match="did you mean relief"):
        plot(difference, kind="relieff")
    with pytest.raises(UsageError, match="has 2, counted from 0"):
        plot(difference, channel=2)
    with pytest.raises(UsageError, match="dict cannot be drawn"):
        plot({})


def test_no_window_is_opened_and_matplotlib_is_loaded_late():
    code = (
        "import sys, tonewright.reverb as r; r.plot; print('matplotlib' in sys.modules);"
        "import numpy as np; from tonewright.audio.files import Clip;"
        "r.plot(Clip(np.eye(1, 4000), 8000), kind='density'); print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["False", "False"]
