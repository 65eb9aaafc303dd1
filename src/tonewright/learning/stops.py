"""Signals that ask a training to stop; loads no framework."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stops_handled(ask: Callable[[int, Any], None], before: dict[int, Any]) -> Iterator[None]:
    """Put `ask` in the place of Python's usual handlers, which are kept in `before`; a caller's own stay."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    if threading.current_thread() is threading.main_thread():  # elsewhere, signals are not ours to handle
        before |= {number: usual[number] for number in usual if signal.getsignal(number) is usual[number]}
    for number in before:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
