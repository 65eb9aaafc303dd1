from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from tonewright import timbre
from tonewright.audio.files import Clip, write
from tonewright.cli import main
from tonewright.errors import OutputError, TonewrightError, UsageError
from tonewright.report import Report, timbre_report, timbre_section
from tonewright.report.timbre_places import to_hear, varied
from tonewright.report.timbre_players import corners, excerpt, located, players, typical
from tonewright.report.timbre_section import told_apart
from tonewright.timbre.analysis import analyse_table, read_measurements
from tonewright.timbre.analysis.outliers import Outlier
from tonewright.timbre.analysis.words import signed
from tonewright.timbre.description import Description
from tonewright.timbre.names import DESCRIPTORS, EXTRAS

RATE = 8000
SECTIONS = (
    *("what-the-descriptors-mean", "how-they-are-spread", "which-descriptors-tell-the-same"),
    *("a-subset-that-stands-for-all", "a-map-of-the-sounds", "outliers", "what-has-no-value"),
    *("how-far-to-trust-this", "try-next"),
)


def rows_of(count: int, *, extras: bool = False, windows: bool = False) -> list[dict[str, object]]:
    """A table of sounds whose descriptors share three causes."""
    rng = np.random.default_rng(0)
    causes = rng.standard_normal((count, 3)) @ rng.standard_normal((3, 7))
    values = np.clip(50 + 9 * (causes + 0.3 * rng.standard_normal((count, 7))), 0, 100)
    probability = rng.random(count)
    more = np.column_stack([probability, 0.2 + probability, rng.normal(-20, 3, (count, 5))])
    rows = []
    for index in range(count):
        row: dict[str, object] = {"file": f"sounds/{index // 2 if windows else index}.wav"}
        if windows:
            row["start_s"] = 0.5 * (index % 2)
        row |= {"seconds": 0.5, "sample_rate": RATE, "channels": 1}
        row |= dict(zip(DESCRIPTORS, [*values[index], float(probability[index] > 0.5)], strict=True))
        row |= dict(zip(EXTRAS, more[index], strict=True)) if extras else {}
        rows.append(row | {"notes": "", "digest": f"{index:08x}"})
    return rows


