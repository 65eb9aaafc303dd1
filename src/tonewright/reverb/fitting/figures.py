"""How near a fit comes to its room, in numbers."""

from __future__ import annotations

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.reverb.analysis import RoomAnalysis, RoomDifference, compare

# The range in which decay times are judged.
_JUDGED_HZ = (88.0, 11400.0)


def figures_of(room: RoomAnalysis, response: Clip) -> tuple[dict[str, float], RoomAnalysis]:
    """Errors of a response by name, over all channels, and its analysis.

    Parameters
    ----------
    room : analysis of the measured response
    response : what the network answers, with the same channels
    """
    apart = compare(room, response)
    judged = (apart.bands_hz > _JUDGED_HZ[0]) & (apart.bands_hz < _JUDGED_HZ[1])
    thirds = (apart.thirds_hz > _JUDGED_HZ[0]) & (apart.thirds_hz < _JUDGED_HZ[1])
    return {
        "decay_median_percent": 100 * _median(apart.decay_error[:, judged]),
        "decay_worst_percent": 100 * _worst(apart.decay_error[:, judged]),
        "edt_median_percent": 100 * _median(apart.edt_error[:, judged]),
        "c80_median_db": _median(apart.c80_db[:, judged]),
        "spectrum_median_db": _median(apart.spectrum_db[:, thirds]),
        "mel_distance_db": _mean(apart.mel_db),
    }, _analysis(apart)


def _analysis(apart: RoomDifference) -> RoomAnalysis:
    return apart.fitted


def _known(values: np.ndarray) -> np.ndarray:
    return np.abs(values[np.isfinite(values)])


def _median(values: np.ndarray) -> float:
    return float(np.median(_known(values))) if len(_known(values)) else float("nan")


def _worst(values: np.ndarray) -> float:
    return float(_known(values).max()) if len(_known(values)) else float("nan")


def _mean(values: np.ndarray) -> float:
    return float(np.mean(_known(values))) if len(_known(values)) else float("nan")
