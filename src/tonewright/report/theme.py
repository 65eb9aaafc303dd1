"""The colours of a page, for daylight and for the dark; one table for style sheet and figures.

Words and lines have a contrast of at least 4.5 : 1 with every background (WCAG 2.2). The first two series
are blue and orange, which all kinds of colour vision tell apart; figures vary the dashes as well.
"""

from __future__ import annotations

# name -> (light, dark)
COLOURS: dict[str, tuple[str, str]] = {
    "paper": ("#fbfbfa", "#121519"),
    "card": ("#ffffff", "#1a1e24"),
    "sunken": ("#f1f3f5", "#0d1013"),
    "ink": ("#1b1f24", "#e9ebee"),
    "muted": ("#565f6b", "#a6afba"),
    "line": ("#dadfe4", "#333a43"),
    "grid": ("#e7eaee", "#2a3038"),
    "accent": ("#1a5fb5", "#86b7ff"),
    "on-accent": ("#fefefe", "#0c1622"),
    "series-1": ("#1a5fb4", "#7db4ff"),
    "series-2": ("#b8430a", "#ffa066"),
    "series-3": ("#0b7a5b", "#52cfa9"),
    "series-4": ("#8a3f9e", "#d9a2ec"),
    "series-5": ("#7d5c00", "#e6c455"),
    "series-6": ("#4f5863", "#b3bcc7"),
}
INK, MUTED, GRID = (COLOURS[name][0] for name in ("ink", "muted", "grid"))
SERIES = tuple(light for name, (light, _) in COLOURS.items() if name.startswith("series-"))


def variables() -> str:
    """Return the style sheet's custom properties: light by default and in print, dark on dark screens."""
    light, dark = (
        " ".join(f"--{name}: {pair[index]};" for name, pair in COLOURS.items()) for index in (0, 1)
    )
    return (
        f":root {{ color-scheme: light; {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ color-scheme: dark; {dark} }} }}\n"
    )
