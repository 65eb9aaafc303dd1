from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.files import Clip
from tonewright.report import figures
from tonewright.report.vector import responsive_svg


def drawn(figure) -> str:
    output = io.StringIO()
    figure.savefig(output, format="svg")
    return output.getvalue()


def test_every_figure_names_its_axes_with_units(tones):
    (_, first), (_, second) = tones
    steps = np.arange(10)
    made = {
        "loss": (figures.loss_curves({"train/si_sdr": (steps, steps)}, unit="dB"), ["step", "si_sdr (dB)"]),
        "spectrogram": (
            figures.spectrogram(first),
            ["time (s)", "frequency (Hz)", "level (dB re full-scale sine)"],
        ),
        "waveform": (figures.waveform(first), ["time (s)", "amplitude (full scale = 1)"]),
        "spectra": (figures.spectra(tones), ["frequency (Hz)", "level (dB re full-scale sine)"]),
        "comparison": (figures.comparison(first, second), ["time (s)", "frequency (Hz)", "difference (dB)"]),
    }
    for name, (figure, wanted) in made.items():
        labels = {label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel())}
        assert set(wanted) <= labels, name


def test_loss_curves_draw_the_values_and_leave_gaps_where_they_are_not_finite():
    steps, values = np.arange(6), np.array([5.0, 4.0, np.nan, np.inf, 2.0, 1.0])
    figure = figures.loss_curves(
        {"train/loss": (steps, values), "validation/loss": (steps[::5], values[::5])}
    )
    training, validation = figure.axes[0].get_lines()
    np.testing.assert_array_equal(training.get_xydata(), np.stack([steps, values], 1))
    assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["train", "validation"]
    assert drawn(figure)


@pytest.mark.parametrize(
    ("values", "scale"),
    [([100.0, 1.0], "log"), ([3.0, 1.0], "linear"), ([100.0, -1.0], "linear"), ([0.0, 9.0], "linear")],
)
def test_the_value_axis_is_logarithmic_where_values_are_positive_and_far_apart(values, scale):
    assert figures.loss_curves({"x": ([0, 1], values)}).axes[0].get_yscale() == scale


@settings(deadline=None, max_examples=30)
@given(count=st.integers(0, 5000), most=st.integers(2, 300), seed=st.integers(0, 99))
def test_thinning_keeps_order_and_the_extremes(count, most, seed):
    values = np.random.default_rng(seed).standard_normal(count)
    steps, kept = figures.thinned(np.arange(count, dtype=float), values, most=most)
    assert len(kept) <= max(most, 2)
    assert (np.diff(steps) > 0).all()
    np.testing.assert_array_equal(values[steps.astype(int)], kept)
    if count:
        assert (kept.min(), kept.max()) == (values.min(), values.max())


def test_a_comparison_shows_what_the_second_lacks_as_negative(tones):
    (_, first), (_, second) = tones
    figure = figures.comparison(first, second)
    gap = np.asarray(figure.axes[2].get_images()[0].get_array())
    bands = np.geomspace(30, 11025, gap.shape[0] + 1)
    at_tone, at_overtone = (np.searchsorted(bands, hz) - 1 for hz in (440, 3000))
    middle = gap[:, gap.shape[1] // 2]
    assert middle[at_overtone] == pytest.approx(-20, abs=0.5)
    assert middle[at_tone] == pytest.approx(0, abs=0.1)


def test_sounds_of_different_length_and_rate_can_be_compared():
    noise = np.random.default_rng(0).standard_normal((1, 48000)) * 0.1
    figure = figures.comparison(Clip(noise, 48000), Clip(noise[:, :20000], 22050))
    assert figure.axes[0].get_images()[0].get_extent()[1] == pytest.approx(20000 / 22050, abs=1e-4)


@pytest.mark.parametrize("name", ["_hidden", "$x^", "日本語", "<script>alert(1)</script>", "a & b", ""])
def test_any_name_can_be_drawn(name):
    figure = figures.loss_curves({name: ([0, 1], [1, 2])}, title=name)
    svg = responsive_svg(figure, prefix="f1", label=name)
    assert "<script" not in svg


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_the_shortest_sounds_can_be_drawn(frames):
    clip = Clip(np.zeros((1, frames)), 8000)
    for figure in (figures.spectrogram(clip), figures.waveform(clip), figures.spectra([("one", clip)])):
        assert drawn(figure)


def test_a_figure_becomes_a_wide_and_a_narrow_drawing_in_the_colours_of_the_page(tones):
    figure = figures.spectrogram(tones[0][1])
    before = tuple(figure.get_size_inches())
    svg = responsive_svg(figure, prefix="f7", label='a "picture"')
    assert tuple(figure.get_size_inches()) == before
    assert svg.count('class="plot wide"') == svg.count('class="plot narrow"') == 1
    stored = [len(data) for data in re.findall(r"data:image/png;base64,([^\"]+)", svg)]
    assert sum(length > 0.5 * max(stored) for length in stored) == 1  # the spectrogram, for both drawings
    used = re.findall(r'<use href="#(f7-picture-1)"', svg)
    assert len(used) == 2
    assert "var(--ink" in svg
    assert "&quot;picture&quot;" in svg
    for word in ("http:", "https:", "<metadata", "<style", "DejaVu"):
        assert word not in svg


def test_a_picture_inside_a_figure_keeps_its_pixels_through_the_palette(tones):
    from matplotlib.image import imread

    figure = figures.spectrogram(tones[0][1])
    image = figure.axes[0].get_images()[0]
    expected = image.to_rgba(np.asarray(image.get_array()), bytes=True)[..., :3]
    svg = responsive_svg(figure, prefix="f1", label="x")
    pictures = [base64.b64decode(data) for data in re.findall(r"data:image/png;base64,([^\"]+)", svg)]
    pixels = [np.round(imread(io.BytesIO(picture))[..., :3] * 255) for picture in pictures]
    assert any(found.shape == expected.shape and (found[::-1] == expected).all() for found in pixels) or any(
        found.shape == expected.shape and (found == expected).all() for found in pixels
    )
