"""Matplotlib figures as inline SVG that follows the page: its colours, its font, its width.

A figure laid out by a layout engine is drawn twice, once wide and once for a phone, so that its text
keeps the size of the page's text; pictures inside it are stored once, with a palette where 256
colours are enough.
"""

from __future__ import annotations

import base64
import html
import io
import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.report.pictures import palette_png
from tonewright.report.theme import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NARROW_IN = 3.55
_IMAGE = re.compile(r'<image\b[^>]*?(?:xlink:)?href="(data:image/png;base64,[^"]+)"[^>]*/>', re.S)


def responsive_svg(figure: Figure, *, prefix: str, label: str, narrow_only: bool = False) -> str:
    """Draw a figure as one or two inline SVG elements, of which the style sheet shows one.

    Parameters
    ----------
    figure : left as it was
    prefix : what every id in the result begins with
    label : what a screen reader says in place of the picture
    narrow_only : draw the phone's version alone, for a grid of small figures
    """
    size = [float(length) for length in figure.get_size_inches()]
    fluid = figure.get_layout_engine() is not None
    # A tall stack of panels keeps its height; a single landscape panel need not be that high on a phone.
    narrow = (NARROW_IN, max(min(size[1], 2.7), 0.9 * size[1] * min(1.0, size[1] / size[0])))
    sizes = {"wide": (size[0], size[1])} if not (narrow_only and fluid) else {}
    if fluid:
        sizes["narrow"] = narrow
    drawn = {name: _drawn(figure, inches) for name, inches in sizes.items()}
    only = len(drawn) == 1
    shared: dict[str, str] = {}
    parts = [
        _themed(
            svg, prefix=f"{prefix}-{name}", label=label, shared=shared, css="plot" if only else f"plot {name}"
        )
        for name, svg in drawn.items()
    ]
    return _shared_images(shared, prefix=prefix) + "".join(parts)


def _drawn(figure: Figure, inches: tuple[float, float]) -> str:
    """Return matplotlib's SVG of the figure at a size, without prolog and metadata."""
    import matplotlib as mpl

    before, output = figure.get_size_inches().copy(), io.StringIO()
    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "report", "svg.image_inline": True}
    try:
        figure.set_size_inches(*inches)
        with mpl.rc_context(style), warnings.catch_warnings():
            # The reader's browser has the letters that the measuring font lacks.
            warnings.filterwarnings("ignore", message="Glyph .* missing")
            figure.savefig(output, format="svg", transparent=True, metadata={"Date": None})
    finally:
        figure.set_size_inches(*before)
    svg = output.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    return re.sub(r"<style\b.*?</style>", "", svg, flags=re.S)


def _themed(svg: str, *, prefix: str, label: str, shared: dict[str, str], css: str) -> str:
    """Rename ids, take colours and font from the page, and move pictures to `shared`."""
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r'\bhref="#([^"]+)"', rf'href="#{prefix}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", svg)
    svg = re.sub(r"font(-family)?: ?([^;\"]*)", _unfamilied, svg)
    svg = re.sub(r"#[0-9a-f]{6}\b", lambda found: _VARIABLE_OF.get(found[0], found[0]), svg)
    image_prefix = prefix.rsplit("-", 1)[0]
    svg = _IMAGE.sub(lambda found: _use_of(found, shared, image_prefix), svg)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    width = float(size[1]) if size else 400.0
    head = (
        f'<svg class="{css}" role="img" aria-label="{html.escape(label)}" '
        f'style="max-width: {width * 4 / 3:.0f}px" viewBox="{size[0].split(chr(34))[1] if size else ""}">'
    )
    return re.sub(r"<svg\b[^>]*>", lambda _: head, svg, count=1)


_VARIABLE_OF = {light: f"var(--{name}, {light})" for name, (light, _) in COLOURS.items() if name != "paper"}
_VARIABLE_OF |= {"#000000": "var(--ink, #000)"}


def _unfamilied(found: re.Match[str]) -> str:
    """Keep a font's size and weight and leave its family to the page."""
    if found[1]:
        return "font-family: inherit"
    kept = re.match(r"[^']*?[\d.]+px", found[2])
    return f"font: {kept[0]} var(--sans)" if kept else found[0]


def _use_of(found: re.Match[str], shared: dict[str, str], prefix: str) -> str:
    """Replace a picture by a reference to the one copy of it."""
    element, data = found[0], found[1]
    name = shared.setdefault(_small_png(data), f"{prefix}-picture-{len(shared) + 1}")
    values = dict(re.findall(r'\b(x|y|width|height|transform)="([^"]*)"', element))
    place = f"{values.get('transform', '')} translate({values.get('x', 0)} {values.get('y', 0)})"
    scale = f"scale({values['width']} {values['height']})"
    return f'<use href="#{name}" transform="{place.strip()} {scale}"/>'


def _small_png(data: str) -> str:
    """Return the same picture with a palette if at most 256 opaque colours are in it."""
    from matplotlib.image import imread

    raw = base64.b64decode(data.partition(",")[2])
    pixels = np.round(np.atleast_3d(imread(io.BytesIO(raw), format="png")) * 255).astype(np.uint8)
    if pixels.shape[2] == 4 and pixels[..., 3].min() < 255:
        return data
    packed = pixels[..., :3].astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    colours, indices = np.unique(packed, return_inverse=True)
    if len(colours) > 256:
        return data
    palette = (colours[:, None] >> np.array([16, 8, 0], np.uint32)).astype(np.uint8)
    small = palette_png(indices.reshape(packed.shape).astype(np.uint8), palette)
    return data if len(small) >= len(raw) else png_uri(small)


def png_uri(png: bytes) -> str:
    """Return a picture as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _shared_images(shared: dict[str, str], *, prefix: str) -> str:
    """Define each picture once as a unit square."""
    if not shared:
        return ""
    images = "".join(
        f'<image id="{name}" width="1" height="1" preserveAspectRatio="none" href="{data}"/>'
        for data, name in shared.items()
    )
    return f'<svg class="store" id="{prefix}-pictures" width="0" height="0" aria-hidden="true">{images}</svg>'
