"""Who made a file and under which licence, read from machine-readable copyright files."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.sources.licences import (
    Terms,
    names,
    parse_copyright,
    permissive,
    read_copyright,
    spdx,
    terms_of,
)

COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: game

Files: *
Copyright: 2002-2014, The Team <team@example.org>
           2015 Another One
License: GPL-2+
Comment: the words
 License: CC0
 belong to the comment.

Files:
 music/one.ogg
 music/by?anna*.ogg
 kits/The\\*Kit/*
Copyright:
 Anna "Ann" Alpha (www.example.org)
 Ben, 2010
License: CC-BY-SA-3.0
 The whole text of it,
 .
 over some paragraphs.

Files: music/one.ogg
Copyright: no-copyright
License: CC0

License: GPL-2+
 This program is free software.
"""


def test_the_last_paragraph_that_matches_applies():
    terms = parse_copyright(COPYRIGHT)
    assert [entry.licence for entry in terms] == ["GPL-2.0-or-later", "CC-BY-SA-3.0", "CC0-1.0"]
    assert terms_of("music/one.ogg", terms) == Terms(("music/one.ogg",), "", "CC0-1.0")
    found = terms_of("music/by-anna/deep/down.ogg", terms)
    assert found is not None
    assert (found.licence, found.authors) == ("CC-BY-SA-3.0", 'Anna "Ann" Alpha, Ben, 2010')
    rest = terms_of("anything/else", terms)
    assert rest is not None
    assert (rest.licence, rest.authors) == ("GPL-2.0-or-later", "The Team, Another One")


def test_an_escaped_star_is_a_star():
    terms = parse_copyright(COPYRIGHT)
    assert [terms_of(path, terms).licence for path in ("kits/The*Kit/a", "kits/The Kit/a")] == [  # type: ignore[union-attr]
        "CC-BY-SA-3.0",
        "GPL-2.0-or-later",
    ]


def test_prose_is_no_machine_readable_file(tmp_path):
    prose = "This package was made by somebody.\n\nFiles: all of them\nLicense: MIT\n"
    assert parse_copyright(prose) == ()
    assert parse_copyright("") == ()
    assert read_copyright(tmp_path / "missing") == ()
    (tmp_path / "copyright").write_text(COPYRIGHT, encoding="utf-8")
    assert len(read_copyright(tmp_path / "copyright")) == 3


def test_no_paragraph_matches():
    assert terms_of("b", (Terms(("a",), "", "MIT"),)) is None


@pytest.mark.parametrize(
    ("short", "name", "allowed"),
    [
        ("GPL-2+", "GPL-2.0-or-later", False),
        ("GPL-2", "GPL-2.0-only", False),
        ("LGPL-2.1+", "LGPL-2.1-or-later", False),
        ("GFDL-1.3", "GFDL-1.3-only", False),
        ("Expat", "MIT", True),
        ("BSD-like", "BSD-like", True),
        ("BSD-3-clause", "BSD-3-clause", True),
        ("CC0", "CC0-1.0", True),
        ("public-domain", "public-domain", True),
        ("CC-BY-3.0", "CC-BY-3.0", True),
        ("CC-BY-SA-3.0-us", "CC-BY-SA-3.0-US", True),
        ("CC-BY-SA-3.0+", "CC-BY-SA-3.0+", True),
        ("CC-BY-4", "CC-BY-4.0", True),
        ("CC-BY-NC-3.0", "CC-BY-NC-3.0", False),
        ("CC-BY-3.0-NC", "CC-BY-3.0-NC", False),
        ("CC-BY-SA 4.0-nd", "CC-BY-SA-4.0-ND", False),
        ("CC-BY-ND-4.0", "CC-BY-ND-4.0", False),
        ("CC-BY-NC-SA-3.0", "CC-BY-NC-SA-3.0", False),
        ("GPL-2+ with composition exception", "GPL-2.0-or-later with composition exception", False),
        ("GPL-2+ or CC-BY-SA-3.0", "GPL-2.0-or-later OR CC-BY-SA-3.0", True),
        ("GPL-2+ and CC-BY-SA-3.0", "GPL-2.0-or-later AND CC-BY-SA-3.0", False),
        ("CC0 and Expat", "CC0-1.0 AND MIT", True),
        ("some words", "some words", False),
        ("", "", False),
    ],
)
def test_licences_by_name(short, name, allowed):
    assert spdx(short) == name
    assert permissive(short) is allowed
    assert permissive(name) is allowed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2003-2010, Allison Smith", "Allison Smith"),
        ("Copyright (c) 2012 Carlo Flora, <http://www.example.it>", "Carlo Flora"),
        ("© 2009-present El Senator <a@b.dk>", "El Senator"),
        ("Artemiy Pavlov (Artemio) <a@b.net>", "Artemiy Pavlov (Artemio)"),
        ("none", ""),
        ("2001 A\n2002 A\n2003 B", "A, B"),
    ],
)
def test_names_without_years_and_addresses(text, expected):
    assert names(text) == expected


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet="ab*?\\./ -", min_size=1, max_size=10).filter(lambda text: text.split() == [text]))
def test_a_path_with_everything_escaped_matches_itself_alone(path):
    escaped = "".join(f"\\{letter}" if letter in "*?\\" else letter for letter in path)
    terms = Terms((escaped,), "", "MIT")
    assert terms.match(path)
    assert not terms.match(path + "x")
    assert not terms.match("x" + path)
