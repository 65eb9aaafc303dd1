from __future__ import annotations

from tonewright.cli.demo import ONE_SHOTS, describe_sounds, read_one_shots
from tonewright.report import Report, timbre_section


def test_eight_single_sounds_of_the_band_are_described(band, tmp_path):
    sounds = read_one_shots(band / "one-shots")
    assert tuple(sounds) == ONE_SHOTS
    two = {name: sounds[name] for name in ("kick", "hat")}
    found = describe_sounds(two)
    assert found["hat"]["brightness"] > found["kick"]["brightness"] + 20
    assert found["hat"]["depth"] < found["kick"]["depth"] - 20
    page = Report("Demo")
    timbre_section(page, found, sounds=two)
    assert page.html().count("<audio") == 2


def test_a_band_without_single_sounds_is_no_fault(tmp_path):
    assert describe_sounds(read_one_shots(tmp_path)) == {}
