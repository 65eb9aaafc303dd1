"""The raw sounds of a fetched package, one after another, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import soundfile

from tonewright.audio.files import SoundReader, convert_channels
from tonewright.audio.sources import g722
from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.catalogue.source import slug
from tonewright.audio.sources.contents import SourceFile, files_of
from tonewright.audio.sources.packages import Fetched
from tonewright.audio.sources.soundfont import Note, SoundFont
from tonewright.errors import AudioError

# Of a track that is taken whole; longer ones are cut, so that memory is bounded.
_MOST_SECONDS = 300.0
_MOST_CHANNELS = 8
_NOTE_LABELS = ("note", "{instrument}", "{note}", "{family}")
_DRUM_LABELS = ("drum", "{instrument}")


@dataclass(frozen=True, kw_only=True)
class RawSound:
    """A sound as its package holds it: not trimmed, not levelled, at its own rate.

    Parameters
    ----------
    name : short and unlike any other of its source, such as "digits/7"
    file : its path in the package; of a song with stems, their folder; a note of a bank is
        "path/of/bank.sf2:name of the note"
    samples : (channels, frames), float32; of a sound with stems, their sum
    sample_rate : Hz, as the file states it
    licence : an SPDX name where there is one
    author : where known, else ""
    labels : each without spaces, such as ("speech", "fr", "june")
    song : what decides its split, unlike those of other sources
    stems : aligned sounds of equal length, "mixture" among them; None where there is but one
    """

    name: str
    file: str
    samples: np.ndarray
    sample_rate: int
    licence: str
    author: str
    labels: tuple[str, ...]
    song: str
    stems: Mapping[str, np.ndarray] | None = None


@dataclass(frozen=True)
class Refused:
    """A file that was found and left out.

    Parameters
    ----------
    file : its path in the package
    reason : in words, without the path
    seconds : its length, where known
    """

    file: str
    reason: str
    seconds: float = 0.0


def sounds(source: Source, fetched: Fetched) -> Iterator[RawSound | Refused]:
    """The sounds of a source, in the order of their paths.

    What its patterns leave out is passed over in silence. Files under a licence that is not asked
    for come first, as `Refused`; files that are no sound come in their place, likewise.

    Parameters
    ----------
    source : as chosen; its `licences` say what is left out
    fetched : its package

    Raises
    ------
    SourceError
        If none of the package's files is among those of the source, its licence is not where it was
        looked up, or a decoder is missing.
    """
    wanted = []
    for file in files_of(source, fetched):
        if file.allowed:
            wanted.append(file)
        else:
            yield Refused(file.file, f"is under {file.licence or 'no licence that is known'}")
    if source.decoder == "g722":
        yield from _g722_sounds(source, wanted)
    elif source.decoder == "stems":
        yield from _songs(source, wanted)
    elif source.decoder == "soundfont":
        for file in wanted:
            yield from _notes(source, file)
    elif source.decoder == "sound":
        for file in wanted:
            yield _sound(source, file)


def banks(source: Source, fetched: Fetched) -> tuple[Path, ...]:
    """The soundfonts (.sf2, .sf3) of a source, for whoever plays them; none for most sources."""
    if source.decoder not in ("soundfont", "bank"):
        return ()
    return tuple(file.place for file in files_of(source, fetched) if file.allowed)


def _sound(source: Source, file: SourceFile) -> RawSound | Refused:
    try:
        samples, rate = _excerpt(source, file.place)
    except AudioError as error:
        return Refused(file.file, error.reason)
    return _raw(source, file, samples, rate)


def _excerpt(source: Source, place: Path, *, frames: int | None = None) -> tuple[np.ndarray, int]:
    """The part of a file that is wanted, (channels, frames), and its rate."""
    try:
        with SoundReader(place) as reader:
            _check_channels(place, reader.info.channels)
            total = reader.info.frames if frames is None else frames
            start, count = _part(source, total, reader.info.sample_rate)
            return reader.read(start=start, frames=count), reader.info.sample_rate
    except AudioError as error:
        found = _as_published(source, place, frames)
        if found is None:
            raise error
        return found


def _as_published(source: Source, place: Path, frames: int | None) -> tuple[np.ndarray, int] | None:
    """What can be read of a file whose stream has no proper end; None if that is nothing.

    The package was checked as a whole, so that such a file was published like that: no end mark in it,
    or a length in its header that is not quite true. Of a stem, the length of its song says where the part
    begins, so that it stays in step with the others.
    """
    try:
        with soundfile.SoundFile(place) as sound:
            _check_channels(place, sound.channels)
            longest = min(sound.frames, round(_MOST_SECONDS * sound.samplerate))
            samples, rate = sound.read(longest, dtype="float32", always_2d=True).T, sound.samplerate
    except (soundfile.LibsndfileError, ValueError):
        return None
    start, count = _part(source, samples.shape[1] if frames is None else frames, rate)
    samples = samples[:, start : start + count]
    if samples.size == 0 or not np.isfinite(samples).all():
        return None
    return np.ascontiguousarray(samples), rate


def _check_channels(place: Path, channels: int) -> None:
    if channels > _MOST_CHANNELS:
        raise AudioError(place, f"has {channels} channels")


def _part(source: Source, frames: int, sample_rate: int) -> tuple[int, int]:
    """Where an excerpt begins and how long it is: within the track, and at `start_share` if it can be."""
    longest = _MOST_SECONDS if source.excerpt_seconds is None else source.excerpt_seconds
    count = min(frames, max(1, round(longest * sample_rate)))
    return min(round(source.start_share * frames), frames - count), count


def _g722_sounds(source: Source, files: list[SourceFile]) -> Iterator[RawSound | Refused]:
    decoded = g722.decode([file.place for file in files])
    for file, samples in zip(files, decoded, strict=True):
        if isinstance(samples, str):
            yield Refused(file.file, samples)
            continue
        start, count = _part(source, samples.size, g722.SAMPLE_RATE)
        part = samples[None, start : start + count] * np.float32(2**-15)
        yield _raw(source, file, part, g722.SAMPLE_RATE)


def _songs(source: Source, files: list[SourceFile]) -> Iterator[RawSound | Refused]:
    """Songs whose stems lie together in a folder each."""
    folders: dict[str, dict[str, SourceFile]] = {}
    for file in files:
        folders.setdefault(str(PurePosixPath(file.path).parent), {})[file.place.name] = file
    for folder, there in folders.items():
        place = f"{source.root}/{folder}"
        missing = [name for _, name in source.stems if name not in there]
        if missing:
            yield Refused(place, f"has no {' and no '.join(missing)}")
            continue
        first = there[source.stems[0][1]]
        try:
            stems, rate = _stems(source, {stem: there[name].place for stem, name in source.stems})
        except AudioError as error:
            yield Refused(place, f"{error.path.name} {error.reason}")
            continue
        raw = _raw(source, first, stems["mixture"], rate)
        yield replace(raw, name=folder, file=place, stems=stems)


def _stems(source: Source, places: Mapping[str, Path]) -> tuple[dict[str, np.ndarray], int]:
    """The same part of each stem and their sum, (channels, frames) all alike."""
    infos = {}
    for stem, place in places.items():
        with SoundReader(place) as reader:
            infos[stem] = reader.info
    rates = {info.sample_rate for info in infos.values()}
    if len(rates) > 1:
        raise AudioError(next(iter(places.values())), f"and the other stems differ in rate: {sorted(rates)}")
    frames = min(info.frames for info in infos.values())
    channels = max(info.channels for info in infos.values())
    stems = {
        stem: convert_channels(_excerpt(source, place, frames=frames)[0], channels)
        for stem, place in places.items()
    }
    frames = min(samples.shape[1] for samples in stems.values())
    stems = {stem: samples[:, :frames] for stem, samples in stems.items()}
    mixture = np.zeros((channels, frames), np.float32)
    for samples in stems.values():
        mixture += samples
    return {"mixture": mixture, **stems}, rates.pop()


def _notes(source: Source, file: SourceFile) -> Iterator[RawSound | Refused]:
    """Single notes of a bank; voices and noises among its presets are no instruments."""
    try:
        with SoundFont(file.place) as bank:
            for note in bank.notes:
                where = f"{file.file}:{note.name}"
                reason = _no_instrument(note)
                if reason:
                    yield Refused(where, reason, note.seconds)
                    continue
                yield _note(source, file, note, bank.read(note))
    except AudioError as error:
        yield Refused(file.file, error.reason)


def _no_instrument(note: Note) -> str:
    """Why a sound of a bank is not taken for an instrument; empty if it is."""
    families = [preset.family for preset in note.presets]
    if "voice" in families:
        return f"is a voice among instruments ({note.presets[families.index('voice')].name})"
    if families and set(families) == {"sound-effects"}:
        return f"is a noise among instruments ({note.presets[0].name})"
    return ""


def _note(source: Source, file: SourceFile, note: Note, samples: np.ndarray) -> RawSound:
    bank = slug(file.place.stem)
    instrument, family = (note.presets[0].name, note.presets[0].family) if note.presets else (bank, "")
    facts = {
        "file": file.name,
        "folder": str(PurePosixPath(file.path).parent),
        "bank": bank,
        "instrument": slug(instrument),
        "note": "" if family == "drums" else note.pitch,
        "family": family,
    }
    templates = source.labels or (_DRUM_LABELS if family == "drums" else _NOTE_LABELS)
    labels, song = source.fill(facts, labels=templates)
    return RawSound(
        name=f"{file.name}/{note.name.replace('/', '-')}",
        file=f"{file.file}:{note.name}",
        samples=samples,
        sample_rate=note.sample_rate,
        licence=file.licence,
        author=file.author,
        labels=labels,
        song=song,
    )


def _raw(source: Source, file: SourceFile, samples: np.ndarray, sample_rate: int) -> RawSound:
    labels, song = source.fill(source.facts_of(file.path))
    return RawSound(
        name=file.name,
        file=file.file,
        samples=samples,
        sample_rate=sample_rate,
        licence=file.licence,
        author=file.author,
        labels=labels,
        song=song,
    )
