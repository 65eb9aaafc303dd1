"""``python -m tonewright`` is the same as the command ``tonewright``."""

from tonewright.cli import main

main()
