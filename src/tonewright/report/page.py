"""Builds one HTML page that needs nothing but itself: style, script, pictures and sound are inside."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from tonewright.audio.files import Clip, atomic_output
from tonewright.errors import OutputError, UsageError
from tonewright.report.listening import listening_group
from tonewright.report.theme import variables
from tonewright.report.vector import png_uri, responsive_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PNG = b"\x89PNG\r\n\x1a\n"
# Longer cells are sentences, and their column stays wide enough on a phone to read them.
_SENTENCE = 40


class Report:
    """A page under construction: add parts in reading order, then write it.

    All words are taken literally; nothing in them is read as HTML.

    Parameters
    ----------
    title : the page's name
    subtitle : a line under it
    language : of the words, as a BCP 47 tag
    """

    def __init__(self, title: str, subtitle: str = "", *, language: str = "en") -> None:
        self.title, self.subtitle, self.language = str(title), str(subtitle), language
        self._parts: list[str] = []
        self._contents: list[tuple[str, str]] = []
        self._figures = 0
        self._groups = 0

    def heading(self, text: str, *, level: int = 2) -> None:
        """Begin a section; those of level 2 are listed in the table of contents."""
        if level not in (2, 3):
            raise UsageError(f"heading level {level}: a page has levels 2 and 3 under its title")
        identifier = self._identifier(text)
        self._contents.append((identifier, str(text) if level == 2 else ""))
        self._parts.append(f'<h{level} id="{identifier}">{escape(str(text))}</h{level}>')

    def _identifier(self, text: str) -> str:
        stem = "to-" + (re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-") or "section")
        taken = {identifier for identifier, _ in self._contents}
        return stem if stem not in taken else f"{stem}-{len(taken) + 1}"

    def text(self, paragraph: str) -> None:
        """Add a paragraph of plain words; an empty line in it begins the next paragraph."""
        for words in re.split(r"\n\s*\n", str(paragraph).strip()):
            self._parts.append(f"<p>{escape(words)}</p>")

    def numbers(self, entries: Sequence[tuple[str, Any] | tuple[str, Any, str]]) -> None:
        """Add headline figures: (name, value) or (name, value, note), most important first."""
        tiles = []
        for name, value, *note in entries:
            small = f"<small>{escape(str(note[0]))}</small>" if note else ""
            tiles.append(f"<div><dt>{escape(str(name))}</dt><dd>{escape(shown(value))}{small}</dd></div>")
        self._parts.append(f'<dl class="numbers">{"".join(tiles)}</dl>')

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        *,
        caption: str = "",
        folded: bool = False,
    ) -> None:
        """Add a table; numbers are aligned right and rounded to four digits.

        Parameters
        ----------
        columns : names, with units where there are any
        rows : one cell a column
        caption : what the table says
        folded : show it on demand
        """
        for row in rows:
            if len(row) != len(columns):
                raise UsageError(f"table row {list(row)!r}: {len(row)} cells for {len(columns)} columns")
        numeric = [bool(rows) and all(_is_number(row[at]) for row in rows) for at in range(len(columns))]
        wordy = [any(len(str(row[at])) > _SENTENCE for row in rows) for at in range(len(columns))]
        css = [
            ' class="number"' if is_number else ' class="words"' if is_wordy else ""
            for is_number, is_wordy in zip(numeric, wordy, strict=True)
        ]
        head = "".join(
            f'<th scope="col"{c}>{escape(str(name))}</th>' for name, c in zip(columns, css, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(f"<td{c}>{escape(shown(cell))}</td>" for cell, c in zip(row, css, strict=True))
            + "</tr>"
            for row in rows
        )
        title = f"<caption>{escape(caption)}</caption>" if caption and not folded else ""
        label = escape(caption or "table")
        self._parts.append(
            _folded(
                f'<div class="scroll" role="region" tabindex="0" aria-label="{label}"><table>{title}'
                f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>",
                label if folded else "",
            )
        )

    def code(self, text: str, *, caption: str = "", folded: bool = False) -> None:
        """Add text in a fixed-width face, its lines kept; `folded` shows it on demand."""
        label = escape(caption or "text")
        block = f'<pre tabindex="0" role="region" aria-label="{label}"><code>{escape(str(text))}</code></pre>'
        title = f'<p class="pre-name">{label}</p>' if caption and not folded else ""
        self._parts.append(title + _folded(block, label if folded else ""))

    def figure(self, figure: Figure | str | bytes | Path, *, caption: str = "", alt: str = "") -> None:
        """Add a figure.

        Parameters
        ----------
        figure : a matplotlib figure, SVG text, PNG bytes, or the path of a .svg or .png file
        caption : what to look for
        alt : what it shows, for those who cannot see it; the caption unless given
        """
        self._parts.append(self._figure(figure, caption=caption, alt=alt))

    def gallery(self, entries: Sequence[tuple[Figure | str | bytes | Path, str]]) -> None:
        """Add small figures side by side, as (figure, caption) pairs; one column on a phone."""
        cells = "".join(
            self._figure(figure, caption=caption, alt="", small=True) for figure, caption in entries
        )
        self._parts.append(f'<div class="gallery">{cells}</div>')

    def _figure(self, figure: Any, *, caption: str, alt: str, small: bool = False) -> str:
        if not (caption or alt):
            raise UsageError("a figure needs a caption that says what to look for, or an alt text")
        self._figures += 1
        label = alt or caption
        if hasattr(figure, "savefig"):
            inside = responsive_svg(figure, prefix=f"f{self._figures}", label=label, narrow_only=small)
        else:
            inside = _picture(figure, alt=label)
        words = (
            f"<figcaption><b>Figure {self._figures}.</b> {escape(caption)}</figcaption>" if caption else ""
        )
        return f'<figure id="figure-{self._figures}">{inside}{words}</figure>'

    def listen(self, sounds: Sequence[tuple[str, Clip]], *, caption: str = "") -> None:
        """Add sounds to compare at the same position, with waveforms and spectrograms.

        Parameters
        ----------
        sounds : (label, clip) pairs; samples (channels, time)
        caption : what to listen for
        """
        if not sounds:
            raise UsageError("listen: no sounds were given")
        self._groups += 1
        self._parts.append(listening_group(sounds, caption=caption, prefix=f"listen-{self._groups}"))

    def html(self) -> str:
        """Return the whole page."""
        style, script = variables() + _resource("style.css"), _resource("script.js")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
        policy = (
            f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
            "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
        )
        entries = [(name, words) for name, words in self._contents if words]
        links = "".join(f'<li><a href="#{name}">{escape(words)}</a></li>' for name, words in entries)
        contents = f'<nav aria-label="Contents"><ol>{links}</ol></nav>' if len(entries) > 1 else ""
        subtitle = f'<p class="subtitle">{escape(self.subtitle)}</p>' if self.subtitle else ""
        return Template(_resource("page.html")).substitute(
            language=escape(self.language),
            policy=policy,
            title=escape(self.title),
            style=style,
            subtitle=subtitle,
            layout=" with-contents" if contents else "",
            contents=contents,
            parts="\n".join(self._parts),
            script=script,
        )

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the page whole or not at all, and return where it is."""
        path, text = Path(path), self.html()
        with atomic_output(path, overwrite=overwrite) as temporary:
            # Names of files that are no UTF-8 are shown with a question mark.
            Path(temporary).write_text(text, encoding="utf-8", errors="replace")
        return path


