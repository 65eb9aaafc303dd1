from __future__ import annotations

import numpy as np
import pytest

from tonewright.audio.files import Clip
from tonewright.filters import Bank, FilterModel, Knob, morph
from tonewright.filters.config import Config
from tonewright.filters.network import expected
from tonewright.report import Report, filters_section, morph_section
from tonewright.report.filters_figures import knob_figures
from tonewright.report.filters_page import equally_loud, trained_filters

KNOBS = (
    Knob("brightness", share=0.7, correlations={"brightness": 0.91, "warmth": -0.5, "width": 0.4}),
    Knob("warmth", share=0.2, correlations={"brightness": 0.1, "warmth": 0.6}),
    Knob("shape"),
)


def random_model() -> FilterModel:
    config, rng = Config(filters=6, latent=3, width=8, blocks=1), np.random.default_rng(0)

    def filled(part):
        if isinstance(part, dict):
            return {name: filled(inner) for name, inner in part.items()}
        return 0.3 * rng.standard_normal(part.shape).astype(np.float32)

    return FilterModel(config, filled(expected(config)), KNOBS)


@pytest.fixture(scope="module")
def model() -> FilterModel:
    return random_model()


@pytest.fixture(scope="module")
def clicks() -> Clip:
    samples = np.zeros((1, 22_050), np.float32)
    samples[0, ::2_205] = 0.8
    return Clip(samples, 22_050)


def test_the_knobs_are_named_drawn_and_heard(model, clicks, parse):
    page = Report("Filters")
    filters_section(page, model, through=clicks)
    html = parse(page.html())
    assert "3 numbers steer 6 band-pass filters" in html.text
    assert "1 brightness 70 0.91 −0.5 0.4" in html.text
    assert "3 shape – – – –" in html.text
    assert "Knob 1. Up means more brightness, less warmth and more width." in html.text
    assert "Knob 3 changes the shape." in html.text
    labels = [player["aria-label"] for player in html.named("audio")]
    assert labels[:4] == ["brightness at −2", "brightness at 0", "brightness at 2", "warmth at −2"]
    assert len(labels) == 9
    for at, (samples, rate) in enumerate(html.sounds()):
        bank = model.bank([(-2, 0, 2)[at % 3] * (knob == at // 3) for knob in range(3)])
        plain = bank.apply(clicks).samples
        share = np.vdot(samples, plain) / np.vdot(plain, plain)
        assert rate == clicks.sample_rate
        assert np.abs(samples - share * plain).max() < 2 + 1e-3 * np.abs(samples).max()


def test_without_players_there_is_the_sheet_alone(model, parse):
    page = Report("Filters")
    filters_section(page, model, players=False)
    html = parse(page.html())
    assert not html.named("audio")
    assert len(html.named("figure")) == len(KNOBS)


def test_a_way_is_a_strip_and_a_few_sounds(model, clicks, parse):
    way = morph(model, [-2.0, 0.0, 0.0], [2.0, 0.0, 1.0], steps=7)
    page = Report("Filters")
    morph_section(page, way, names=("dark", "bright"), through=clicks)
    html = parse(page.html())
    assert "From dark to bright" in html.text
    labels = [player["aria-label"] for player in html.named("audio")]
    assert labels == ["as it is", "0 %", "33 %", "67 %", "100 %"]
    (drawn,) = [
        attributes["aria-label"]
        for name, attributes in html.elements
        if name == "svg" and "plot wide" in str(attributes.get("class"))
    ]
    assert drawn == "7 responses between dark and bright."


def test_lines_go_from_the_lower_end_to_the_upper(model):
    figures = knob_figures(model)
    assert len(figures) == len(KNOBS)
    for number, figure in enumerate(figures):
        (axes,) = figure.axes
        for line, setting in zip(axes.lines, np.linspace(-2, 2, 9), strict=True):
            bank = model.bank(setting * np.eye(3)[number])
            assert line.get_ydata() == pytest.approx(bank.magnitude_db(line.get_xdata()))
        assert axes.get_title(loc="left") == f"{number + 1}  {KNOBS[number].name}"
    assert len({figure.axes[0].get_ylim() for figure in figures}) == 1


def test_sounds_are_equally_loud_and_none_clips(clicks):
    banks = [Bank([200.0], [1.0], [gain]) for gain in (0.001, 1.0, 900.0)]
    made = equally_loud(banks, clicks)
    for clip in made[1:]:
        assert clip.samples == pytest.approx(made[0].samples, abs=1e-4)
    loud = Clip(np.ones((1, 4_410), np.float32) * np.sin(np.arange(4_410)), 44_100)
    narrow = equally_loud([Bank([7_000.0], [0.3], [1.0]), Bank([60.0], [0.2], [1.0])], loud)
    assert max(np.abs(clip.samples).max() for clip in narrow) <= 0.9 + 1e-6


def test_other_folders_hold_no_filters(tmp_path):
    assert trained_filters(tmp_path) is None
    (tmp_path / "model.msgpack").write_bytes(b"\x80")
    (tmp_path / "config.yaml").write_text("system_name: codec\n")
    assert trained_filters(tmp_path) is None
