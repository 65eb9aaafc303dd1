"""What is in the pool: budgets, licences, what is kept out, labels."""

from __future__ import annotations

import dataclasses
import fnmatch
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.sources.catalogue import CATALOGUE, Source, choose, download_megabytes
from tonewright.audio.sources.catalogue.source import matches, note_of, slug
from tonewright.audio.sources.licences import permissive
from tonewright.errors import UsageError

BY_NAME = {source.name: source for source in CATALOGUE}


def a_source(**changes: object) -> Source:
    plain = Source(
        name="x",
        package="x",
        manager="apt",
        part="music",
        size="small",
        megabytes=1.0,
        root="r",
        files=("**/*.ogg",),
    )
    return dataclasses.replace(plain, **changes)


def published(source: Source, path: str) -> str:
    for expression, replacement in source.published:
        path = re.sub(expression, replacement, path)
    return path


@pytest.mark.parametrize("licences", ["permissive", "any"])
def test_the_small_pool_is_under_700_megabytes_of_download(licences):
    chosen = choose(size="small", licences=licences)
    assert download_megabytes(chosen) < 700
    assert {source.part for source in chosen} == {"voices", "music", "instruments"}


def test_the_recordings_that_quality_is_tested_on_can_never_be_a_source():
    assert not any("sonic-pi" in f"{source.name} {source.package}" for source in CATALOGUE)
    with pytest.raises(ValueError, match="what quality is tested on"):
        a_source(package="sonic-pi-samples")


def test_permissive_sources_claim_permissive_licences_and_any_adds_the_others():
    permissive_only, every = choose(size="full"), choose(size="full", licences="any")
    assert {source.name for source in permissive_only} < {source.name for source in every}
    for source in permissive_only:
        assert source.licences == "permissive"
        # A licence that was typed in is permissive; else the package's own file says it, file by file.
        assert permissive(source.licence) if source.licence else source.published
    for source in set(BY_NAME) - {source.name for source in permissive_only}:
        assert not BY_NAME[source].licence or not permissive(BY_NAME[source].licence)


def test_every_typed_licence_rests_on_words_of_the_package():
    for source in CATALOGUE:
        assert (source.evidence is not None) == (not source.published), source.name
        assert source.published or source.author or source.authors, source.name


def test_parts_sizes_and_order():
    assert {source.part for source in choose(only=("voices",), size="full", licences="any")} == {"voices"}
    small, full = choose(licences="any"), choose(size="full", licences="any")
    assert {source.name for source in small} < {source.name for source in full}
    assert [source.name for source in full] == [source.name for source in CATALOGUE]
    assert len(BY_NAME) == len(CATALOGUE)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"only": ("voice",)}, "did you mean voices"),
        ({"size": "smal"}, "did you mean small"),
        ({"licences": "free"}, "permissive"),
    ],
)
def test_wrong_choices_are_told_what_there_is(options, words):
    with pytest.raises(UsageError, match=words):
        choose(**options)


def test_a_package_of_two_sources_is_downloaded_once():
    both = [BY_NAME["hedgewars-voices"], BY_NAME["hedgewars-music"]]
    assert download_megabytes(both) == both[0].megabytes
    for source in CATALOGUE:
        alike = [other for other in CATALOGUE if other.package == source.package]
        assert {(other.manager, other.archives, other.megabytes, other.version) for other in alike} == {
            (source.manager, source.archives, source.megabytes, source.version)
        }


@pytest.mark.parametrize(
    ("name", "path", "belongs"),
    [
        ("asterisk-fr", "digits/7.g722", True),
        ("asterisk-fr", "vm-intro.g722", True),
        ("asterisk-fr", "silence/10.g722", False),
        ("asterisk-fr", "beep.g722", False),
        ("asterisk-fr", "beeperr.g722", False),
        ("asterisk-fr", "tt-monkeys.g722", False),
        ("asterisk-fr", "tt-monkeysintro.g722", True),
        ("asterisk-fr", "digits/7.wav", False),
        ("fillets-ng-cs", "music/cs/mus-m-1.ogg", True),
        ("fillets-ng-cs", "music/en/mus-m-1.ogg", False),
        ("hedgewars-voices", "Singer/Boring.ogg", True),
        ("hedgewars-voices", "Robot/Boring.ogg", False),
        ("klettres", "ml/alpha/a-1.ogg", True),
        ("hydrogen", "VariBreaks/kick.flac", True),
        ("hydrogen", "VariBreaks/drumkit.xml", False),
        ("flare", "wind_ambient.ogg", False),
        ("fluid", "FluidR3_GS.sf2", False),
    ],
)
def test_traps_of_the_packages_are_left_out(name, path, belongs):
    assert BY_NAME[name].holds(path) is belongs


