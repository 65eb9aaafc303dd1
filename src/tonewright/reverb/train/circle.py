"""How far off the unit circle a network's spectrum is taken."""

from __future__ import annotations

import numpy as np

from tonewright.reverb.absorption import sections_response
from tonewright.reverb.network import FDNBuild

# A network that falls by less than this over one DFT is as good as lossless: between two bins its resonances
# are so narrow that the bins tell little of them, and on the unit circle they may be infinite.
HARDLY_DB = 0.05
# Over one DFT it is then damped by this: less leaves resonances between the bins unseen, more blurs them.
LOSSLESS_DAMPED_DB = 30.0


def inner_radius(build: FDNBuild, nfft: int) -> float:
    """Radius ρ at which spectra of a network are taken: 1, or less where the network hardly decays.

    Parameters
    ----------
    build : the network
    nfft : length of the DFT
    """
    if fall_db(build, nfft) >= HARDLY_DB:
        return 1.0
    return float(10 ** (-LOSSLESS_DAMPED_DB / 20 / nfft))


def fall_db(build: FDNBuild, samples: int) -> float:
    """By how many dB the absorption of the slowest line lowers a sound over some samples."""
    if build.filters is None:
        return 0.0
    gains = np.maximum(np.abs(sections_response(build.filters, 1024)).max(axis=0), 1e-300)
    return float((-20 * np.log10(gains) / build.delays).min() * samples)
