"""What a source of the pool is: a package, which of its files, what they are and under which licences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Manager = Literal["apt", "npm"]
Decoder = Literal["sound", "stems", "g722", "soundfont"]
Size = Literal["small", "full"]
Licences = Literal["permissive", "any"]
SongRule = Literal["file", "folder", "source"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Some of the sound of one package.

    Parameters
    ----------
    name : of the shelf it fills; mostly the package's, shortened where that says too much
    package : as its manager knows it
    manager : "apt" or "npm"
    part : "voices", "music" or "instruments"
    size : "small" where it belongs to both pools, "full" where it belongs to the full one alone
    megabytes : of download, 10⁶ bytes
    files : patterns of the paths in the package that belong to it; "**" crosses folders
    without : patterns of paths that do not, although `files` names them
    labels : of all its sounds, each without spaces; more may come from the file or the bank
    language, speaker : of a voice; "various" where there are several
    licences : "permissive" where files under other licences are to be left out, "any" otherwise
    licence : what its files are under where the package says it nowhere by file
    author : who made them, where the package says it nowhere by file
    decoder : how they become samples
    start_share : the excerpt begins at this share of a longer track
    excerpt_seconds : at most so much of a track; None for all of it
    song : what decides the split: each file, its folder, or the source as a whole
    version : asked for; the newest where it is None
    """

    name: str
    package: str
    manager: Manager
    part: str
    size: Size
    megabytes: float
    files: tuple[str, ...]
    without: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    language: str = ""
    speaker: str = ""
    licences: Licences = "permissive"
    licence: str = ""
    author: str = ""
    decoder: Decoder = "sound"
    start_share: float = 0.25
    excerpt_seconds: float | None = None
    song: SongRule = "file"
    version: str | None = None
