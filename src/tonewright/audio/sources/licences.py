"""Who made a file of a package, and under which licence: read from the package's own statement.

Packages of Debian say it in `usr/share/doc/PACKAGE/copyright`, most of them in the machine-readable
form of DEP 5: paragraphs that begin with `Files:` and patterns, the last that matches a file applies.
Licences are named as SPDX does where it has a name for them.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

_FORMAT = re.compile(r"^Format(-Specification)?:.*copyright.*", re.IGNORECASE)
_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$")
_GNU = re.compile(r"^(A?GPL|LGPL|GFDL(?:-NIV)?)-?v?(\d+(?:\.\d+)?)(\+?)")
_CREATIVE = re.compile(r"^CC[- ](BY(?:-SA)?)[- ]v?(\d)(?:\.(\d))?(\+?)(.*)$", re.IGNORECASE)
# After the version a country may follow, in which a licence was adapted; NC and ND are no countries.
_PERMISSIVE = re.compile(
    r"^(CC0(-1\.0)?|CC-BY(-SA)?-\d\.\d\+?(-(?!N[CD]$)[A-Z]+)?|0BSD|BSD|MIT|public-domain)$"
)
_NAMES = {
    "cc0": "CC0-1.0",
    "expat": "MIT",
    "mit": "MIT",
    "public-domain": "public-domain",
    "pd": "public-domain",
}
_NOBODY = re.compile(r"^(no[- ]copyright|none|public[- ]domain)\b", re.IGNORECASE)
_YEARS = re.compile(r"^(?:\(c\)|©|copyright|\d{4}|present|[-–/,:\s])+", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*(<[^>]*>|\([^)]*(?:@|www\.|://)[^)]*\)|\S+@\S+\.\w+|https?://\S+)")


@dataclass(frozen=True)
class Terms:
    """What a package says about some of its files.

    Parameters
    ----------
    patterns : of their paths; "*" and "?" stand for any characters, "/" among them
    authors : names alone, joined with ", "
    licence : as `spdx` names it
    """

    patterns: tuple[str, ...]
    authors: str
    licence: str

    def match(self, path: str) -> bool:
        """Whether they apply to a file."""
        return any(_expression(pattern).fullmatch(path) for pattern in self.patterns)


def read_copyright(path: Path) -> tuple[Terms, ...]:
    """The terms in a copyright file, in its order; none where it is missing or not machine-readable."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    return parse_copyright(text)


def parse_copyright(text: str) -> tuple[Terms, ...]:
    """The terms in the text of a copyright file; none where it is not machine-readable."""
    found = [_fields(block) for block in re.split(r"\n[ \t]*\n", text.lstrip("\ufeff\n"))]
    if not found or not _FORMAT.match(text.lstrip("\ufeff\n")):
        return ()
    return tuple(
        Terms(tuple(fields["files"].split()), names(fields.get("copyright", "")), _short(fields["license"]))
        for fields in found
        if "files" in fields and "license" in fields
    )


def terms_of(path: str, terms: tuple[Terms, ...]) -> Terms | None:
    """The terms of a file: the last that match, as the format has it."""
    return next((entry for entry in reversed(terms) if entry.match(path)), None)


def spdx(licence: str) -> str:
    """A licence by its SPDX name, where a short name of a package can be read as one.

    "GPL-2+" gives "GPL-2.0-or-later", "Expat" gives "MIT", "CC-BY-SA-3.0-us" gives
    "CC-BY-SA-3.0-US"; what is not known stays as it is.
    """
    parts = re.split(r"\s+(and|or)\s+", licence.strip().rstrip(","))
    return " ".join(part.upper() if part in ("and", "or") else _one(part) for part in parts)


def permissive(licence: str) -> bool:
    """Whether sound under it may be used for anything, at most with the author named or alike.

    CC0, CC BY, CC BY-SA, BSD, MIT and the public domain are; GPL, GFDL, NC, ND and what is not known
    are not. Of "A OR B" one suffices, of "A AND B" both are needed.
    """
    return any(
        all(_is_permissive(part) for part in choice.split(" AND ")) for choice in spdx(licence).split(" OR ")
    )


def names(text: str) -> str:
    """Names in the lines of a copyright field, without years and addresses.

    Examples
    --------
    >>> names("2003-2010, Allison Smith <a@b.org>")
    'Allison Smith'
    """
    found = []
    for line in text.splitlines():
        name = _ADDRESS.sub("", line.strip())
        name = _YEARS.sub("", name).strip(" ,;.")
        if name and not _NOBODY.match(name):
            found.append(name)
    return ", ".join(dict.fromkeys(found))


def _is_permissive(licence: str) -> bool:
    return bool(_PERMISSIVE.match(licence)) or re.match(r"^BSD-", licence) is not None


def _one(name: str) -> str:
    name = name.strip()
    if (gnu := _GNU.match(name)) is not None:
        family, version, later = gnu.groups()
        version += "" if "." in version else ".0"
        known = f"{family}-{version}-{'or-later' if later else 'only'}"
        rest = name[gnu.end() :].strip()
        return f"{known} {rest}" if rest else known
    if (creative := _CREATIVE.match(name)) is not None:
        kind, major, minor, later, rest = creative.groups()
        return f"CC-{kind.upper()}-{major}.{minor or 0}{later}{rest.strip().upper()}"
    return _NAMES.get(name.lower(), name)


def _short(field: str) -> str:
    """The name in a License field: its first line."""
    return spdx(field.splitlines()[0]) if field.strip() else "unknown"


def _fields(block: str) -> dict[str, str]:
    """Fields of one paragraph by their names in lower case, continued lines joined with newlines."""
    fields: dict[str, list[str]] = {}
    current: list[str] = []
    for line in block.splitlines():
        if (start := _FIELD.match(line)) is not None:
            current = fields.setdefault(start[1].lower(), [])
            current.append(start[2])
        elif line[:1] in (" ", "\t"):
            current.append("" if line.strip() == "." else line.strip())
    return {name: "\n".join(lines).strip() for name, lines in fields.items()}


@functools.lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.findall(r"\\.|\*|\?|[^\\*?]+|\\$", pattern)
    wild = {"*": ".*", "?": "."}
    return re.compile(
        "".join(wild.get(part) or re.escape(part.removeprefix("\\")) for part in parts), re.DOTALL
    )
