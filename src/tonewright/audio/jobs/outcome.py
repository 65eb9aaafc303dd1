"""What becomes of a job: its result, or the error that it ended with."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from tonewright.errors import TonewrightError


class LostJobError(TonewrightError):
    """A job whose process died, and died again when the job was tried once more."""


def outcome(work: Callable[[Any], Any], item: Any) -> Any:
    """What `work` makes of an item, or the exception that it raised.

    Parameters
    ----------
    work : the job
    item : what it is given
    """
    try:
        return work(item)
    except Exception as error:
        return error


def sendable(result: Any) -> Any:
    """A result as it can go from one process to another; an error about it where it cannot."""
    try:
        copy = pickle.loads(pickle.dumps(result)) if isinstance(result, Exception) else None
    except Exception:
        copy = None
    if isinstance(result, Exception) and type(copy) is not type(result):
        return TonewrightError(f"{type(result).__name__}: {result}")
    return result
