"""Filters: four numbers that steer a bank of thirty-two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from tonewright.filters.bank import Bank as Bank
    from tonewright.filters.bank_files import load_bank as load_bank
    from tonewright.filters.bank_files import save_bank as save_bank
    from tonewright.filters.config import Config as Config
    from tonewright.filters.exports import export as export
    from tonewright.filters.fitting import Fit as Fit
    from tonewright.filters.fitting import fit as fit
    from tonewright.filters.knobs import Knob as Knob
    from tonewright.filters.morphing import Morph as Morph
    from tonewright.filters.morphing import morph as morph
    from tonewright.filters.plots import plot_bank as plot_bank
    from tonewright.filters.plots import plot_encodings as plot_encodings
    from tonewright.filters.plots import plot_fit as plot_fit
    from tonewright.filters.plots import plot_knobs as plot_knobs
    from tonewright.filters.plots import plot_morph as plot_morph
    from tonewright.filters.rendering.sound_files import apply_file as apply_file
    from tonewright.filters.rendering.streaming import BankFilter as BankFilter
    from tonewright.filters.spectra import Spectrum as Spectrum
    from tonewright.filters.spectra import erb_grid as erb_grid
    from tonewright.filters.spectra import log_spectral_distance as log_spectral_distance
    from tonewright.filters.spectra import sound_spectrum as sound_spectrum
    from tonewright.filters.spectra import spectrum_of_file as spectrum_of_file
    from tonewright.filters.trained import Encoding as Encoding
    from tonewright.filters.trained import FilterModel as FilterModel
    from tonewright.filters.trained import load as load

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "bank": ["Bank"],
        "bank_files": ["load_bank", "save_bank"],
        "config": ["Config"],
        "exports": ["export"],
        "fitting": ["Fit", "fit"],
        "knobs": ["Knob"],
        "morphing": ["Morph", "morph"],
        "plots": ["plot_bank", "plot_encodings", "plot_fit", "plot_knobs", "plot_morph"],
        "rendering.sound_files": ["apply_file"],
        "rendering.streaming": ["BankFilter"],
        "spectra": ["Spectrum", "erb_grid", "log_spectral_distance", "sound_spectrum", "spectrum_of_file"],
        "trained": ["Encoding", "FilterModel", "load"],
    },
)
