"""Files of banks: what they say, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tonewright.errors import OutputError, UsageError
from tonewright.filters.bank import Bank
from tonewright.filters.bank_files import load_bank, save_bank

GOOD: dict[str, Any] = {"frequency_hz": [100.0, 200.0], "q": [1.0, 1.0], "gain": [1.0, 1.0]}


def test_a_file_says_its_units_and_format_and_is_not_overwritten(tmp_path: Path) -> None:
    path = save_bank(tmp_path / "eq.json", Bank(**GOOD, kind="series"))
    data = json.loads(path.read_text())
    assert data["format"] == 1
    assert data["filters"][0] == {"shape": "peaking", "frequency_hz": 100.0, "q": 1.0, "gain_db": 1.0}
    with pytest.raises(OutputError, match="exists already"):
        save_bank(path, Bank(**GOOD))
    assert load_bank(path).kind == "series"
    assert load_bank(save_bank(path, Bank(**GOOD), overwrite=True)).kind == "parallel"
    with pytest.raises(UsageError, match="notes"):
        save_bank(tmp_path / "other.json", Bank(**GOOD), notes={"rms": float("nan")})
    with pytest.raises(UsageError, match="notes are too long"):
        save_bank(tmp_path / "other.json", Bank(**GOOD), notes="long" * 300_000)
    assert [path.name for path in tmp_path.iterdir()] == ["eq.json"]


def text_with(**change: Any) -> bytes:
    return json.dumps(Bank(**GOOD).as_dict() | change).encode()


def filter_with(**change: Any) -> bytes:
    return text_with(filters=[{"frequency_hz": 100.0, "q": 1.0, "gain": 1.0} | change])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not JSON"),
        (b"RIFF\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"kind": 1' + b"0" * 5000 + b"}", "is not JSON"),
        (b" " * ((1 << 20) + 1), "is larger than 1 MB"),
        (b"[1, 2]", "no bank of filters"),
        (b"{}", "no bank of filters"),
        (text_with(kind="tonewright reverb network"), "no bank of filters"),
        (text_with(format=2), "of format 2"),
        (text_with(format=True), "of format true"),
        (text_with(colour="red"), '"colour" is no key of a bank'),
        (text_with(arrangement="ring"), "'ring'; choose from parallel, series"),
        (text_with(arrangement=[]), "kind is"),
        (text_with(filters=3), "filters is not a list"),
        (text_with(filters=[3]), "filters is not a list"),
        (text_with(filters=[]), "0 filters"),
        (text_with(filters=[{"frequency_hz": 1, "q": 1, "gain": 1}] * 1025), "1025 filters"),
        (text_with(order="one"), 'order is "one"'),
        (text_with(level_db=None), "level_db is null"),
        (filter_with(q="wide"), 'the q of filter 1 is "wide"'),
        (filter_with(q=True), "the q of filter 1 is true"),
        (filter_with(q=-0.5), "the q of filter 1 is -0.5"),
        (filter_with(q=float("nan")), "q of filter 1 is nan"),
        (filter_with(frequency_hz=10**400), "too large a number"),
        (filter_with(frequency_hz=1e300), "frequency of filter 1"),
        (filter_with(gain=float("-inf")), "gain of filter 1 is -inf"),
        (filter_with(gain_db=3.0), '"gain_db" is no key of filter 1; did you mean gain'),
        (text_with(filters=[{"frequency_hz": 100.0, "q": 1.0}]), "filter 1 has no 'gain'"),
        (text_with(arrangement="series"), "'gain' is no key|\"gain\" is no key"),
        (text_with().replace(b'"order": 1', b'"order": 1, "order": 1'), '"order" stands there twice'),
    ],
)
def test_a_file_that_is_no_bank_is_refused_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "bank.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=words) as caught:
        load_bank(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < 300 + len(str(path))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        load_bank(tmp_path / "none.json")
    with pytest.raises(UsageError, match="is a folder"):
        load_bank(tmp_path)


def test_a_file_may_begin_with_a_byte_order_mark_and_leave_out_what_has_a_default(tmp_path: Path) -> None:
    data = Bank(**GOOD).as_dict()
    for key in ("order", "level_db", "about"):
        del data[key]
    (tmp_path / "bank.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(data).encode())
    assert load_bank(tmp_path / "bank.json").as_dict() == Bank(**GOOD).as_dict()
