"""`describe_files`: a table of many sounds, in parallel, which only does what is new."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from tonewright.audio.jobs import Engine, run_jobs
from tonewright.timbre.names import Mode
from tonewright.timbre.tables.earlier import Staying, take_over
from tonewright.timbre.tables.finding import find_sounds
from tonewright.timbre.tables.journal import Journal
from tonewright.timbre.tables.settings import Settings
from tonewright.timbre.tables.work import Work
from tonewright.timbre.tables.writing import ending_of, write_table


@dataclass(frozen=True)
class Summary:
    """What became of a table.

    Parameters
    ----------
    output : where it was written; None where it was not
    settings : how every sound was described
    files : how many were asked for
    described, reused : how many of them were described now, and before
    failed : (file, reason) of those that could not be; they have a row all the same
    rows : the table itself where it was not written
    kept : files of an earlier table whose rows stayed in it, though they were not asked for
    gone : files of an earlier table that are no longer in the folders asked for, and so not in the table
    """

    output: Path | None
    settings: Settings
    files: int
    described: int
    reused: int
    failed: tuple[tuple[str, str], ...]
    rows: tuple[Mapping[str, Any], ...] = ()
    kept: int = 0
    gone: int = 0


def describe_files(
    paths: Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    mode: Mode = "corrected",
    raw: bool = False,
    window_s: float | None = None,
    hop_s: float | None = None,
    jobs: int | None = 1,
    engine: Engine = "processes",
    address: str | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Describe sound files, and all sound in folders, as one table.

    A file that cannot be read costs a row without values, with the reason in `notes`. The table is written
    whole at the end; until then every file that is done is kept beside it, so that the same call goes on
    after any accident. Over a table of the same settings only those files are described that are new or have
    changed; what was renamed, moved or copied is known by its bytes; files that are gone from the folders
    leave the table. Rows of files that are not asked for stay, before the others.

    Parameters
    ----------
    paths : files and folders; folders are searched to any depth
    output : .csv, .jsonl or .parquet; None to get the rows
    mode, raw : as for `describe`
    window_s, hop_s : a row for every window of so many seconds, one after so many, in place of a row a file
    jobs, engine, address : as for `run_jobs`
    overwrite : begin anew, whatever is there, and keep none of it
    progress : called with (done, total), in files

    Raises
    ------
    CorpusError
        If there is no sound file.
    OutputError
        If there is another file at `output`, or a table of other settings, or it cannot be written.
    UsageError
        If a setting is none.
    """
    settings = Settings(mode, raw, window_s, hop_s)
    asked = [os.fspath(path) for path in paths]
    table = None if output is None else Path(output)
    if table is not None:
        ending_of(table)
    run = partial(run_jobs, jobs=jobs, engine=engine, address=address)
    with Journal(table, settings.words, anew=overwrite) as journal:
        earlier = table is not None and not overwrite and take_over(table, settings, journal)
        found = find_sounds(asked)
        work = Work(found, settings, journal, progress)
        try:
            work.do(run)
        except KeyboardInterrupt:
            if table is None or not len(journal):
                raise
            again = "the same command without --force" if overwrite else "the same command"
            kept = f"{work.done} of {len(work)} files are kept: {again} goes on with the others"
            raise KeyboardInterrupt(f"interrupted; {kept}") from None
        staying = None
        if table is not None and earlier:
            staying = Staying(table, settings, asked=asked, found=(one.path for one in found))
        return _written(table, settings, work, journal, staying)


def _written(
    table: Path | None, settings: Settings, work: Work, journal: Journal, staying: Staying | None
) -> Summary:
    rows: tuple[Mapping[str, Any], ...] = ()
    if table is None:
        rows = tuple(work.rows())
    else:
        before = staying.rows(work.digests) if staying else ()
        write_table(table, chain(before, work.rows()), columns=settings.columns, overwrite=True)
    journal.discard()
    made = Summary(table, settings, len(work), work.described, work.reused, tuple(work.failed), rows)
    return replace(made, kept=staying.kept, gone=staying.gone) if staying else made
