"""Spectra as the filters hear them: grids, spectra of sounds and of whole corpora, distances."""

from tonewright.filters.spectra.corpora import SpectraSet, load_spectra, load_splits
from tonewright.filters.spectra.distances import log_spectral_distance
from tonewright.filters.spectra.grids import Grid, erb_grid, grid_of, linear_grid
from tonewright.filters.spectra.sounds import FLOOR_DB, Spectrum, heard, sound_spectrum, spectrum_of_file

__all__ = [
    "FLOOR_DB",
    "Grid",
    "SpectraSet",
    "Spectrum",
    "erb_grid",
    "grid_of",
    "heard",
    "linear_grid",
    "load_spectra",
    "load_splits",
    "log_spectral_distance",
    "sound_spectrum",
    "spectrum_of_file",
]