def test_only_the_g722_prompts_are_taken_for_the_others_are_8_khz():
    prompts = [source for source in CATALOGUE if "asterisk" in source.package]
    assert len(prompts) == 6
    assert all(source.package.endswith("-g722") and source.decoder == "g722" for source in prompts)


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("asterisk-it", "usr/share/asterisk/sounds/it_IT_m_Carlo/digits/7.g722", "it-digits/7.g722"),
        ("ufoai", "usr/share/games/ufoai/base/0music/music/David01.ogg", "base/music/David01.ogg"),
        ("hyperrogue", "usr/share/hyperrogue/music/hr3-hell.ogg", "music/hr3-hell.ogg"),
        ("avldrums", "usr/share/sounds/sf2/Red.sf2", "sf2/Red.sf2"),
        ("hydrogen", "usr/share/hydrogen/data/drumkits/VariBreaks/a.wav", "drumkits/VariBreaks.h2drumkit"),
        (
            "hydrogen",
            "usr/share/hydrogen/data/drumkits/circAfrique v4/a.wav",
            "drumkits/circAfrique.h2drumkit",
        ),
        (
            "hedgewars-voices",
            "usr/share/games/hedgewars/Data/Sounds/voices/a.ogg",
            "share/hedgewars/Data/Sounds/voices/a.ogg",
        ),
    ],
)
def test_paths_become_those_that_the_copyright_file_speaks_of(name, path, expected):
    assert published(BY_NAME[name], path) == expected


def test_labels_and_songs_come_from_the_path():
    klettres = BY_NAME["klettres"]
    assert klettres.fill(klettres.facts_of("sr@latin/alpha/a-1.ogg")) == (
        ("speech", "sr@latin", "various"),
        "klettres/sr@latin/alpha/a-1",
    )
    hydrogen = BY_NAME["hydrogen"]
    assert hydrogen.fill(hydrogen.facts_of("The Black Pearl 1.0/kick 1.wav")) == (
        ("drum", "the-black-pearl-1.0"),
        "hydrogen/the-black-pearl-1.0",
    )
    violin = BY_NAME["tonejs-violin"]
    assert violin.fill(violin.facts_of("As3.mp3")) == (("note", "violin", "A#3"), "tonejs-violin")
    assert violin.fill(violin.facts_of("F2 v2.mp3"))[0] == ("note", "violin", "F2")
    assert violin.fill(violin.facts_of("release.mp3"))[0] == ("note", "violin")


def test_stems_of_a_song_are_one_song():
    source = BY_NAME["fretsonfire-songs-sectoid"]
    songs = {source.fill(source.facts_of(f"Feelings/{file}"))[1] for _, file in source.stems}
    assert songs == {"fretsonfire-songs-sectoid/Feelings"}


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet="ab.-", max_size=8), st.text(alphabet="ab.*?", max_size=6))
def test_patterns_within_a_folder_match_as_the_shell_does(name, pattern):
    assert matches(name, pattern) == fnmatch.fnmatchcase(name, pattern)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.text(alphabet="ab", min_size=1, max_size=3), max_size=4), st.text(alphabet="ab", min_size=1)
)
def test_double_stars_cross_folders_and_single_ones_do_not(folders, name):
    path = "/".join([*folders, f"{name}.ogg"])
    assert matches(path, "**/*.ogg")
    assert matches(path, "*.ogg") == (not folders)
    assert not matches(path, "**/*.wav")


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=20))
def test_a_label_has_no_spaces(text):
    assert not any(letter.isspace() for letter in slug(text))
    assert slug(slug(text)) == slug(text)


def test_names_that_are_no_notes():
    assert [note_of(name) for name in ("H3", "A", "Cb4", "kick", "A33")] == [""] * 5
