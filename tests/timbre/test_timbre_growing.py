"""A table that is made of one folder after another."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tonewright.audio.files import Clip, read, write
from tonewright.cli import main
from tonewright.timbre import along, description
from tonewright.timbre.description import Description
from tonewright.timbre.names import DESCRIPTORS, EXTRAS
from tonewright.timbre.tables import describe_files, read_rows

ENDINGS = (".csv", ".jsonl", ".parquet")


def stand_in(samples: np.ndarray, sample_rate: int, **options: Any) -> Description:
    values = dict.fromkeys((*DESCRIPTORS, *EXTRAS), float(np.abs(samples).max()))
    facts = (samples.shape[1] / sample_rate, sample_rate, samples.shape[0], options["mode"])
    return Description(values, *facts)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders a and b of two sounds each, all different; real descriptions are tested elsewhere."""

    def describe_file(path: str, **options: Any) -> Description:
        clip = read(path)
        return stand_in(clip.samples, clip.sample_rate, **options)

    monkeypatch.setattr(description, "describe_file", describe_file)
    monkeypatch.setattr(along, "described", stand_in)
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("a/1.wav", "a/2.wav", "b/1.wav", "b/2.wav")):
        Path(name).parent.mkdir(exist_ok=True)
        write(name, Clip(np.full((1, 8000), (number + 1) / 8), 8000))


def run(capsys: pytest.CaptureFixture, *arguments: str) -> tuple[int, list[str], str]:
    with pytest.raises(SystemExit) as exit_:
        main(["timbre", *arguments, "--jobs", "1"])
    captured = capsys.readouterr()
    code = exit_.value.code
    return (code if isinstance(code, int) else 0), captured.out.splitlines(), captured.err


def names(path: str) -> list[str]:
    return [row["file"] for row in read_rows(path)]


@pytest.mark.parametrize("ending", ENDINGS)
def test_rows_of_another_folder_stay_as_they_are(capsys: pytest.CaptureFixture, ending: str) -> None:
    output = f"out{ending}"
    run(capsys, "a", "-o", output)
    before = list(read_rows(output))
    code, out, error = run(capsys, "b", "-o", output)
    assert (code, error) == (0, "")
    assert out == [
        f"{output}: 2 files",
        "kept as they were: the rows of 2 files not asked for; --force begins anew without them",
    ]
    assert names(output) == ["a/1.wav", "a/2.wav", "b/1.wav", "b/2.wav"]
    assert repr(list(read_rows(output))[:2]) == repr(before)
    _, out, _ = run(capsys, "a", "b", "-o", output)
    assert out == [f"{output}: 4 files, 4 of them known before"]
    _, out, _ = run(capsys, "b", "-o", output, "--force")
    assert out == [f"{output}: 2 files"]
    assert names(output) == ["b/1.wav", "b/2.wav"]


def test_a_file_more(capsys: pytest.CaptureFixture) -> None:
    for name in ("a/1.wav", "b/1.wav", "./a/1.wav", str(Path("a/2.wav").absolute())):
        run(capsys, name, "-o", "out.csv")
    assert names("out.csv") == ["b/1.wav", "./a/1.wav", str(Path("a/2.wav").absolute())]


def test_the_rows_of_files_that_are_gone(capsys: pytest.CaptureFixture) -> None:
    run(capsys, "a", "b", "-o", "out.csv")
    Path("a/1.wav").unlink()
    # Nobody asked for a: its disk may not be there.
    assert describe_files(["b"], "out.csv").kept == 2
    assert names("out.csv") == ["a/1.wav", "a/2.wav", "b/1.wav", "b/2.wav"]
    _, out, _ = run(capsys, "a", "-o", "out.csv")
    assert out[1].startswith("kept as they were: the rows of 2 files")
    assert out[2] == "no longer in it: the rows of 1 file gone from the folders"
    assert names("out.csv") == ["b/1.wav", "b/2.wav", "a/2.wav"]


def test_what_was_moved_is_not_kept_twice() -> None:
    describe_files(["a", "b"], "out.csv")
    Path("a").rename("c")
    made = describe_files(["c"], "out.csv")
    assert (made.described, made.reused, made.kept, made.gone) == (0, 2, 2, 0)
    assert names("out.csv") == ["b/1.wav", "b/2.wav", "c/1.wav", "c/2.wav"]


def test_a_name_that_was_mistyped_does_not_stay() -> None:
    describe_files(["a", "typing-error.wav"], "out.csv")
    made = describe_files(["b"], "out.csv")
    assert (made.kept, made.gone) == (2, 0)
    assert "typing-error.wav" not in names("out.csv")


def test_a_failure_of_all_leaves_the_rest(capsys: pytest.CaptureFixture) -> None:
    describe_files(["a"], "out.csv")
    Path("text.wav").write_text("no sound")
    assert run(capsys, "text.wav", "-o", "out.csv")[0] == 1
    rows = {row["file"]: row["depth"] for row in read_rows("out.csv")}
    assert rows.keys() == {"a/1.wav", "a/2.wav", "text.wav"}
    assert [math.isnan(depth) for depth in rows.values()] == [False, False, True]


def test_an_interruption_keeps_both(monkeypatch: pytest.MonkeyPatch) -> None:
    describe_files(["a"], "out.csv")
    plain = description.describe_file

    def interrupted(path: str, **options: Any) -> Description:
        if path == "b/2.wav":
            raise KeyboardInterrupt
        return plain(path, **options)

    monkeypatch.setattr(description, "describe_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        describe_files(["b"], "out.csv")
    assert names("out.csv") == ["a/1.wav", "a/2.wav"]
    monkeypatch.setattr(description, "describe_file", plain)
    made = describe_files(["b"], "out.csv")
    assert (made.described, made.reused, made.kept) == (1, 1, 2)
    assert names("out.csv") == ["a/1.wav", "a/2.wav", "b/1.wav", "b/2.wav"]


def test_windows_and_json(capsys: pytest.CaptureFixture) -> None:
    run(capsys, "a", "-o", "out.csv", "--window", "0.5")
    _, out, _ = run(capsys, "b", "-o", "out.csv", "--window", "0.5", "--json")
    found = json.loads("\n".join(out))
    assert (found["files"], found["kept"], found["gone"]) == (2, 2, 0)
    assert sorted(set(names("out.csv"))) == ["a/1.wav", "a/2.wav", "b/1.wav", "b/2.wav"]
    assert len(names("out.csv")) % 4 == 0
    assert found["picture"] == "out.png"
