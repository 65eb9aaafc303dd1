"""Packages of npm: packed by its client into an archive, never installed, none of their scripts run."""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tonewright.audio.sources.packages.commands import Outcome, SourceError, full, run

_OPTIONS = (
    "--json",
    "--ignore-scripts",
    "--no-update-notifier",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--fetch-retries=3",
    "--fetch-timeout=60000",
)


@dataclass(frozen=True)
class Packed:
    """An archive that npm made.

    Parameters
    ----------
    file : where it lies
    version : of the package
    bytes : of the archive
    checksum : "SHA512:…"
    """

    file: Path
    version: str
    bytes: int
    checksum: str


def pack(packages: Iterable[str], folder: Path, private: Path) -> dict[str, Packed]:
    """Download packages into a folder; npm itself checks them against the registry's checksums.

    Parameters
    ----------
    packages : by name, or "name@version"
    folder : for the archives
    private : folder for npm's cache and home; the user's own settings of npm are heeded

    Raises
    ------
    SourceError
        If there is no npm, or a package cannot be had; then none is.
    OutputError
        If the disk is full.
    """
    wanted = list(packages)
    (private / "home").mkdir(parents=True, exist_ok=True)
    command = [
        "npm",
        "pack",
        *wanted,
        *_OPTIONS,
        f"--cache={private / 'cache'}",
        f"--pack-destination={folder}",
    ]
    outcome = run(command, folder=folder, settings=_settings(private))
    if outcome.disk_is_full:
        raise full(folder)
    if outcome.status != 0:
        raise SourceError(f"{' '.join(wanted)}: could not be downloaded ({_reason(outcome)})")
    try:
        made = {entry["name"]: _packed(entry, folder) for entry in json.loads(outcome.output)}
        return {package: made[_name(package)] for package in wanted}
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{' '.join(wanted)}: npm answered in a way that is not understood") from error


def _packed(entry: dict, folder: Path) -> Packed:
    # A scoped package's archive is named with "/" by some versions and with "-" by others.
    file = folder / entry["filename"].replace("@", "").replace("/", "-")
    kind, _, digest = entry["integrity"].partition("-")
    try:
        checksum = f"{kind.upper()}:{base64.b64decode(digest).hex()}"
    except binascii.Error as error:
        raise ValueError("no checksum") from error
    return Packed(file, str(entry["version"]), int(entry["size"]), checksum)


def _name(package: str) -> str:
    return package[0] + package[1:].split("@")[0]


def _settings(private: Path) -> dict[str, str]:
    """Environment of npm: a home of its own, but the settings of the user's."""
    settings = {"HOME": str(private / "home")}
    own = Path(os.environ.get("HOME", "/nonexistent")) / ".npmrc"
    if own.is_file() and "NPM_CONFIG_USERCONFIG" not in os.environ:
        settings["NPM_CONFIG_USERCONFIG"] = str(own)
    return settings


def _reason(outcome: Outcome) -> str:
    """Why npm failed: its report is JSON on either stream, or lines."""
    try:
        error = json.loads(outcome.output)["error"]
        return str(error.get("summary") or error.get("code")).strip().splitlines()[0][:300]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return outcome.reason()
