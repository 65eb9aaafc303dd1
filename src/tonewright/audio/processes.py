"""Processes that work for another one."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes that are started inside never hear of Ctrl-C, from their first moment.

    Ctrl-C reaches every process of a terminal. The one that started the others answers it and ends them; one
    of them that heard it while it still loads its modules would print where it was. This process itself
    hears it as before, at the latest when the block ends.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # Some versions of Python unblock the signal when they start this one, which is needed anyway.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
