"""A run or a demo as one HTML page: numbers, sound to listen to, figures, tables; nothing from outside."""

from tonewright.report.page import Report
from tonewright.report.run_page import run_report

__all__ = ["Report", "run_report"]
