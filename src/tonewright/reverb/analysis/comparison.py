"""How far a fitted response is from the measured one, both analysed in the same way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.reverb.analysis.result import RoomAnalysis
from tonewright.reverb.analysis.rooms import Truncation, analyse


@dataclass(frozen=True, eq=False)
class RoomDifference:
    """A fitted response against a measured one; arrays are (channels, bands) unless said otherwise.

    Attributes
    ----------
    bands_hz : (bands,) octaves compared
    decay_error : (T_fit − T_room) / T_room of the best decay time both have, T30 or T20
    edt_error : (EDT_fit − EDT_room) / EDT_room
    c50_db, c80_db : difference, fit minus room
    thirds_hz : (thirds,)
    spectrum_db : (channels, thirds) difference of the energies in third octaves, fit minus room
    gain_db : (channels,) median of `spectrum_db`, the difference in level alone
    mel_db : (channels,) mean distance of the mel spectrograms
    measured, fitted : the two analyses
    """

    bands_hz: np.ndarray
    decay_error: np.ndarray
    edt_error: np.ndarray
    c50_db: np.ndarray
    c80_db: np.ndarray
    thirds_hz: np.ndarray
    spectrum_db: np.ndarray
    gain_db: np.ndarray
    mel_db: np.ndarray
    measured: RoomAnalysis
    fitted: RoomAnalysis


def compare(measured: Clip | RoomAnalysis, fitted: Clip, *, range_db: float = 60.0) -> RoomDifference:
    """Differences of a fitted response from the measured one.

    Parameters
    ----------
    measured : the room, or its analysis
    fitted : the response of the network, at the same rate and with the same channels
    range_db : how far below the loudest cell the mel spectrograms are compared
    """
    room = measured if isinstance(measured, RoomAnalysis) else analyse(measured, name="the measured response")
    other = analyse(fitted, truncation=Truncation.of(room), name="the fitted response")
    spectrum = other.spectrum_db - room.spectrum_db
    return RoomDifference(
        bands_hz=room.bands_hz,
        decay_error=other.decay_s / room.decay_s - 1,
        edt_error=other.edt_s / room.edt_s - 1,
        c50_db=other.c50_db - room.c50_db,
        c80_db=other.c80_db - room.c80_db,
        thirds_hz=room.thirds_hz,
        spectrum_db=spectrum,
        gain_db=np.nanmedian(spectrum, axis=1),
        mel_db=np.full(room.channels, np.nan),
        measured=room,
        fitted=other,
    )