def _folded(block: str, label: str) -> str:
    return f"<details><summary>{label}</summary>{block}</details>" if label else block


def shown(value: Any) -> str:
    """Return a value as people read it: four digits, a true minus, a dash for nothing."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_number(value):
        number = float(value)
        if not math.isfinite(number):
            return str(number).replace("-", "−")
        return (
            f"{int(number)}" if number == int(number) and abs(number) < 1e15 else f"{number:.4g}"
        ).replace("-", "−")
    return str(value)


def _is_number(value: Any) -> bool:
    return hasattr(value, "__float__") and not isinstance(value, bool)


def _picture(source: str | bytes | Path, *, alt: str) -> str:
    """Return an `img`: inside one, an SVG from elsewhere can neither run nor fetch anything."""
    if isinstance(source, Path):
        try:
            source = source.read_bytes()
        except OSError as error:
            raise OutputError(
                f"{source}: cannot be read: {error.strerror}; leave it out or mend it"
            ) from error
    raw = source.encode() if isinstance(source, str) else source
    if raw.startswith(_PNG):
        size = tuple(int.from_bytes(raw[at : at + 4], "big") for at in (16, 20))
        return _image(png_uri(raw), alt=alt, size=size)
    if b"<svg" not in raw[:4096]:
        raise UsageError("a figure must be a matplotlib figure, SVG or PNG; this is none of them")
    return _image("data:image/svg+xml;base64," + base64.b64encode(raw).decode("ascii"), alt=alt, size=None)


def _image(uri: str, *, alt: str, size: tuple[int, ...] | None) -> str:
    extent = f' width="{size[0]}" height="{size[1]}"' if size else ""
    return f'<img class="plate" alt="{escape(alt)}"{extent} src="{uri}">'


def _resource(name: str) -> str:
    return files("tonewright.report").joinpath(name).read_text(encoding="utf-8")
