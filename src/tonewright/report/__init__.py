"""A run, a demo or a corpus as one HTML page: numbers, sound to listen to, figures, tables."""

from tonewright.report.corpus_page import corpus_report
from tonewright.report.page import Report
from tonewright.report.reverb_page import reverb_report, reverb_section
from tonewright.report.run_page import run_report

__all__ = ["Report", "corpus_report", "reverb_report", "reverb_section", "run_report"]
