"""What a table of descriptors tells: spreads, shared information, a subset, outliers, a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from tonewright.timbre.analysis.correlation import Correlations as Correlations
    from tonewright.timbre.analysis.correlation import spearman as spearman
    from tonewright.timbre.analysis.measurements import Measurements as Measurements
    from tonewright.timbre.analysis.measurements import read_measurements as read_measurements
    from tonewright.timbre.analysis.neighbours import nearest as nearest
    from tonewright.timbre.analysis.projection import Projection as Projection
    from tonewright.timbre.analysis.subset import Subset as Subset
    from tonewright.timbre.analysis.subset import suggest_subset as suggest_subset
    from tonewright.timbre.analysis.summary import Analysis as Analysis
    from tonewright.timbre.analysis.summary import analyse_table as analyse_table

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "correlation": ["Correlations", "spearman"],
        "measurements": ["Measurements", "read_measurements"],
        "neighbours": ["nearest"],
        "projection": ["Projection"],
        "subset": ["Subset", "suggest_subset"],
        "summary": ["Analysis", "analyse_table"],
    },
)
