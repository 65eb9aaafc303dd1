"""Signal functions on arrays of any framework that keeps the Python array API standard."""

from tonewright.dsp.array import guarded_norm, namespace, pad_last
from tonewright.dsp.biquads import (
    allpass,
    bandpass,
    high_shelf,
    highpass,
    is_stable,
    low_shelf,
    lowpass,
    notch,
    parallel_response,
    peaking,
    response,
    series_response,
)
from tonewright.dsp.hearing import a_weighting_db, hz_from_mel, mel_filterbank, mel_from_hz
from tonewright.dsp.levels import (
    amplitude_from_db,
    db_from_amplitude,
    left_right,
    mid_side,
    peak,
    rms,
    true_peak,
)
from tonewright.dsp.loudness import integrated_loudness
from tonewright.dsp.ranges import FREQUENCY, GAIN_DB, SECONDS, Q, Range
from tonewright.dsp.spectra import frames, istft, log_magnitude, mel_spectrogram, overlap_add, stft, window

__all__ = [
    "FREQUENCY",
    "GAIN_DB",
    "SECONDS",
    "Q",
    "Range",
    "a_weighting_db",
    "allpass",
    "amplitude_from_db",
    "bandpass",
    "db_from_amplitude",
    "frames",
    "guarded_norm",
    "high_shelf",
    "highpass",
    "hz_from_mel",
    "integrated_loudness",
    "is_stable",
    "istft",
    "left_right",
    "log_magnitude",
    "low_shelf",
    "lowpass",
    "mel_filterbank",
    "mel_from_hz",
    "mel_spectrogram",
    "mid_side",
    "namespace",
    "notch",
    "overlap_add",
    "pad_last",
    "parallel_response",
    "peak",
    "peaking",
    "response",
    "rms",
    "series_response",
    "stft",
    "true_peak",
    "window",
]
