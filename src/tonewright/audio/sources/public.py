"""Public sets of music: where they lie, what they weigh, what their makers ask for.

Addresses and checksums are those that the named loaders and archives publish; where none publishes a
size it is None. None of them is shipped or mirrored here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tonewright.errors import UsageError, nearest


@dataclass(frozen=True)
class Archive:
    """One archive of a set.

    Parameters
    ----------
    name : its file name
    part : what it holds, as people choose it; "all" where the set is one archive
    address : where it is published
    checksum : of what lies at the address, as "md5:…" or "sha256:…"
    cited : who publishes address and checksum
    also : further checksums of the same archive, or of the same set packed otherwise
    size : in bytes, exactly; None where nobody publishes it
    unpacked : about how many bytes it becomes; None where that cannot be worked out
    """

    name: str
    part: str
    address: str
    checksum: str
    cited: str
    also: tuple[str, ...] = ()
    size: int | None = None
    unpacked: int | None = None


@dataclass(frozen=True)
class PublicSet:
    """A public set of music.

    Parameters
    ----------
    name : as people type it
    title : what it is, in one line
    layout : the layout that reads it, which is also its configuration `data=…`
    licence : what its makers allow
    cite : whom to name when results with it are published
    archives : in the order they are fetched
    """

    name: str
    title: str
    layout: str
    licence: str
    cite: str
    archives: tuple[Archive, ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """What can be fetched by itself."""
        return tuple(archive.part for archive in self.archives)

    def choose(self, parts: Iterable[str] = ()) -> tuple[Archive, ...]:
        """The archives of these parts; all of them where none is named.

        Raises
        ------
        UsageError
            If there is no such part.
        """
        wanted = tuple(dict.fromkeys(parts)) or self.parts
        for part in wanted:
            if part not in self.parts:
                raise UsageError(f"{self.name} has no part {part!r}; {nearest(part, self.parts)}")
        return tuple(archive for archive in self.archives if archive.part in wanted)


_MUSDB_LICENCE = (
    "For education and research, not for commercial use. Its tracks keep their own terms: 100 come from"
    " DSD100 (the 'Mixing Secrets' library; ask there), 46 from MedleyDB (CC BY-NC-SA 4.0), 2 from Native"
    " Instruments, 2 by The Easton Ellises (CC BY-NC-SA 3.0)."
)
_ZENODO = "https://zenodo.org/records"
# 16-bit stereo at 44.1 kHz.
_BYTES_PER_SECOND = 44_100 * 2 * 2

_MUSDB18 = PublicSet(
    "musdb18",
    "150 songs with drums, bass, other and vocals, about 10 h, AAC in MP4 (44.1 kHz, up to 16 kHz)",
    "musdb18",
    _MUSDB_LICENCE,
    "Rafii, Liutkus, Stöter, Mimilakis, Bittner: The MUSDB18 corpus for music separation (2017),"
    " doi:10.5281/zenodo.1117372",
    (
        Archive(
            "musdb18.zip",
            "all",
            f"{_ZENODO}/1117372/files/musdb18.zip",
            "md5:af06762477334799bfc5abf237648207",
            "Zenodo, record 1117372",
            size=4_684_228_845,
            unpacked=4_700_000_000,
        ),
    ),
)

_MUSDB18HQ = PublicSet(
    "musdb18hq",
    "the songs of MUSDB18 as uncompressed WAV with the full band",
    "musdb18hq",
    _MUSDB_LICENCE,
    "Rafii, Liutkus, Stöter, Mimilakis, Bittner: MUSDB18-HQ – an uncompressed version of MUSDB18 (2019),"
    " doi:10.5281/zenodo.3338373",
    (
        Archive(
            "musdb18hq.zip",
            "all",
            f"{_ZENODO}/3338373/files/musdb18hq.zip",
            "sha256:baac80d0483c61d74b2e5f3be75fa557eec52898339e6aa45c1fa48833c5d21d",
            "torchaudio 2.11, datasets/musdb_hq.py; size and MD5: Zenodo, record 3338373",
            also=("md5:12d4f2ecd55245a4688754dd76363103",),
            size=22_656_664_047,
            # Five files for each of about 10 hours.
            unpacked=5 * 36_000 * _BYTES_PER_SECOND,
        ),
    ),
)

_MUSDB18_SAMPLE = PublicSet(
    "musdb18-sample",
    "7 seconds of the songs of MUSDB18, to try things with",
    "musdb18",
    _MUSDB_LICENCE,
    _MUSDB18.cite,
    (
        Archive(
            "MUSDB18-7-STEMS.zip",
            "all",
            "https://github.com/sigsep/sigsep-mus-db/releases/download/v0.4.0/MUSDB18-7-STEMS.zip",
            "md5:dc2bdfac5b46ce742bd60009866758a5",
            "address: musdb 0.4.3, configs/mus.yaml; size and MD5: Zenodo, record 3270814",
            size=147_209_385,
            unpacked=150_000_000,
        ),
    ),
)

_IRMAS_SUMS = (
    ("training", "IRMAS-TrainingData.zip", "4fd9f5ed5a18d8e2687e6360b5f60afe"),
    ("testing-1", "IRMAS-TestingData-Part1.zip", "5a2e65520dcedada565dff2050bb2a56"),
    ("testing-2", "IRMAS-TestingData-Part2.zip", "afb0c8ea92f34ee653693106be95c895"),
    ("testing-3", "IRMAS-TestingData-Part3.zip", "9b3fb2d0c89cdc98037121c25bd5b556"),
)

_IRMAS = PublicSet(
    "irmas",
    "6 705 excerpts of 3 s labelled with the predominant one of 11 instruments; 2 874 longer ones to test",
    "irmas",
    "Creative Commons BY-NC-SA 3.0: not for commercial use, named, shared alike.",
    "Bosch, Janer, Fuhrmann, Herrera: A comparison of sound segregation techniques for predominant instrument"
    " recognition in musical audio signals, ISMIR 2012, pp. 559–564; doi:10.5281/zenodo.1290750",
    tuple(
        Archive(
            name,
            part,
            f"{_ZENODO}/1290750/files/{name}",
            f"md5:{checksum}",
            "mirdata 1.0, datasets/irmas.py",
            unpacked=6705 * 3 * _BYTES_PER_SECOND if part == "training" else None,
        )
        for part, name, checksum in _IRMAS_SUMS
    ),
)

_GTZAN = PublicSet(
    "gtzan",
    "1 000 excerpts of 30 s in 10 genres, 22.05 kHz mono; has repeats and wrong labels (arXiv:1306.1461)",
    "gtzan",
    "None was ever given: excerpts of CDs and broadcasts, collected in 2000 and 2001 without asking whom they"
    " belong to. Used in research for lack of another; whether you may is for you to judge.",
    "Tzanetakis, Cook: Musical genre classification of audio signals, IEEE Transactions on Speech and Audio"
    " Processing 10(5), 2002, pp. 293–302",
    (
        Archive(
            "genres.tar.gz",
            "all",
            # The address in mirdata and torchaudio, http://opihi.cs.uvic.ca/sound/genres.tar.gz, has been
            # dead since 2022 (mirdata, thread 549); this is the copy of the group that made the set.
            "https://huggingface.co/datasets/marsyas/gtzan/resolve/main/data/genres.tar.gz",
            "sha256:b28cc067ff6199bd826f5d1a6931458586d64acae7f44b2e882b7a97af057531",
            "Hugging Face, marsyas/gtzan; for the file of the old address: torchaudio 2.11, mirdata 1.0",
            also=(
                "sha256:24347e0223d2ba798e0a558c4c172d9d4a19c00bb7963fe055d183dadb4ef2c6",
                "md5:5b3d6dddb579ab49814ab86dba69e7c7",
            ),
            unpacked=1000 * 30 * 22_050 * 2,
        ),
    ),
)

PUBLIC_SETS: Mapping[str, PublicSet] = MappingProxyType(
    {found.name: found for found in (_MUSDB18, _MUSDB18HQ, _MUSDB18_SAMPLE, _IRMAS, _GTZAN)}
)


def public_set(name: str) -> PublicSet:
    """The set of this name.

    Raises
    ------
    UsageError
        If there is none; the message names the nearest.
    """
    if name not in PUBLIC_SETS:
        raise UsageError(f"there is no set {name!r}; {nearest(name.lower(), PUBLIC_SETS)}")
    return PUBLIC_SETS[name]
