"""Pictures of filters: what is drawn is what was given, all words have room, files are safe."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from tonewright.errors import OutputError, UsageError
from tonewright.filters.bank import Bank
from tonewright.filters.plots import (
    plot_bank,
    plot_encodings,
    plot_fit,
    plot_knobs,
    plot_morph,
    plot_training,
)
from tonewright.filters.plots.frame import LEAST_RANGE_DB, RANGE_DB, level_limits, shortened

FREQUENCIES = np.geomspace(20, 20000, 96)
KNOBS = ("brightness", "warmth", "width", "level")


def parallel(count: int = 8, slope: float = 0.0) -> Bank:
    frequency = np.geomspace(40, 14000, count)
    gain = 10 ** (slope * np.log2(frequency / 700) / 20) * np.where(np.arange(count) % 3, 1.0, -0.5)
    return Bank(frequency, np.full(count, 2.0), gain)


def series() -> Bank:
    return Bank(
        np.array([90.0, 1000.0, 7000.0]),
        np.array([0.7, 3.0, 0.7]),
        np.array([6.0, -9.0, 3.0]),
        kind="series",
        shapes=("low_shelf", "peaking", "high_shelf"),
        level_db=-2.0,
    )


class Model:
    """What `plot_knobs` needs of a model."""

    def __init__(self, latent: int = 4) -> None:
        names = [*KNOBS, *(f"shape {number}" for number in range(latent))][:latent]
        self.knobs = tuple(SimpleNamespace(name=name, share=0.25) for name in names)

    def bank(self, z: np.ndarray) -> Bank:
        return parallel(slope=float(z[0] + 0.5 * z[-1]))


def spectra(count: int) -> np.ndarray:
    return np.random.default_rng(count).normal(-20, 8, (count, 96))


def fit(count: int = 12) -> Any:
    target = spectra(1)[0]
    return SimpleNamespace(
        frequencies_hz=FREQUENCIES, target_db=target, achieved_db=target + 1.5, bank=parallel(count)
    )


LONG = "a folder/with a very long name/that goes on and on/and the sound, number 1234.wav"
PICTURES = {
    "bank": lambda **more: plot_bank(parallel(32), **more),
    "one filter": lambda **more: plot_bank(parallel(1), **more),
    "many filters": lambda **more: plot_bank(parallel(300), **more),
    "equaliser": lambda **more: plot_bank(series(), **more),
    "low rate": lambda **more: plot_bank(parallel(), sample_rate=8000, **more),
    "lowest rate": lambda **more: plot_bank(parallel(), sample_rate=30, **more),
    "knobs": lambda **more: plot_knobs(Model(), **more),
    "one knob": lambda **more: plot_knobs(Model(1), **more),
    "five knobs": lambda **more: plot_knobs(Model(5), **more),
    "morph": lambda **more: plot_morph([parallel(slope=s) for s in range(8)], **more),
    "long morph": lambda **more: plot_morph(
        spectra(19), frequencies_hz=FREQUENCIES, labels=[LONG] * 19, **more
    ),
    "one step": lambda **more: plot_morph([series()], **more),
    "fit": lambda **more: plot_fit(fit(), **more),
    "training": lambda **more: plot_training(
        spectra(12), spectra(12) + 1, frequencies_hz=FREQUENCIES, names=[LONG] * 12, **more
    ),
    "three spectra": lambda **more: plot_training(spectra(3), spectra(3), frequencies_hz=FREQUENCIES, **more),
    "encodings": lambda **more: plot_encodings(
        [LONG] * 12, np.full((12, 4), -4.0), frequencies_hz=FREQUENCIES, target_db=spectra(12),
        achieved_db=spectra(12), knobs=KNOBS, **more,
    ),
    "one encoding": lambda **more: plot_encodings(
        ["x"], np.zeros(4), frequencies_hz=FREQUENCIES, target_db=spectra(1), achieved_db=spectra(1), **more
    ),
}  # fmt: skip


def words(figure: Figure) -> str:
    output = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        figure.savefig(output, format="svg")
    return output.getvalue()


def drawn_texts(figure: Figure) -> list[Text]:
    """Every text of a figure that is drawn: no hidden axes, no ticks beyond an axis's ends."""
    figure.draw_without_rendering()
    hidden: set[int] = set()
    for axes in figure.axes:
        if not axes.get_visible():
            hidden |= {id(text) for text in axes.findobj(Text)}
        for axis in (axes.xaxis, axes.yaxis):
            kept = {id(label) for tick in axis._update_ticks() for label in (tick.label1, tick.label2)}
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            hidden |= {id(label) for tick in ticks for label in (tick.label1, tick.label2)} - kept
    texts = [text for text in figure.findobj(Text) if id(text) not in hidden]
    return [text for text in texts if text.get_visible() and text.get_text()]


