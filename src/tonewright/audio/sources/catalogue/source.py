"""What a source of the pool is: a package, which of its files, what they are and under which licences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

Manager = Literal["apt", "npm"]
Decoder = Literal["sound", "stems", "g722", "soundfont", "bank"]
Size = Literal["small", "full"]
Licences = Literal["permissive", "any"]
# Quality is measured with these recordings: what was trained on them could not be judged.
HELD_OUT = frozenset({"sonic-pi-samples"})


@dataclass(frozen=True, kw_only=True)
class Source:
    """Some of the sound of one package.

    Patterns of files are relative to `root`; "*" stays within a folder, "**/" crosses folders.
    Labels and songs are templates of what is known of a file: ``{file}``, its path below `root`
    without the suffix; ``{folder}``, the path of its folder there; the named groups of `reads`; of a
    bank ``{bank}``, ``{instrument}``, ``{note}`` and ``{family}``; of a file named after a note,
    ``{note}``. A label that comes out empty is left out.

    Parameters
    ----------
    name : of the shelf it fills
    package : as its manager knows it
    manager : "apt" or "npm"
    part : "voices", "music" or "instruments"
    size : "small" where it belongs to both pools, "full" where it belongs to the full one alone
    megabytes : of download, 10⁶ bytes
    permissive : whether anything in it is under a permissive licence
    root : folder of the package below which its sound lies
    files : patterns of the paths that belong to it
    without : patterns of paths that do not, although `files` names them
    archives : patterns of archives in the package, unpacked into a folder of their name without suffix
    reads : regular expression over the path below `root`, for its named groups
    labels : templates
    song : template of what decides the split, within the source
    licence : of all its files, where `published` is empty; else of those that the package forgot
    author : likewise
    authors : pairs of pattern and author, for packages that name authors by file in prose
    published : pairs of regular expression and replacement that turn a path of the package into the
        path that its machine-readable copyright file speaks of; empty where there is no such file
    evidence : a file of the package and a phrase in it, on which `licence` rests
    decoder : how its files become samples
    stems : pairs of stem and file name, which lie in one folder for every song
    start_share : the excerpt begins at this share of a longer track
    excerpt_seconds : at most so much of a track; None for all of it
    licences : "permissive" where files under other licences are to be left out, "any" otherwise
    version : asked for; the newest where it is None
    """

    name: str
    package: str
    manager: Manager
    part: str
    size: Size
    megabytes: float
    permissive: bool = True
    root: str
    files: tuple[str, ...]
    without: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()
    reads: str = ""
    labels: tuple[str, ...] = ()
    song: str = "{file}"
    licence: str = ""
    author: str = ""
    authors: tuple[tuple[str, str], ...] = ()
    published: tuple[tuple[str, str], ...] = ()
    evidence: tuple[str, str] | None = None
    decoder: Decoder = "sound"
    stems: tuple[tuple[str, str], ...] = ()
    start_share: float = 0.25
    excerpt_seconds: float | None = None
    licences: Licences = "permissive"
    version: str | None = None

    def __post_init__(self) -> None:
        """Refuse what must never be trained on."""
        if self.package in HELD_OUT:
            raise ValueError(f"{self.package} is what quality is tested on; it can be no source")

    def holds(self, path: str) -> bool:
        """Whether a path below `root` belongs to it."""
        return any(matches(path, pattern) for pattern in self.files) and not any(
            matches(path, pattern) for pattern in self.without
        )

    def facts_of(self, path: str) -> dict[str, str]:
        """What is known of a file from its path below `root`, for the templates; ready for labels."""
        pure = PurePosixPath(path)
        found = re.search(self.reads, path) if self.reads else None
        groups = {} if found is None else {name: text or "" for name, text in found.groupdict().items()}
        facts = {"file": str(pure.with_suffix("")), "folder": str(pure.parent), "note": note_of(pure.stem)}
        return facts | {name: slug(text) for name, text in groups.items()}

    def fill(
        self, facts: dict[str, str], *, labels: tuple[str, ...] | None = None
    ) -> tuple[tuple[str, ...], str]:
        """Labels of a sound and the song it belongs to.

        Parameters
        ----------
        facts : for the templates
        labels : templates to use instead of its own
        """
        filled = (template.format_map(facts) for template in (self.labels if labels is None else labels))
        song = self.song.format_map(facts)
        return tuple(label for label in filled if label), f"{self.name}/{song}" if song else self.name


def matches(path: str, pattern: str) -> bool:
    """Whether a path fits a pattern: "*" within a folder, "?" one character, "**/" any folders or none."""
    parts = re.split(r"(\*\*/|\*|\?)", pattern)
    wild = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return re.fullmatch("".join(wild.get(part) or re.escape(part) for part in parts), path) is not None


def slug(text: str) -> str:
    """Words as one label: lower case, "-" between them.

    Examples
    --------
    >>> slug("Yamaha Grand Piano ")
    'yamaha-grand-piano'
    """
    return re.sub(r"[^\w@#+.]+", "-", text.lower()).strip("-_.")


def note_of(name: str) -> str:
    """The note that a file is named after, sharps as "#"; empty where it is not a note.

    Examples
    --------
    >>> note_of("As3"), note_of("F2 v2"), note_of("kick")
    ('A#3', 'F2', '')
    """
    found = re.fullmatch(r"([A-G])(s|#|)(-?\d)( v\d+)?", name)
    return "" if found is None else f"{found[1]}{'#' if found[2] else ''}{found[3]}"
