"""The command line. Each command is a few lines over the floor below, loaded when it is called."""

from __future__ import annotations

from tonewright.cli.main import main

__all__ = ["main"]
