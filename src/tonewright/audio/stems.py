"""Stems that a track has, and the one that others give: the accompaniment is all but the voice."""

from __future__ import annotations

from collections.abc import Iterable

MIXTURE, VOCALS, ACCOMPANIMENT = "mixture", "vocals", "accompaniment"
_BAND = {"drums", "bass", "other"}  # with the vocals, the whole of a MUSDB18 song

Parts = tuple[tuple[str, float], ...]


def parts_of(wanted: str, stems: Iterable[str]) -> Parts | None:
    """Which stems to add up, each by its factor, for the one that is wanted; None where they do not give it.

    The accompaniment is drums + bass + other + whatever else is not sung, as MUSDB18 defines it; without one
    of these, mixture − vocals; without a mixture, the sum of stems by other names, such as guitar and piano.

    Parameters
    ----------
    wanted : name of a stem
    stems : the names there are
    """
    names = tuple(stems)
    if wanted in names:
        return ((wanted, 1.0),)
    if wanted != ACCOMPANIMENT:
        return None
    played = tuple(name for name in names if name not in (MIXTURE, VOCALS))
    if set(played) >= _BAND:
        return tuple((name, 1.0) for name in played)
    if MIXTURE in names and VOCALS in names:
        return ((MIXTURE, 1.0), (VOCALS, -1.0))
    if played and MIXTURE not in names and not set(played) & _BAND:
        return tuple((name, 1.0) for name in played)
    return None


def gives(stems: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether a track of these stems has or gives all that are wanted."""
    names = tuple(stems)
    return all(parts_of(name, names) is not None for name in wanted)
