"""A run, a demo, a corpus or a table of timbre as one HTML page: numbers, sound, figures, tables."""

from tonewright.report.corpus_page import corpus_report
from tonewright.report.filters_page import filters_section, morph_section
from tonewright.report.page import Report
from tonewright.report.reverb_page import reverb_report, reverb_section
from tonewright.report.run_page import run_report
from tonewright.report.timbre_page import timbre_report
from tonewright.report.timbre_section import timbre_section

__all__ = [
    "Report",
    "corpus_report",
    "filters_section",
    "morph_section",
    "reverb_report",
    "reverb_section",
    "run_report",
    "timbre_report",
    "timbre_section",
]
