"""What is in the folder of downloads: archives, what is known of them, and what was unpacked."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

from tonewright.audio.files import atomic_output
from tonewright.audio.sources.archives import ArchiveError
from tonewright.audio.sources.archives import unpack as unpack_archive
from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.packages import apt
from tonewright.audio.sources.packages.commands import SourceError

PARTIAL = "partial"
_locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)


@dataclass(frozen=True)
class Facts:
    """What is known of a downloaded archive."""

    version: str
    bytes: int
    checksum: str


def keep(source: Source, downloads: Path, file: Path, facts: Facts) -> Facts:
    """Give a whole archive its name, and note what is known of it.

    Parameters
    ----------
    source : whose package it is
    downloads : the folder of downloads
    file : the archive, on the same disk
    facts : to be noted
    """
    # What was unpacked of an earlier archive; part of it, where its removal was cut short.
    shutil.rmtree(downloads / key_of(source), ignore_errors=True)
    file.replace(archive_of(source, downloads))
    with atomic_output(downloads / f"{key_of(source)}.json", overwrite=True) as temporary:
        temporary.write_text(json.dumps(asdict(facts)), encoding="utf-8")
    return facts


def unpack(source: Source, downloads: Path) -> None:
    """Unpack an archive, and archives in it; the folder takes its name when all of it is there.

    Parameters
    ----------
    source : whose package is unpacked
    downloads : the folder of downloads

    Raises
    ------
    SourceError
        If it is damaged.
    OutputError
        If the disk is full.
    """
    place, staged = downloads / key_of(source), downloads / PARTIAL / key_of(source)
    shutil.rmtree(staged, ignore_errors=True)
    try:
        staged.mkdir(parents=True)
        if source.manager == "npm":
            unpack_archive(archive_of(source, downloads), staged)
        else:
            apt.unpack(archive_of(source, downloads), staged, source.package)
        for pattern in source.archives:
            for inner in sorted(staged.glob(pattern)):
                if inner.is_file() and not inner.is_symlink():
                    unpack_archive(inner, inner.with_suffix(""))
                    inner.unlink()
        shutil.rmtree(place, ignore_errors=True)
        staged.replace(place)
    except ArchiveError as error:
        raise SourceError(f"{source.package}: could not be unpacked ({error})") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def known(place: Path) -> Facts | None:
    """What is known of the package that is, or is to be, unpacked in a folder; None if it is not there."""
    try:
        return Facts(**json.loads(place.with_name(f"{place.name}.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def lock_of(source: Source, downloads: Path) -> threading.Lock:
    """The lock of whoever works on a package."""
    return _locks[str(downloads), key_of(source)]


def archive_of(source: Source, downloads: Path) -> Path:
    """Where the archive of a package lies."""
    return downloads / f"{key_of(source)}{'.deb' if source.manager == 'apt' else '.tgz'}"


def key_of(source: Source) -> str:
    """Name of a package in the folder of downloads."""
    return re.sub(r"[^\w.+-]+", "-", f"{source.manager}-{source.package}")
