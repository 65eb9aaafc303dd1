"""What the losses of reconstruction measure; plain settings that load no framework."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class STFTSettings:
    """Multi-resolution STFT loss.

    Parameters
    ----------
    windows : lengths of the Hann windows in samples
    hops : a hop for each window; empty: a quarter of the window
    ffts : an FFT length for each window, at least as long; empty: the window's length
    epsilon : magnitudes are taken to be at least this
    convergence_over : "item": spectral convergence is a ratio of norms per item, averaged; "batch": one ratio
        of norms over the whole batch
    silence_db : level of white noise, in dB of full scale, at which the norm under spectral convergence
        stops falling, so that a silent target gives no runaway ratio
    a_weighting : whether magnitudes are multiplied by the A-weighting curve; this leaves the log term alone,
        save that what falls below `epsilon` no longer counts
    """

    windows: tuple[int, ...] = (2048, 1024, 512, 256, 128, 64, 32)
    hops: tuple[int, ...] = ()
    ffts: tuple[int, ...] = ()
    epsilon: float = 1e-5
    convergence_over: str = "item"
    silence_db: float = -60.0
    a_weighting: bool = True


@dataclass(frozen=True)
class MelSettings:
    """Multi-resolution log-mel loss, L1 of log₁₀ max(mel, ε).

    The default windows and bands follow the Descript audio codec (Kumar et al., 2023, "High-Fidelity Audio
    Compression with Improved RVQGAN").

    Parameters
    ----------
    windows : lengths of the Hann windows in samples
    bands : number of mel bands for each window
    hops : a hop for each window; empty: a quarter of the window
    low_hz, high_hz : edges of the bands; no `high_hz`: half the sample rate
    scale : "slaney" or "htk"
    epsilon : mel magnitudes are taken to be at least this
    """

    windows: tuple[int, ...] = (2048, 1024, 512, 256, 128, 64, 32)
    bands: tuple[int, ...] = (320, 160, 80, 40, 20, 10, 5)
    hops: tuple[int, ...] = ()
    low_hz: float = 0.0
    high_hz: float | None = None
    scale: str = "slaney"
    epsilon: float = 1e-5


@dataclass(frozen=True)
class ChannelViews:
    """How much the loss on left and right counts, and that on mid and side: total = Σ weight·loss(view).

    Mid and side are (L ± R)/√2. Sounds that are not stereo have one view, their channels, with the sum of
    both weights.
    """

    left_right: float = 0.5
    mid_side: float = 0.5


@dataclass(frozen=True)
class ReconstructionSettings:
    """What the terms of `ReconstructionLoss` measure; how much each counts is `weigh`'s business.

    Parameters
    ----------
    stft : of stft_log, stft_linear and stft_convergence
    mel : of mel
    views : left/right and mid/side, for all spectral terms
    """

    stft: STFTSettings = field(default_factory=STFTSettings)
    mel: MelSettings = field(default_factory=MelSettings)
    views: ChannelViews = field(default_factory=ChannelViews)