def table_of(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def sounds(tmp_path):
    """Fifty tones of half a second, in the folder that the table names."""
    at = np.arange(RATE // 2) / RATE
    for index in range(50):
        tone = 0.2 * np.sin(2 * np.pi * (200 + 20 * index) * at)
        write(tmp_path / "sounds" / f"{index}.wav", Clip(tone[None].astype(np.float32), RATE))
    return tmp_path / "sounds"


def test_a_table_becomes_a_page_with_all_it_tells(tmp_path, sounds, parse):
    rows = rows_of(50, extras=True)
    rows[7]["warmth"] = 100.0
    rows[7]["brightness"] = 100.0
    rows[3] |= {"hardness": "", "warmth": "", "notes": "hardness, warmth: no <b>onset</b>"}
    table = table_of(tmp_path / "band.csv", rows)
    path = timbre_report(table, path=tmp_path / "page.html")
    page = parse(path.read_text(encoding="utf-8"))
    assert [str(heading["id"]) for heading in page.named("h2")] == [f"to-{name}" for name in SECTIONS]
    analysis = timbre.analyse_table(timbre.read_table(table))
    for words in (
        "Timbre of band",
        "25 s, 1 lacks a value",
        f"{len(analysis.subset.chosen)} of 8",
        "of its ranking follows from",
        "loudness (LUFS)",
        "no <b>onset</b>",
        "7.wav",
        "Files are named as seen from sounds.",
        "where the other descriptors suggest",
        "Pearce, Brookes and Mason",
        "values lie at an end of the scale",
        f"tonewright timbre report {table}",
    ):
        assert words in page.text, words
    heard = page.sounds()
    assert 6 <= len(heard) <= 12
    assert all(samples.shape == (1, RATE // 2) and rate == RATE for samples, rate in heard)
    assert all(str(attributes.get("src", "data:")).startswith("data:") for _, attributes in page.elements)
    wide = re.findall(r"<svg class=\"plot wide\".*?</svg>", path.read_text(encoding="utf-8"), re.S)
    cells = re.findall(r">([+−](?:\.\d\d|1)|0)<", wide[0])
    order = analysis.order()
    assert cells == [signed(analysis.correlations.of(first, other)) for first in order for other in order]


def test_pieces_of_files_are_named_and_cut_from_their_start(tmp_path, parse):
    at = np.arange(RATE) / RATE
    for index in range(10):
        halves = np.where(at < 0.5, 0.1 * np.sin(2 * np.pi * 300 * at), 0.5 * np.sin(2 * np.pi * 900 * at))
        write(tmp_path / "sounds" / f"{index}.wav", Clip(halves[None].astype(np.float32), RATE))
    table = table_of(tmp_path / "pieces.csv", rows_of(20, windows=True))
    page = parse(timbre_report(table, path=tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "pieces of 10 files" in page.text
    assert "narrower than they should be" in page.text
    heard, silent = players(read_measurements(table), [4, 5], table=table)
    assert not silent
    for (_, clip), hz in zip(heard, (300, 900), strict=True):
        assert clip.seconds == pytest.approx(0.5)
        assert np.argmax(np.abs(np.fft.rfft(clip.samples[0]))) * 2 == hz
        assert np.sqrt(np.mean(clip.samples**2)) == pytest.approx(0.1, rel=0.02)


def test_three_sounds_are_a_page_too(tmp_path, parse):
    page = parse(
        timbre_report(table_of(tmp_path / "few.csv", rows_of(3)), path=tmp_path / "page.html").read_text(
            encoding="utf-8"
        )
    )
    assert "All 8: 3 sounds are too few to tell" in page.text
    assert "8 of 8 too few sounds to tell" in page.text
    assert "Not looked for: fewer than 8 sounds" in page.text
    assert "files were not found: sounds/" in page.text
    assert "and 2 more" in page.text
    assert "--sounds FOLDER" in page.text
    assert not page.sounds()


@pytest.mark.parametrize(
    ("copies", "words", "ends"),
    [
        (1, "1 sound has exactly the values of an earlier one; it may be a copy.", "1 of"),
        (2, "2 sounds have exactly the values of an earlier one; they may be copies.", "2 of"),
    ],
)
def test_one_is_told_in_the_singular(tmp_path, parse, copies, words, ends):
    rows = rows_of(30)
    for index in range(copies):
        rows[20 + index] |= {name: rows[3][name] for name in DESCRIPTORS}
        rows[index]["warmth"] = 100.0
    page = parse(
        timbre_report(table_of(tmp_path / "a.csv", rows), path=tmp_path / "page.html").read_text("utf-8")
    )
    assert words in page.text
    assert f"{ends} 210 values {'lies' if copies == 1 else 'lie'} at an end of the scale" in page.text


def test_constant_and_empty_columns_are_named(tmp_path, parse):
    rows = rows_of(30)
    for row in rows:
        row |= {"depth": 40.0, "roughness": "", "reverb": 0.0}
    path = timbre_report(table_of(tmp_path / "a.csv", rows), path=tmp_path / "page.html")
    page = parse(path.read_text(encoding="utf-8"))
    assert "the same for every sound: 40" in page.text
    assert "measured for no sound" in page.text
    assert "of 5" in page.text


def test_one_descriptor_alone_is_a_page(tmp_path, parse):
    rows = [{"file": row["file"], "brightness": row["brightness"]} for row in rows_of(12)]
    path = timbre_report(table_of(tmp_path / "a.csv", rows), path=tmp_path / "page.html")
    assert "1 of 1" in parse(path.read_text(encoding="utf-8")).text


def test_a_page_does_not_grow_with_the_table(tmp_path):
    small = timbre_report(table_of(tmp_path / "a.csv", rows_of(1600)), path=tmp_path / "a.html")
    large = timbre_report(table_of(tmp_path / "b.csv", rows_of(3200)), path=tmp_path / "b.html")
    assert large.stat().st_size < 1.1 * small.stat().st_size


def test_what_is_worth_hearing(tmp_path):
    analysis = analyse_table(read_measurements(table_of(tmp_path / "a.csv", rows_of(200))))
    strange = set(analysis.strangeness.rows().tolist())
    middle = typical(analysis)
    chosen = dict(corners(analysis, without=middle))
    assert len(middle) == 2
    assert not strange & set(chosen.values())
    assert not set(middle) & set(chosen.values())
    plane = analysis.projection.coordinates
    ordinary = [row for row in range(200) if row not in strange and row not in middle]
    where = {side: row for sides, row in chosen.items() for side in sides.split(" and ")}
    assert plane[where["right"], 0] == plane[ordinary, 0].max()
    assert plane[where["bottom"], 1] == plane[ordinary, 1].min()
    distance = np.linalg.norm(analysis.standard - np.median(analysis.standard, axis=0), axis=1)
    assert distance[middle[0]] == distance.min()


def test_outliers_to_show_and_to_hear_are_of_several_kinds():
    kinds = ["roughness"] * 20 + ["warmth", "depth", "warmth"]
    found = [Outlier(row, "", 30.0 - row, kind, 0.0, 0.0, "") for row, kind in enumerate(kinds)]
    shown = varied(found)
    assert [outlier.row for outlier in shown] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 20, 21, 22]
    assert to_hear(shown) == [0, 1, 20, 21]
    assert varied(found[:5]) == found[:5]


def test_files_are_found_from_here_from_the_table_and_in_the_folder_given(tmp_path, monkeypatch):
    table, moved = tmp_path / "tables" / "t.csv", tmp_path / "moved"
    for path in (tmp_path / "tables" / "a" / "x.wav", moved / "a" / "y.wav", moved / "x.wav"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert located("a/x.wav", table=table) == tmp_path / "tables" / "a" / "x.wav"
    assert located("/gone/a/y.wav", table=table, root=moved) == moved / "a" / "y.wav"
    assert located("a/x.wav", table=table, root=moved) == moved / "x.wav"
    assert located("a/y.wav", table=table) is None
    monkeypatch.chdir(moved)
    assert located("a/y.wav", table=table) == Path("a/y.wav")


def test_long_sounds_are_cut_and_broken_ones_are_told(tmp_path):
    noise = np.random.default_rng(0).standard_normal((2, 20 * RATE)).astype(np.float32) * 0.05
    noise[:, : 9 * RATE] = 0.0
    write(tmp_path / "long.wav", Clip(noise, RATE))
    clip = excerpt(tmp_path / "long.wav")
    assert clip.seconds == pytest.approx(4.0)
    assert clip.channels == 1
    assert np.abs(clip.samples).min(axis=0)[: RATE // 2].max() == 0.0  # from the middle
    assert clip.samples[0, -1] == 0.0
    (tmp_path / "broken.wav").write_text("no sound")
    table = table_of(
        tmp_path / "t.csv", [row | {"file": name} for row, name in zip(rows_of(3), "abc", strict=True)]
    )
    sounds = read_measurements(table)
    assert players(sounds, [0], table=table) == ([], ["a: not found"])
    (tmp_path / "a").write_text("no sound")
    heard, silent = players(sounds, [0], table=table)
    assert not heard
    assert str(tmp_path / "a") in silent[0]


def test_the_command_writes_beside_the_table_and_prints_figures(tmp_path, capsys):
    table = table_of(tmp_path / "band.csv", rows_of(40))

    def run(*words: object) -> tuple[int | str | None, str, str]:
        with pytest.raises(SystemExit) as done:
            main(["timbre", "report", *map(str, words)])
        return done.value.code, *capsys.readouterr()

    assert run(table) == (0, f"{tmp_path / 'band.html'}\n", "")
    code, _, error = run(table)
    assert (code, error.count("\n")) == (1, 1)
    assert "--force" in error
    code, shown, _ = run(table, "--force", "--json", "--threshold", "0.5")
    figures = json.loads(shown)
    assert code == 0
    assert figures["report"] == str(tmp_path / "band.html")
    assert figures["subset"]["threshold"] == 0.5
    assert figures["sounds"] == 40
    assert len(figures["spreads"]) == 8
    empty, other = tmp_path / "empty.csv", tmp_path / "other.csv"
    empty.write_text("file,depth\n")
    other.write_text("name,size\na,1\nb,2\nc,3\n")
    for words, code, said in (
        ((tmp_path / "none.csv",), 1, "there is no such table"),
        ((other,), 2, "no table of timbre"),
        ((empty,), 2, "holds no rows"),
        (
            (table_of(tmp_path / "two.csv", rows_of(2)),),
            2,
            "two.csv: 2 sounds with values; an analysis needs 3",
        ),
        ((table, "-o", "page.txt"), 2, ".html"),
        ((table, "-o", tmp_path / "x.html", "--sounds", tmp_path / "nowhere"), 2, "no such folder"),
        ((table, "-o", tmp_path / "x.html", "--threshold", "2"), 2, "threshold"),
    ):
        assert run(*words)[0] == code, words
        error = run(*words)[2]
        assert said in error
        assert error.count("\n") == 1
    assert not (tmp_path / "x.html").exists()


def test_an_existing_page_is_kept(tmp_path):
    table, path = table_of(tmp_path / "a.csv", rows_of(9)), tmp_path / "page.html"
    path.write_text("mine")
    with pytest.raises(OutputError, match=r"page\.html"):
        timbre_report(table, path=path)
    assert path.read_text() == "mine"
    with pytest.raises(TonewrightError, match="no such table"):
        timbre_report(tmp_path / "none.csv", path=tmp_path / "new.html")
    with pytest.raises(UsageError, match="threshold"):
        timbre_report(table, path=path, overwrite=True, subset_threshold=0.0)


def description(brightness: float, **more: float) -> Description:
    values = dict.fromkeys(DESCRIPTORS, 40.0) | {"brightness": brightness, "reverb": 1.0} | more
    return Description(values, seconds=1.0, sample_rate=RATE, channels=1)


def test_a_section_shows_every_figure_and_plays_the_sounds(parse, tones):
    page = Report("A demo")
    found = {
        "hat <1>": description(91.0, reverb_probability=0.07),
        "kick": description(12.0, warmth=math.nan),
    }
    timbre_section(page, found, sounds={"kick": tones[0][1]})
    shown = parse(page.html())
    for words in ("What the sounds are like", "hat <1>", "91", "12", "–", "7", "100"):
        assert words in shown.text, words
    assert "Brightness sets hat <1> (bright, brilliant) apart from kick (dull, muffled)." in shown.text
    assert len(shown.sounds()) == 1
    assert told_apart({"a": description(50.0)}) == "The descriptors of each sound, from 0 to 100."
