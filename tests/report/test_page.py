from __future__ import annotations

import re

import numpy as np
import pytest

from tonewright.audio.files import Clip
from tonewright.errors import OutputError, UsageError
from tonewright.report import Report
from tonewright.report.figures import loss_curves, spectrogram
from tonewright.report.page import shown
from tonewright.report.theme import COLOURS

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>&amp;'
STRANGE_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
    '<script>alert(1)</script><image href="http://example.org/x.png"/></svg>'
)


@pytest.fixture(scope="module")
def full(tones):
    """A page with one of everything, every word of it hostile."""
    page = Report(EVIL, EVIL)
    for _ in range(2):
        page.heading(EVIL)
        page.heading(EVIL, level=3)
    page.text(EVIL)
    page.numbers([(EVIL, EVIL, EVIL), ("loss", 0.25)])
    page.table([EVIL, "n"], [[EVIL, 3]], caption=EVIL)
    page.table([EVIL], [[EVIL]], caption=EVIL, folded=True)
    page.code(EVIL, caption=EVIL)
    page.code(EVIL, caption=EVIL, folded=True)
    page.figure(loss_curves({EVIL: ([0, 1], [1, 2])}, title=EVIL), caption=EVIL, alt=EVIL)
    page.figure(spectrogram(tones[0][1], title=EVIL), caption=EVIL)
    page.figure(STRANGE_SVG, caption=EVIL)
    page.gallery([(loss_curves({EVIL: ([0], [1])}), EVIL), (spectrogram(tones[0][1]), EVIL)])
    page.listen([(EVIL, tones[0][1]), (EVIL, tones[1][1])], caption=EVIL)
    page.listen(tones, caption=EVIL)
    return page.html()


def test_the_page_is_well_formed_and_names_language_and_viewport(full, parse):
    page = parse(full)
    assert page.open == []
    assert page.named("html")[0]["lang"] == "en"
    assert any(meta.get("name") == "viewport" for meta in page.named("meta"))
    assert len(page.named("title")) == len(page.named("h1")) == len(page.named("main")) == 1


def test_hostile_words_stay_words(full, parse):
    page = parse(full)
    assert len(page.named("script")) == 1
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert not [image for image in page.named("img") if not str(image["src"]).startswith("data:image/")]
    assert page.text.count(EVIL) >= 20
    assert page.named("title")
    assert full.count("<script") == 1


def test_every_id_is_there_once_and_every_inner_link_leads_somewhere(full, parse):
    page = parse(full)
    names = [str(attributes["id"]) for _, attributes in page.elements if "id" in attributes]
    assert len(names) == len(set(names))
    links = [
        str(attributes["href"])
        for _, attributes in page.elements
        if str(attributes.get("href", "")).startswith("#")
    ]
    links += re.findall(r"url\((#[^)]+)\)", full)
    assert {link[1:] for link in links} <= set(names)


def test_every_picture_has_words_for_those_who_cannot_see_it(full, parse):
    page = parse(full)
    assert all(image["alt"] for image in page.named("img"))
    drawings = [svg for svg in page.named("svg") if svg.get("aria-hidden") != "true"]
    assert len(drawings) >= 6
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in drawings)