@pytest.mark.parametrize("name", PICTURES)
def test_every_word_has_room(name: str) -> None:
    title = "Filters of <something> and $x_1$"
    figure = PICTURES[name](title=title)
    page = figure.bbox.padded(1)
    texts = drawn_texts(figure)
    for text in texts:
        box = text.get_window_extent()
        assert page.x0 <= box.x0 <= box.x1 <= page.x1, text.get_text()
        assert page.y0 <= box.y0 <= box.y1 <= page.y1, text.get_text()
    assert any(text.get_text().startswith(title) for text in texts)
    titles = [text.get_window_extent() for text in texts if text.get_fontweight() == "bold"]
    assert not any(one.overlaps(other) for at, one in enumerate(titles) for other in titles[:at])


def test_a_bank_is_drawn_over_its_filters() -> None:
    for bank in (parallel(), series()):
        axes = plot_bank(bank).axes[0]
        bold = max(axes.lines, key=lambda line: line.get_linewidth())
        frequencies = np.asarray(bold.get_xdata(), float)
        assert (frequencies[0], frequencies[-1]) == (pytest.approx(20), pytest.approx(20000))
        np.testing.assert_array_equal(bold.get_ydata(), bank.magnitude_db(frequencies))
        faint = [line for line in axes.lines if line is not bold and len(np.atleast_1d(line.get_xdata())) > 2]
        drawn = len(faint) + len(axes.collections)
        assert drawn == bank.filters
        labels = [label.get_text() for label in axes.get_xticklabels()]
        assert labels == ["20", "50", "100", "200", "500", "1k", "2k", "5k", "10k", "20k"]
    text = words(plot_bank(parallel()))
    assert "filters of negative gain" in text
    assert "filters of negative gain" not in words(plot_bank(Bank(*np.ones((3, 2)))))


def test_the_single_filters_of_a_parallel_bank_add_up_to_it() -> None:
    from tonewright.filters.plots.banks import single_responses

    bank = series()
    singles = single_responses(bank, FREQUENCIES, sample_rate=44100)
    np.testing.assert_allclose(singles.sum(axis=0) - 2.0, bank.magnitude_db(FREQUENCIES), atol=1e-9)
    far = Bank(
        np.array([100.0, 9000.0]), np.array([30.0, 30.0]), np.array([1.0, -0.5]), level_db=-6.0, order=2
    )
    peaks = single_responses(far, far.frequency_hz, sample_rate=44100).diagonal()
    np.testing.assert_allclose(peaks, far.magnitude_db(far.frequency_hz), atol=0.01)


def test_each_knob_is_turned_alone_from_blue_to_orange() -> None:
    figure = plot_knobs(Model())
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [axes.get_title(loc="left") for axes in panels] == [f"{i + 1}  {n}" for i, n in enumerate(KNOBS)]
    assert all(axes.get_title(loc="right") == "explains 25 %" for axes in panels)
    frequencies = np.asarray(panels[0].lines[0].get_xdata(), float)
    for index, setting in ((0, -2.0), (3, -2.0)):
        expected = Model().bank(setting * np.eye(4)[index]).magnitude_db(frequencies)
        np.testing.assert_array_equal(panels[index].lines[0].get_ydata(), expected)
    red_first, red_last = (mpl.colors.to_rgb(panels[0].lines[at].get_color())[0] for at in (0, -1))
    assert red_first < 0.2 < 0.6 < red_last
    assert len(panels[0].lines) % 2 == 1  # the middle is at 0


def test_a_strip_has_a_picture_a_step() -> None:
    levels = spectra(19)
    figure = plot_morph(levels, frequencies_hz=FREQUENCIES, labels=[str(i) for i in range(19)])
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in shown] == [str(i) for i in range(19)]
    for axes, level in zip(shown, levels, strict=True):
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), level)
        np.testing.assert_array_equal(axes.lines[1].get_ydata(), levels[0])


def test_a_fit_shows_target_bank_and_error() -> None:
    given = fit()
    upper, lower = plot_fit(given).axes
    np.testing.assert_array_equal(upper.lines[0].get_ydata(), given.target_db)
    np.testing.assert_array_equal(upper.lines[1].get_ydata(), given.achieved_db)
    np.testing.assert_array_equal(upper.lines[2].get_xdata(), given.bank.frequency_hz)
    error = max(lower.lines, key=lambda line: len(np.atleast_1d(line.get_ydata())))
    np.testing.assert_allclose(np.asarray(error.get_ydata(), float), 1.5)


