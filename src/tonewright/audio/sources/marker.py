"""The note in a folder that says which parts of a public set are completely there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tonewright.audio.files import atomic_output
from tonewright.errors import OutputError

MARKER = ".tonewright-set.json"
_FORMAT = 1


class Marker:
    """``.tonewright-set.json``: parts with their files and sizes, and archives that were downloaded.

    Written whole at every change.

    Parameters
    ----------
    folder : that holds the set
    name : of the set; a folder that holds another one is refused
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.path = folder, folder / MARKER
        self._content: dict[str, Any] = {"format": _FORMAT, "set": name, "parts": {}, "downloads": []}
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise OutputError(f"{self.path}: cannot be read ({error}); remove it") from error
        if not isinstance(found, dict) or found.get("format") != _FORMAT:
            raise OutputError(f"{self.path}: was written by another version; remove it")
        if found.get("set") != name:
            raise OutputError(f"{folder}: holds {found.get('set')} already; name another folder")
        self._content |= found

    def complete(self, part: str) -> bool:
        """Whether every file of a part is there with its size."""
        files = self._files(part)
        return bool(files) and all(self._size(path) == size for path, size in files.items())

    def started(self, part: str) -> bool:
        """Whether a part was there once."""
        return bool(self._files(part))

    def counts(self, parts: Iterable[str]) -> tuple[int, int]:
        """Number and bytes of the files of these parts."""
        sizes = [size for part in parts for size in self._files(part).values()]
        return len(sizes), sum(sizes)

    def note(self, part: str, archive: str, checksum: str, files: Sequence[Path]) -> None:
        """Note that a part is there."""
        sizes = {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in files}
        self._content["parts"][part] = {"archive": archive, "checksum": checksum, "files": sizes}
        self._write()

    def downloaded(self, archive: str) -> bool:
        """Whether an archive in the folder was put there by a download, not by its owner."""
        return archive in self._content["downloads"]

    def note_download(self, archive: str) -> None:
        """Note that an archive was downloaded."""
        if not self.downloaded(archive):
            self._content["downloads"].append(archive)
            self._write()

    def forget_download(self, archive: str) -> None:
        """Note that a downloaded archive is gone, or is to stay."""
        self._content["downloads"].remove(archive)
        self._write()

    def _files(self, part: str) -> dict[str, int]:
        return self._content["parts"].get(part, {}).get("files", {})

    def _size(self, path: str) -> int:
        try:
            return (self.folder / path).stat().st_size
        except OSError:
            return -1

    def _write(self) -> None:
        with atomic_output(self.path, overwrite=True) as temporary:
            text = json.dumps(self._content, ensure_ascii=False, indent=1)
            temporary.write_text(text + "\n", encoding="utf-8")