def test_nothing_is_fetched_from_outside(full, parse):
    page = parse(full)
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "srcset", "poster", "action", "data", "background"):
            value = str(attributes.get(name) or "#")
            assert value.startswith(("#", "data:")), (tag, name, value[:60])
    style = full[full.index("<style>") : full.index("</style>")]
    assert "@import" not in style
    assert "url(" not in style
    script = full[full.index("<script>") :]
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|https?:|import\(", script)
    policy = next(str(meta["content"]) for meta in page.named("meta") if meta.get("http-equiv"))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy


def test_the_contents_list_the_sections_in_order(parse):
    page = Report("title")
    for name in ("One", "Two", "One"):
        page.heading(name)
        page.heading("detail", level=3)
    found = parse(page.html())
    links = [str(link["href"])[1:] for link in found.named("a") if "class" not in link]
    assert links == [heading["id"] for heading in found.named("h2")]
    assert len(set(links)) == 3


def test_a_page_is_written_whole_and_replaced_only_when_asked(tmp_path):
    page = Report("one")
    path = page.write(tmp_path / "new folder" / "page.html")
    assert path.read_text(encoding="utf-8") == page.html()
    with pytest.raises(OutputError, match=r"page\.html"):
        Report("two").write(path)
    assert "one" in path.read_text(encoding="utf-8")
    assert "two" in Report("two").write(path, overwrite=True).read_text(encoding="utf-8")
    assert [entry.name for entry in path.parent.iterdir()] == ["page.html"]


def test_the_same_page_gives_the_same_bytes(tones):
    def made() -> str:
        page = Report("same")
        page.figure(spectrogram(tones[0][1]), caption="look")
        page.listen(tones)
        return page.html()

    assert made() == made()


def test_a_png_keeps_its_size_and_its_bytes(tmp_path, parse):
    from tonewright.report.pictures import palette_png

    png = palette_png(np.zeros((3, 5), np.uint8), np.zeros((1, 3), np.uint8))
    (tmp_path / "a.png").write_bytes(png)
    page = Report("x")
    page.figure(png, alt="bytes")
    page.figure(tmp_path / "a.png", alt="file")
    first, second = parse(page.html()).named("img")
    assert (first["width"], first["height"]) == ("5", "3")
    assert first["src"] == second["src"]


@pytest.mark.parametrize(
    ("add", "words"),
    [
        (lambda page: page.figure(b"GIF89a", alt="x"), "none of them"),
        (lambda page: page.figure("<svg></svg>"), "caption"),
        (lambda page: page.table(["a", "b"], [[1]]), "1 cells for 2 columns"),
        (lambda page: page.heading("x", level=1), "level 1"),
        (lambda page: page.listen([]), "no sounds"),
    ],
)
def test_wrong_use_is_said_in_one_line(add, words):
    with pytest.raises(UsageError, match=words) as caught:
        add(Report("x"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (0.123456, "0.1235"),
        (-2.5, "−2.5"),
        (None, "–"),
        (True, "yes"),
        (float("nan"), "nan"),
        (float("-inf"), "−inf"),
        (np.float32(2), "2"),
        (12345678, "12345678"),
        ("1e3", "1e3"),
        (1e-7, "1e−07"),
    ],
)
def test_values_are_shown_as_people_read_them(value, text):
    assert shown(value) == text


def luminance(colour: str) -> float:
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("index", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "card", "sunken"])
@pytest.mark.parametrize("name", ["ink", "muted", "accent", *(f"series-{number}" for number in range(1, 7))])
def test_every_colour_of_words_and_lines_stands_out(name, ground, index):
    pair = sorted(luminance(COLOURS[key][index]) for key in (name, ground))
    assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5


def test_six_players_of_six_seconds_and_fifteen_figures_stay_under_ten_megabytes():
    random = np.random.default_rng(0)
    fade = np.exp(-np.arange(6 * 44100) / 30000)
    clips = [Clip(0.3 * fade * random.standard_normal((2, len(fade))), 44100) for _ in range(2)]

    def size(add) -> int:
        page = Report("size")
        add(page)
        return len(page.html()) - len(Report("size").html())

    players = size(lambda page: page.listen([("a", clips[0]), ("b", clips[1])]))
    picture = size(lambda page: page.figure(spectrogram(clips[0]), alt="spectrogram"))
    steps = np.arange(20000)
    noisy = loss_curves({"train/loss": (steps, random.standard_normal(20000))})
    curve = size(lambda page: page.figure(noisy, alt="loss"))
    assert 3 * players + 7 * picture + 8 * curve < 10e6
