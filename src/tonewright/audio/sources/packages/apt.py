"""Packages of Debian and its kin: found by apt, downloaded, unpacked by dpkg-deb; nothing is installed.

Works for any user: apt reads the lists of the machine, or, where those are empty or out of date,
fetches lists of its own into a private folder.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from tonewright.audio.sources.packages.commands import SourceError, check_room, full, run

# No change of user when run by root: its download folder need not be open to the user "_apt".
_OPTIONS = (
    "-q",
    "-o",
    "APT::Sandbox::User=root",
    "-o",
    "Acquire::Retries=3",
    "-o",
    "Acquire::http::Timeout=30",
    "-o",
    "Acquire::https::Timeout=30",
    "-o",
    "Dir::Cache::pkgcache=pkgcache.bin",
    "-o",
    "Dir::Cache::srcpkgcache=srcpkgcache.bin",
)
_HASHES = {"SHA256": "sha256", "SHA512": "sha512"}
_BLOCK_BYTES = 1 << 20
_OUTDATED = re.compile(r"404|Hash Sum mismatch|unexpected size|Unable to locate|was not found")
_listing = threading.Lock()


class OutdatedError(SourceError):
    """A failure that fresh lists may mend."""


@dataclass(frozen=True)
class Offer:
    """What apt would download for a package.

    Parameters
    ----------
    file : name that apt gives it
    version : with its epoch
    bytes : of the file
    checksum : "SHA256:…", from the signed lists; "" where apt knows none
    """

    file: str
    version: str
    bytes: int
    checksum: str


def offers(packages: Iterable[str], private: Path) -> dict[str, Offer]:
    """What apt would download, by package; those that it does not know are missing.

    Parameters
    ----------
    packages : by name, or "name=version"
    private : folder for lists of our own, filled where the machine's lists do not know a package

    Raises
    ------
    SourceError
        If there is no apt, or no lists can be had.
    """
    wanted = list(packages)
    with _listing:
        found = _ask(wanted, private)
        if len(found) < len(wanted) and not _has_lists(private):
            update(private)
            found = _ask(wanted, private)
    return found


def update(private: Path) -> None:
    """Fetch package lists into a folder of our own, by the sources that the machine is set up with.

    Raises
    ------
    SourceError
        If not one list could be fetched.
    """
    (private / "state" / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    options = _options(private, own_lists=True)
    outcome = run(["apt-get", *options, "-o", "Acquire::Languages=none", "update"])
    if outcome.disk_is_full:
        raise full(private)
    if not _has_lists(private):
        raise SourceError(
            "apt's package lists do not name it, and newer ones could not be fetched"
            f" ({outcome.reason()}); is there a connection, and are the machine's sources set up?"
        )


def download(wanted: Mapping[str, Offer], folder: Path, private: Path, watch: Callable[[], int]) -> None:
    """Download packages into a folder, going on from what is there. Whether they are whole is not looked at.

    Parameters
    ----------
    wanted : what apt offers, by package
    folder : for the files
    private : folder for lists of our own
    watch : called now and then; gives the bytes that are there

    Raises
    ------
    SourceError
        If apt fails; `OutdatedError` where fresh lists may help.
    OutputError
        If the disk is full.
    """
    present = sum(file.stat().st_size for file in folder.glob("*.deb"))
    check_room(folder, sum(offer.bytes for offer in wanted.values()) - present, ", ".join(wanted))
    if not wanted:
        return
    options = _options(private, own_lists=_has_lists(private))
    outcome = run(["apt-get", *options, "download", *wanted], folder=folder, watch=watch)
    if outcome.disk_is_full:
        for offer in wanted.values():
            (folder / offer.file).unlink(missing_ok=True)
        raise full(folder)
    if outcome.status != 0:
        kind = OutdatedError if _OUTDATED.search(outcome.errors) else SourceError
        raise kind(f"{', '.join(wanted)}: could not be downloaded ({outcome.reason()})")


def unpack(archive: Path, folder: Path, package: str) -> None:
    """Unpack a .deb into a folder that is there and empty.

    Raises
    ------
    SourceError
        If it is damaged.
    OutputError
        If the disk is full.
    """
    size = run(["dpkg-deb", "-f", str(archive), "Installed-Size"])
    if size.status == 0 and size.output.strip().isdigit():
        check_room(folder, 1024 * int(size.output), f"{package}, unpacked,")
    outcome = run(["dpkg-deb", "-x", str(archive), str(folder)])
    if outcome.disk_is_full:
        raise full(folder)
    if outcome.status != 0:
        raise SourceError(f"{package}: could not be unpacked ({outcome.reason()})")


def intact(file: Path, size: int, checksum: str) -> bool:
    """Whether a file is there whole: of that size, and with that checksum where it can be computed."""
    if not file.is_file() or file.stat().st_size != size:
        return False
    kind, _, digest = checksum.partition(":")
    if kind.upper() not in _HASHES:
        return True
    found = hashlib.new(_HASHES[kind.upper()])
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            found.update(block)
    return found.hexdigest() == digest.lower()


def _ask(packages: list[str], private: Path) -> dict[str, Offer]:
    options = _options(private, own_lists=_has_lists(private))
    outcome = run(["apt-get", *options, "--print-uris", "download", *packages])
    found = dict(filter(None, map(_offer, outcome.output.splitlines())))
    return {package: found[name] for package in packages if (name := package.partition("=")[0]) in found}


def _offer(line: str) -> tuple[str, Offer] | None:
    """Read a line: 'address' file size checksum."""
    try:
        _, file, size, *checksum = shlex.split(line)
        name, version, _ = file.split("_")
        return name, Offer(file, unquote(version), int(size), checksum[0] if checksum else "")
    except ValueError:
        return None


def _options(private: Path, *, own_lists: bool) -> list[str]:
    """Options of apt: a cache of our own, which spares it reading its lists at every call, or lists too."""
    (private / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    options = [*_OPTIONS, "-o", f"Dir::Cache={private / 'cache'}"]
    if not own_lists:
        return options
    state = private / "state"
    return [*options, "-o", f"Dir::State={state}", "-o", f"Dir::State::lists={state / 'lists'}"]


def _has_lists(folder: Path) -> bool:
    return any((folder / "state" / "lists").glob("*Packages*"))