def test_training_is_blue_and_orange_and_has_no_0_hz() -> None:
    linear = np.linspace(0, 22050, 513)
    figure = plot_training(np.zeros(513), np.ones(513), frequencies_hz=linear)
    target, reached = figure.axes[0].lines
    assert (target.get_color(), reached.get_color()) == ("#1a5fb4", "#b8430a")
    np.testing.assert_array_equal(target.get_xdata(), linear[1:])
    assert "reconstruction" in words(figure)
    many = plot_training(spectra(100), spectra(100), frequencies_hz=FREQUENCIES)
    shown = [axes.lines[0].get_ydata() for axes in many.axes]
    assert len(shown) == 8
    np.testing.assert_array_equal(shown[-1], spectra(100)[-1])


def test_encodings_show_the_numbers_and_say_what_is_left_out() -> None:
    z = np.random.default_rng(0).normal(size=(12, 4))
    more = {"frequencies_hz": FREQUENCIES, "target_db": spectra(12), "achieved_db": spectra(12)}
    figure = plot_encodings([f"{i}.wav" for i in range(12)], z, knobs=KNOBS, **more)
    bars = figure.axes[2].patches
    widths = [bar.get_width() for bar in bars if bar.get_height() < 0.6]
    np.testing.assert_allclose(widths, z[1])
    assert [axes.get_title(loc="left") for axes in figure.axes[1::2]] == [f"{i}.wav" for i in range(8)]
    assert any(text.get_text() == "(8 of 12 sounds)" for text in figure.findobj(Text))
    np.testing.assert_array_equal(figure.axes[3].lines[0].get_ydata(), spectra(12)[1])


@pytest.mark.parametrize(
    ("levels", "low", "high"),
    [
        ([np.zeros(3)], -LEAST_RANGE_DB / 2, LEAST_RANGE_DB / 2),
        ([np.array([-400.0, 0.0])], -1.06 * RANGE_DB, 0.06 * RANGE_DB),
        ([np.full(2, np.nan)], -LEAST_RANGE_DB / 2, LEAST_RANGE_DB / 2),
        ([np.array([-30.0]), np.array([np.inf, -10.0])], -31.2, -8.8),
    ],
)
def test_the_axis_of_levels_is_neither_endless_nor_nothing(levels: list, low: float, high: float) -> None:
    assert level_limits(levels) == (pytest.approx(low), pytest.approx(high))


def test_long_and_odd_names_are_made_to_fit() -> None:
    assert shortened("kick.wav") == "kick.wav"
    assert shortened("a" * 30 + "z" * 30, 21) == "a" * 10 + "…" + "z" * 10
    assert shortened("a\nb\x00") == "a�b�"
    assert shortened("Bässe из 東京") == "Bässe из ��"


@pytest.mark.parametrize(("ending", "head"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_a_picture_is_written_whole(ending: str, head: bytes, tmp_path: Path) -> None:
    plot_bank(parallel(), tmp_path / f"bank{ending}")
    assert (tmp_path / f"bank{ending}").read_bytes().startswith(head)


def test_no_picture_is_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "bank.png"
    plot_bank(parallel(), path)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        plot_bank(series(), path)
    assert path.read_bytes() == before
    plot_bank(series(), path, overwrite=True)
    assert path.read_bytes() != before
    assert list(tmp_path.iterdir()) == [path]


def test_wrong_requests_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"bank.txt: a picture ends in one of .png, .svg, .pdf"):
        plot_bank(parallel(), tmp_path / "bank.txt")
    with pytest.raises(UsageError, match="give frequencies_hz"):
        plot_morph(spectra(3))
    with pytest.raises(UsageError, match=r"1 to 64 steps; got 0"):
        plot_morph([])
    with pytest.raises(UsageError, match="3 steps have 2 labels"):
        plot_morph([series()] * 3, labels=["a", "b"])
    with pytest.raises(UsageError, match=r"\(3, 96\) do not go with 5"):
        plot_training(spectra(3), spectra(3), frequencies_hz=np.ones(5))
    with pytest.raises(UsageError, match="all must match"):
        plot_training(spectra(3), spectra(2), frequencies_hz=FREQUENCIES)
    with pytest.raises(UsageError, match="as many"):
        plot_encodings(
            ["a"], np.zeros((2, 4)), frequencies_hz=FREQUENCIES, target_db=spectra(2), achieved_db=spectra(2)
        )


def test_no_window_is_opened_and_matplotlib_is_loaded_late() -> None:
    code = (
        "import sys, numpy as np, tonewright.filters.plots as p, tonewright.filters.exports;"
        "from tonewright.filters.bank import Bank;"
        "late = {'matplotlib', 'scipy', 'jax', 'numba', 'torch'} & set(sys.modules);"
        "p.plot_bank(Bank(np.ones(1), np.ones(1), np.ones(1)));"
        "print(len(late), 'matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["0", "False"]
