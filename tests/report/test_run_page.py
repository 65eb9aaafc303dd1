from __future__ import annotations

import numpy as np
import pytest

from tonewright.audio.files import Clip, write
from tonewright.errors import OutputError, RunError
from tonewright.learning.metrics_file import metric_series
from tonewright.report import run_report
from tonewright.report.pictures import palette_png
from tonewright.report.run_page import loudest_s, reached, stored_sounds

METRICS = """step,epoch,train/loss,train/mel,validation/loss,learning_rate
0,0,4.0,2.0,,0.1
1,0,3.0,1.5,,0.1
2,0,,,3.5,
2,0,nan,inf,,0.1
3,1,2.0,oops,2.5,
"""


@pytest.fixture
def run(tmp_path, tones):
    folder = tmp_path / "runs" / "codec" / "<b>first"
    (folder / "audio").mkdir(parents=True)
    (folder / "figures").mkdir()
    (folder / "metrics.csv").write_text(METRICS)
    (folder / "config.yaml").write_text("name: <script>alert(1)</script>\n")
    (folder / "environment.txt").write_text("python 3\n")
    for label, clip in tones:
        write(folder / "audio" / f"song <i>.1.{label}.wav", clip)
    png = palette_png(np.zeros((2, 2), np.uint8), np.zeros((1, 3), np.uint8))
    (folder / "figures" / "latent_map.png").write_bytes(png)
    return folder


def test_a_run_becomes_a_page_with_all_it_holds(run, parse):
    path = run_report(
        run, headline=[("Mel distance", 0.31, "half")], next_commands=["tonewright a > b"], listen=[]
    )
    assert path == run / "report.html"
    page = parse(path.read_text(encoding="utf-8"))
    sections = [str(heading["id"]) for heading in page.named("h2")]
    wanted = ["what-was-reached", "listen", "training", "side-by-side", "figures-of-the-run", "try-next"]
    assert sections == [f"to-{name}" for name in [*wanted, "how-it-was-made"]]
    for words in (
        "Run <b>first",
        "Mel distance 0.31 half",
        "song <i>.1",
        "tonewright a > b",
        "latent map",
    ):
        assert words in page.text
    assert "name: <script>alert(1)</script>" in page.text
    assert len(page.named("script")) == 1
    assert len(page.sounds()) == 2
    assert "2 recorded values were not finite" in page.text


def test_sparse_metrics_become_series_of_their_own(run):
    series = metric_series(run / "metrics.csv")
    np.testing.assert_array_equal(series["train/loss"], [[0, 1, 2, 3], [4, 3, np.nan, 2]])
    np.testing.assert_array_equal(series["train/mel"], [[0, 1, 2], [2, 1.5, np.inf]])
    np.testing.assert_array_equal(series["validation/loss"], [[2, 3], [3.5, 2.5]])
    assert set(series) == {"train/loss", "train/mel", "validation/loss", "learning_rate"}


def test_without_a_headline_the_losses_reached_are_shown(run):
    entries = {name: (value, note) for name, value, note in reached(metric_series(run / "metrics.csv"))}
    assert entries["validation/loss"] == (2.5, "3.5 at first")
    assert entries["train/loss"] == (2.0, "4 at first")
    assert entries["steps"][0] == 3


def test_sounds_are_grouped_by_name_with_the_original_first(run):
    groups, unreadable = stored_sounds(run / "audio")
    assert [(name, [label for label, _ in sounds]) for name, sounds in groups] == [
        ("song <i>.1", ["original", "reconstruction"])
    ]
    assert unreadable == 0


def test_an_unreadable_sound_is_left_out_and_said(run, parse):
    (run / "audio" / "bad.original.wav").write_text("not a sound")
    page = parse(run_report(run).read_text(encoding="utf-8"))
    assert len(page.sounds()) == 2
    assert "unreadable" in page.text


@pytest.mark.parametrize("metrics", [None, "", "step,epoch\n", "\x00\x00", "train/loss\n1\n"])
def test_a_young_or_damaged_run_still_has_a_page(tmp_path, parse, metrics):
    if metrics is not None:
        (tmp_path / "metrics.csv").write_text(metrics)
    page = parse(run_report(tmp_path, path=tmp_path / "x.html").read_text(encoding="utf-8"))
    assert "no sounds to listen to yet" in page.text
    assert page.named("h1")


def test_sounds_of_the_caller_come_first(run, tones, parse):
    groups = [("A choir", tones)]
    page = parse(run_report(run, listen=groups).read_text(encoding="utf-8"))
    assert page.text.index("A choir") < page.text.index("song <i>.1")
    assert len(page.sounds()) == 4


def test_no_folder_and_an_existing_page_are_errors(run, tmp_path):
    with pytest.raises(RunError, match="missing"):
        run_report(tmp_path / "missing")
    path = run_report(run)
    with pytest.raises(OutputError, match=r"report\.html"):
        run_report(run)
    assert run_report(run, overwrite=True) == path


def test_the_loudest_moment_is_found():
    samples = np.zeros((2, 8000))
    samples[1, 4000:4100] = 0.5
    assert loudest_s(Clip(samples, 8000)) == pytest.approx(0.5, abs=0.02)
    assert loudest_s(Clip(samples[:, :0], 8000)) == 0.0
