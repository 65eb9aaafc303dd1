"""Settings of the filters. The defaults are the standard preset; others are short files under ``conf/``."""

from __future__ import annotations

from dataclasses import dataclass

from tonewright.errors import UsageError

SPECTRA = ("erb", "linear")
ENCODERS = ("dense", "convolutional")
INITIALISERS = ("spread", "flax")
MOST_IN_A_ROW = 8

TYPICAL_DB = 12.0
"""By which spectra in dB are divided before a network hears them."""
LOG_VARIANCE_RANGE = (-30.0, 20.0)
"""Bounds of a log-variance: beyond them it is clamped, and its gradient is zero."""


@dataclass(frozen=True)
class Config:
    """A bank of parallel band-pass filters, and the few numbers that steer it.

    Attributes
    ----------
    sample_rate : at which filters are designed while they are learned, in Hz
    filters : in the bank
    latent : numbers that steer it
    spectrum : what is heard and compared: "erb" for log magnitudes at points that are equally spaced for
        the ear, "linear" for the magnitudes of the Fourier transform
    points : of the spectrum where it is "erb"; the linear one has n_fft/2 + 1
    n_fft : samples in a frame
    encoder : "dense" or "convolutional"
    width : features of each layer of the "dense" networks
    blocks : residual blocks in each of them
    order : of each resonator: how many equal band-passes in a row
    signed : gains may be negative, so that neighbours can part by a notch
    initialiser : "spread" for filters that start spread over the band, "flax" for the library's own
    kl_weight : β of the Kullback-Leibler divergence
    kl_annealing_epochs : over so many epochs β rises from 0; 0 = it is fixed
    level_weighting : how much louder points count for more: each by 10^(level_weighting · dB/20)
    free_bits : nats of each latent number that cost nothing, so that none dies
    variation : share of the spectra of a batch that training changes by chance; those of "linear" stay
    ordered_knobs : after training, sort the numbers by the variance that they explain and fix their direction
    """

    sample_rate: int = 44100
    filters: int = 32
    latent: int = 4
    spectrum: str = "erb"
    points: int = 96
    n_fft: int = 4096
    encoder: str = "dense"
    width: int = 256
    blocks: int = 2
    order: int = 1
    signed: bool = True
    initialiser: str = "spread"
    kl_weight: float = 0.15
    kl_annealing_epochs: int = 20
    free_bits: float = 0.25
    variation: float = 0.85
    level_weighting: float = 0.0
    ordered_knobs: bool = True

    def __post_init__(self) -> None:
        """Refuse what describes no bank."""
        for name, least in (
            ("filters", 1),
            ("latent", 1),
            ("order", 1),
            ("width", 1),
            ("blocks", 0),
            ("points", 16),
            ("n_fft", 64),
        ):
            if getattr(self, name) < least:
                raise UsageError(f"system.{name} is {getattr(self, name)}; {least} is the least")
        if self.order > MOST_IN_A_ROW:
            raise UsageError(f"system.order is {self.order}; {MOST_IN_A_ROW} is the most")
        for name, known in (("spectrum", SPECTRA), ("encoder", ENCODERS), ("initialiser", INITIALISERS)):
            if getattr(self, name) not in known:
                raise UsageError(f"system.{name} is '{getattr(self, name)}'; choose from {', '.join(known)}")
        for name in ("kl_weight", "kl_annealing_epochs", "free_bits", "level_weighting"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"system.{name} is {getattr(self, name)}; it cannot be negative")
        if not 0 <= self.variation <= 1:
            raise UsageError(f"system.variation is {self.variation}; it is a share, from 0 to 1")

    @property
    def size(self) -> int:
        """Points of a spectrum."""
        return self.points if self.spectrum == "erb" else self.n_fft // 2 + 1
