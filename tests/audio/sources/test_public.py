"""The table of public sets says what is published, in a form that downloads can check."""

from __future__ import annotations

import re
import urllib.parse

import pytest

from tonewright.audio.sources.public import PUBLIC_SETS, public_set
from tonewright.errors import UsageError

ARCHIVES = [archive for found in PUBLIC_SETS.values() for archive in found.archives]


def test_every_set_that_is_promised_is_there() -> None:
    assert set(PUBLIC_SETS) == {"musdb18", "musdb18hq", "musdb18-sample", "irmas", "gtzan"}
    assert all(found.name == name for name, found in PUBLIC_SETS.items())


def test_addresses_are_encrypted_and_lead_to_the_archive() -> None:
    for archive in ARCHIVES:
        address = urllib.parse.urlsplit(archive.address)
        assert address.scheme == "https"
        assert address.path.endswith(f"/{archive.name}")


def test_every_archive_has_a_checksum_of_its_own_and_says_whose() -> None:
    sums = [known for archive in ARCHIVES for known in (archive.checksum, *archive.also)]
    assert len(set(sums)) == len(sums)
    assert all(re.fullmatch(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", known) for known in sums)
    assert all(archive.cited for archive in ARCHIVES)


def test_every_set_names_licence_and_authors() -> None:
    for found in PUBLIC_SETS.values():
        assert len(found.licence) > 40
        assert re.search(r"\b(19|20)\d\d\b", found.cite)


def test_parts_are_chosen_in_the_order_of_the_set() -> None:
    irmas = public_set("irmas")
    assert irmas.parts == ("training", "testing-1", "testing-2", "testing-3")
    assert [archive.part for archive in irmas.choose(["testing-2", "training", "training"])] == [
        *("training", "testing-2"),
    ]
    assert irmas.choose() == irmas.archives


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean musdb18hq"):
        public_set("musdb18-hq")
    with pytest.raises(UsageError, match="did you mean testing-1"):
        public_set("irmas").choose(["testing1"])
    with pytest.raises(UsageError, match="choose from: gtzan, irmas"):
        public_set("xyz")
