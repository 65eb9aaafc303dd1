"""Downloads from a real server on loopback: whole, broken, resumed, changed, wrong, without room."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import ssl
import urllib.request
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tonewright.audio.sources import asking
from tonewright.audio.sources import download as downloading
from tonewright.audio.sources.asking import DownloadError
from tonewright.audio.sources.download import checksum_of, download, matching
from tonewright.errors import OutputError, UsageError

pytest.importorskip("pooch", reason="needs pooch (extra sources)")

CONTENT = bytes(range(256)) * 2000
HALF = len(CONTENT) // 2


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "in" / "set.zip"


def names(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir()}


def begin(web, target: Path, md5) -> str:
    """Half of a file, as a connection that broke leaves it."""
    address = web.serve("set.zip", CONTENT, breaks=[HALF, 0])
    with pytest.raises(DownloadError, match="kept, and the same command goes on"):
        download(address, target, checksum=md5(CONTENT), attempts=1, pause_seconds=0)
    assert target.with_name("set.zip.part").read_bytes() == CONTENT[:HALF]
    web.requests.clear()
    return address


def test_a_file_arrives_whole_and_progress_ends_at_its_size(web, target: Path, md5) -> None:
    told: list[tuple[int, int]] = []
    address = web.serve("set.zip", CONTENT)
    found = download(address, target, checksum=md5(CONTENT), progress=lambda *pair: told.append(pair))
    assert found == target
    assert target.read_bytes() == CONTENT
    assert names(target) == {"set.zip"}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert {total for _, total in told} == {len(CONTENT)}


def test_a_second_call_asks_nobody(web, target: Path, md5) -> None:
    address = web.serve("set.zip", CONTENT)
    for _ in range(2):
        download(address, target, checksum=md5(CONTENT))
    assert len(web.requests) == 1


def test_a_broken_connection_goes_on_by_a_range(web, target: Path, md5) -> None:
    address = web.serve("set.zip", CONTENT, breaks=[HALF])
    download(address, target, checksum=md5(CONTENT), pause_seconds=0)
    assert target.read_bytes() == CONTENT
    first, second = web.requests
    assert "range" not in first
    assert (second["range"], second["if-range"]) == (f"bytes={HALF}-", '"1"')


def test_the_next_call_goes_on_where_the_last_was_stopped(web, target: Path, md5) -> None:
    address = begin(web, target, md5)
    web["set.zip"].breaks.clear()
    download(address, target, checksum=md5(CONTENT))
    assert target.read_bytes() == CONTENT
    assert [request["range"] for request in web.requests] == [f"bytes={HALF}-"]
    assert names(target) == {"set.zip"}


def test_a_weak_validator_is_not_sent_but_the_date_is(web, target: Path, md5) -> None:
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    address = web.serve("set.zip", CONTENT, etag='W/"1"', modified=date, breaks=[HALF])
    download(address, target, checksum=md5(CONTENT), pause_seconds=0)
    assert web.requests[1]["if-range"] == date


def test_a_server_without_ranges_starts_again(web, target: Path, md5) -> None:
    address = web.serve("set.zip", CONTENT, ranges=False, breaks=[HALF])
    told: list[int] = []
    download(
        address, target, checksum=md5(CONTENT), pause_seconds=0, progress=lambda done, _: told.append(done)
    )
    assert target.read_bytes() == CONTENT
    assert told.index(HALF) < len(told) - 1
    assert min(told[told.index(HALF) + 1 :]) < HALF


def test_a_server_without_ranges_that_always_breaks_is_given_up(web, target: Path, md5) -> None:
    address = web.serve("set.zip", CONTENT, ranges=False, breaks=[HALF] * 10)
    with pytest.raises(DownloadError, match="3 times"):
        download(address, target, checksum=md5(CONTENT), attempts=3, pause_seconds=0)
    assert len(web.requests) == 4


@pytest.mark.parametrize("heeds", [True, False])
def test_a_file_that_changed_is_fetched_from_its_start(web, target: Path, md5, heeds: bool) -> None:
    address = begin(web, target, md5)
    other = CONTENT[::-1]
    web.serve("set.zip", other, etag='"2"', heeds_if_range=heeds)
    download(address, target, checksum=md5(other), pause_seconds=0)
    assert target.read_bytes() == other


def test_a_file_that_shrank_is_fetched_from_its_start(web, target: Path, md5) -> None:
    address = begin(web, target, md5)
    other = CONTENT[: HALF // 2]
    web.serve("set.zip", other, etag='"2"', heeds_if_range=False)
    download(address, target, checksum=md5(other), pause_seconds=0)
    assert target.read_bytes() == other


def test_another_address_does_not_continue_the_first(web, target: Path, md5) -> None:
    begin(web, target, md5)
    other = CONTENT[::-1]
    download(web.serve("mirror.zip", other), target, checksum=md5(other))
    assert target.read_bytes() == other
    assert "range" not in web.requests[0]


def test_a_part_of_which_nothing_is_known_is_not_continued(web, target: Path, md5) -> None:
    address = begin(web, target, md5)
    web["set.zip"].breaks.clear()
    target.with_name("set.zip.part.json").write_text("not a note")
    download(address, target, checksum=md5(CONTENT))
    assert target.read_bytes() == CONTENT
    assert "range" not in web.requests[0]


def test_the_beginning_of_another_program_stays(web, target: Path, md5) -> None:
    address = web.serve("set.zip", CONTENT)
    other = target.with_name("set.zip.part")
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_bytes(b"a browser's")
    with pytest.raises(OutputError, match=r"set\.zip\.part: .*move it away"):
        download(address, target, checksum=md5(CONTENT))
    assert other.read_bytes() == b"a browser's"
    assert names(target) == {"set.zip.part"}


def test_a_server_that_does_not_say_the_length(web, target: Path, md5) -> None:
    address = web.serve("set.zip", CONTENT, says_length=False)
    download(address, target, checksum=md5(CONTENT))
    assert target.read_bytes() == CONTENT


def test_a_length_that_only_the_publisher_says_tells_a_broken_connection(web, target: Path, md5) -> None:
    address = web.serve("set.zip", CONTENT, says_length=False, breaks=[1000])
    download(address, target, checksum=md5(CONTENT), size=len(CONTENT), pause_seconds=0)
    assert target.read_bytes() == CONTENT
    assert web.requests[1]["range"] == "bytes=1000-"


def test_a_wrong_checksum_keeps_nothing_and_names_both(web, target: Path, md5) -> None:
    address, expected = web.serve("set.zip", CONTENT), md5(b"something else")
    with pytest.raises(DownloadError) as caught:
        download(address, target, checksum=expected)
    assert expected in str(caught.value)
    assert md5(CONTENT) in str(caught.value)
    assert names(target) == set()


def test_of_several_checksums_one_is_enough(web, target: Path, md5) -> None:
    address = web.serve("set.zip", CONTENT)
    download(address, target, checksum=("sha256:" + "0" * 64, md5(CONTENT)))
    assert target.read_bytes() == CONTENT
    assert matching(target, ("md5:" + "0" * 32,)) is None
    assert checksum_of(target, "md5") == md5(CONTENT)


def test_without_checksum_what_comes_is_taken(web, target: Path) -> None:
    download(web.serve("set.zip", CONTENT), target)
    assert target.read_bytes() == CONTENT
    assert names(target) == {"set.zip"}


def test_a_server_with_a_file_of_another_size_is_refused_at_once(web, target: Path, md5) -> None:
    address = web.serve("set.zip", CONTENT)
    with pytest.raises(DownloadError, match=f"{len(CONTENT)} bytes, not 7 as published"):
        download(address, target, checksum=md5(CONTENT), size=7)
    assert names(target) == set()


def test_a_web_page_is_not_taken_for_the_file(web, target: Path) -> None:
    address = web.serve("set.zip", b"<html>log in", content_type="text/html; charset=utf-8")
    with pytest.raises(DownloadError, match="web page"):
        download(address, target)
    assert names(target) == set()


def test_another_file_that_is_there_stays(web, target: Path, md5) -> None:
    target.parent.mkdir()
    target.write_bytes(b"mine")
    address = web.serve("set.zip", CONTENT)
    with pytest.raises(OutputError, match="another file") as caught:
        download(address, target, checksum=md5(CONTENT))
    assert md5(b"mine") in str(caught.value)
    assert target.read_bytes() == b"mine"
    download(address, target, checksum=md5(CONTENT), overwrite=True)
    assert target.read_bytes() == CONTENT


def test_another_file_is_replaced_only_once_the_new_one_is_right(web, target: Path, md5) -> None:
    target.parent.mkdir()
    target.write_bytes(b"mine")
    address = web.serve("set.zip", CONTENT)
    with pytest.raises(DownloadError):
        download(address, target, checksum=md5(b"something else"), overwrite=True)
    assert target.read_bytes() == b"mine"


def test_no_room_is_said_before_anything_is_fetched(web, target: Path, md5, monkeypatch) -> None:
    usage = shutil.disk_usage(target.parents[1])._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OutputError, match="make room for 511 kB"):
        download(web.serve("set.zip", CONTENT), target, checksum=md5(CONTENT))
    assert names(target) == set()


def test_a_disk_that_fills_keeps_the_part(web, target: Path, md5, monkeypatch) -> None:
    address = web.serve("set.zip", CONTENT)
    write = downloading._Transfer.write

    def fills(transfer, _write, block):
        def full(data: bytes) -> int:
            if transfer.part.have >= HALF:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return _write(data)

        write(transfer, full, block)

    monkeypatch.setattr(downloading._Transfer, "write", fills)
    with pytest.raises(OutputError, match=r"the disk is full and \d+ kB are missing"):
        download(address, target, checksum=md5(CONTENT))
    part = target.with_name("set.zip.part").read_bytes()
    assert len(part) >= HALF
    assert part == CONTENT[: len(part)]
    monkeypatch.undo()
    download(address, target, checksum=md5(CONTENT))
    assert target.read_bytes() == CONTENT
    assert web.requests[-1]["range"] == f"bytes={len(part)}-"


def test_an_interrupted_transfer_goes_on(web, target: Path, md5) -> None:
    address = web.serve("set.zip", CONTENT)

    def stop(done: int, _total: int) -> None:
        if done >= HALF:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"interrupted: .* kept"):
        download(address, target, checksum=md5(CONTENT), progress=stop)
    download(address, target, checksum=md5(CONTENT))
    assert target.read_bytes() == CONTENT
    assert "range" in web.requests[-1]


def test_an_interrupted_check_loses_nothing(web, target: Path, md5, monkeypatch) -> None:
    import pooch.core

    def stop(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    address = web.serve("set.zip", CONTENT)
    monkeypatch.setattr(pooch.core, "hash_matches", stop)
    with pytest.raises(KeyboardInterrupt):
        download(address, target, checksum=md5(CONTENT))
    monkeypatch.undo()
    assert names(target) == {"set.zip.part", "set.zip.part.json"}
    download(address, target, checksum=md5(CONTENT))
    assert target.read_bytes() == CONTENT
    assert len(web.requests) == 1


def test_servers_out_of_order_are_asked_again(web, target: Path, md5) -> None:
    address = web.serve("set.zip", CONTENT, refusals=[503, 429])
    download(address, target, checksum=md5(CONTENT), pause_seconds=0)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(("code", "words"), [(404, "no such file"), (403, "ask for access"), (400, "error")])
def test_refusals_are_final_and_say_what_to_do(web, target: Path, code: int, words: str) -> None:
    address = web.serve("set.zip", CONTENT, refusals=[code] * 5)
    with pytest.raises(DownloadError, match=words) as caught:
        download(address, target, pause_seconds=0, advice="pass --from FILE")
    assert address in str(caught.value)
    assert f"({code})" in str(caught.value)
    assert "pass --from FILE" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(web.requests) == 1


def test_a_server_that_is_silent_is_given_up(web, target: Path) -> None:
    address = web.serve("set.zip", CONTENT, pause_seconds=0.6)
    with pytest.raises(DownloadError, match="no answer in time, 2 times"):
        download(address, target, attempts=2, pause_seconds=0, timeout_seconds=0.2)


def test_no_server_there(target: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DownloadError, match=rf"no connection to 127.0.0.1:{port} \(connection refused\)"):
        download(f"http://127.0.0.1:{port}/set.zip", target)


def test_a_name_that_is_not_found(target: Path, monkeypatch) -> None:
    def lookup(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(
        DownloadError, match=r"no connection to zenodo\.org \(its name is not found\); try again"
    ):
        download("https://zenodo.org/set.zip", target)


def test_a_certificate_that_cannot_be_checked(target: Path, monkeypatch) -> None:
    failure = ssl.SSLCertVerificationError(1, "certificate verify failed")
    failure.verify_message = "certificate has expired"

    def urlopen(*_: object, **__: object) -> None:
        raise asking.urllib.error.URLError(failure)

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    with pytest.raises(DownloadError, match=r"certificate of zenodo\.org .*has expired"):
        download("https://zenodo.org/set.zip", target)


@pytest.mark.parametrize("address", ["ftp://host/x", "file:///etc/passwd", "x.zip"])
def test_only_web_addresses_are_asked(target: Path, address: str) -> None:
    with pytest.raises(UsageError, match="starts with http"):
        download(address, target)


def test_an_address_with_a_space_is_refused_at_once(web, target: Path) -> None:
    with pytest.raises(UsageError, match="is no address"):
        download(f"{web.address}/my set.zip", target)
    assert web.requests == []


def test_a_checksum_that_is_none(target: Path) -> None:
    with pytest.raises(UsageError, match="checksum"):
        download("http://127.0.0.1/x", target, checksum="md5:12")


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=3000),
    breaks=st.lists(st.integers(0, 1500), max_size=4),
    ranges=st.booleans(),
    etag=st.sampled_from(['"a"', 'W/"a"', None]),
)
def test_whatever_breaks_the_bytes_are_the_same(web, tmp_path, md5, content, breaks, ranges, etag) -> None:
    target = tmp_path / "x.bin"
    target.unlink(missing_ok=True)
    address = web.serve("x.bin", content, breaks=list(breaks), ranges=ranges, etag=etag)
    download(address, target, checksum=md5(content), attempts=6, pause_seconds=0)
    assert target.read_bytes() == content
