"""Processes that are started deaf to Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from tonewright.audio.processes import deaf_to_interrupts

pytestmark = pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs signals of POSIX")
# Interrupts itself as soon as it lives, as a terminal would.
INTERRUPTED = "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('lives')"


def test_a_process_started_inside_is_not_interrupted() -> None:
    with deaf_to_interrupts():
        inside = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert (inside.stdout, inside.stderr) == ("lives\n", "")
    outside = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert "KeyboardInterrupt" in outside.stderr


def test_this_process_hears_it_when_the_block_ends() -> None:
    def interrupted_inside() -> None:
        with deaf_to_interrupts():
            # To this thread alone: another one, which does not block it, would take it at once.
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)
            passed.append(True)

    passed: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted_inside()
    assert passed


def test_processes_of_joblib_are_deaf() -> None:
    """In a process of its own, where none of them is there yet."""
    script = """
import signal
from joblib import Parallel, delayed
from tonewright.audio.processes import deaf_to_interrupts

def mask():
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())

with deaf_to_interrupts():
    results = Parallel(n_jobs=2, return_as="generator")(delayed(mask)() for _ in range(4))
print(list(results), mask())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[True, True, True, True] False\n"
