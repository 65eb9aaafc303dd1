"""A group of sounds to compare by ear and eye: players, waveforms and spectrograms on one time axis."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from tonewright.audio.files import Clip
from tonewright.report import pictures
from tonewright.report.vector import png_uri

_KEYS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Playable:
    """A sound as it will be played: whole numbers of 16 bits, and what had to be done to it.

    Parameters
    ----------
    samples : (channels, time) int16, one or two channels
    sample_rate : in Hz
    notes : sentences for the reader, empty if nothing was done but rounding
    """

    samples: np.ndarray
    sample_rate: int
    notes: tuple[str, ...] = ()

    def flac(self) -> bytes:
        """Encode without loss, in a format that every current browser plays."""
        import soundfile

        output = io.BytesIO()
        soundfile.write(output, self.samples.T, self.sample_rate, format="FLAC", subtype="PCM_16")
        return output.getvalue()


def playable(clip: Clip, *, gain: float = 1.0) -> Playable:
    """Round a clip to 16 bits, as q = round(32 768 · gain · x) held within −32 768 … 32 767.

    Parameters
    ----------
    clip : samples (channels, time); more than two channels are averaged into one
    gain : common factor of a group, so that nothing clips and levels stay comparable
    """
    notes = []
    samples = pictures.finite(clip.samples)
    broken = int(np.size(clip.samples) - np.isfinite(clip.samples).sum())
    if broken:
        notes.append(f"{broken} samples were not numbers and are silent here.")
    if samples.shape[0] > 2:
        notes.append(f"{samples.shape[0]} channels are averaged into one for listening.")
        samples = samples.mean(axis=0, keepdims=True)
    whole = np.clip(np.round(samples.astype(np.float64) * gain * 32768), -32768, 32767).astype(np.int16)
    return Playable(whole, clip.sample_rate, tuple(notes))


def listening_group(sounds: Sequence[tuple[str, Clip]], *, caption: str, prefix: str) -> str:
    """Return the HTML of one group; it plays without a script, and with one it switches in place.

    Parameters
    ----------
    sounds : (label, clip) pairs
    caption : what to listen for
    prefix : what every id in the result begins with
    """
    seconds = max((clip.seconds for _, clip in sounds), default=0.0)
    heats = [
        pictures.log_spectrogram(clip, high_hz=pictures.top_hz(*(other for _, other in sounds)))
        for _, clip in sounds
    ]
    top_db = pictures.ceiling_db(*heats)
    peak = max(
        (float(np.abs(pictures.finite(clip.samples)).max(initial=0.0)) for _, clip in sounds), default=0.0
    )
    gain = 1.0 if peak <= 1.0 else 1.0 / peak
    notes = (
        []
        if gain == 1.0
        else [f"Played {-20 * math.log10(gain):.1f} dB quieter, all alike, so that nothing clips."]
    )
    tracks = []
    for index, ((label, clip), heat) in enumerate(zip(sounds, heats, strict=True)):
        sound = playable(clip, gain=gain)
        notes += [f"{label}: {note}" for note in sound.notes]
        tracks.append(_Track(index, label, clip, sound, heat, top_db, peak, seconds).html())
    words = " ".join(filter(None, [caption, *notes]))
    names = " and ".join(label for label, _ in sounds)
    return (
        f'<figure class="listen" id="{prefix}" data-seconds="{seconds:.6f}">'
        f"{_transport(sounds, prefix=prefix, seconds=seconds)}"
        f'<div class="tracks" role="group" aria-label="{escape(names)}">{"".join(tracks)}'
        f"{_time_axis(seconds)}{_colour_scale(top_db)}</div>"
        f"<figcaption>{escape(words)}</figcaption></figure>"
    )


def _transport(sounds: Sequence[tuple[str, Clip]], *, prefix: str, seconds: float) -> str:
    """Play, switch, seek, repeat; hidden until the script has taken over from the plain players."""
    choices = "".join(
        f'<label><input type="radio" name="{prefix}-which" value="{index}"{" checked" if index == 0 else ""}>'
        f"<span><b>{_KEYS[index % 26]}</b> {escape(label)}</span></label>"
        for index, (label, _) in enumerate(sounds)
    )
    switch = f'<div class="switch" role="radiogroup" aria-label="Which sound is heard">{choices}</div>'
    return (
        '<div class="transport" hidden>'
        '<button type="button" class="play" aria-label="Play"><svg viewBox="0 0 24 24" aria-hidden="true">'
        '<path class="when-paused" d="M7 4.5v15l13-7.5z"/>'
        '<path class="when-playing" d="M6 5h4.2v14H6zM13.8 5H18v14h-4.2z"/></svg></button>'
        f"{switch if len(sounds) > 1 else ''}"
        f'<input type="range" class="seek" min="0" max="{seconds:.3f}" step="0.01" value="0" '
        'aria-label="Position in seconds">'
        f'<span class="clock"><span class="now">0.0</span> / {seconds:.1f} s</span>'
        '<label class="again"><input type="checkbox"> repeat</label></div>'
    )


@dataclass(frozen=True)
class _Track:
    """One sound of a group, with what the group shares: loudest level, peak and length."""

    index: int
    label: str
    clip: Clip
    sound: Playable
    heat: pictures.LogSpectrogram
    top_db: float
    peak: float
    longest_s: float

    @property
    def share(self) -> str:
        """How much of the time axis the sound covers, as a style."""
        return f"width: {100 * self.clip.seconds / self.longest_s if self.longest_s else 0:.3f}%"

    def html(self) -> str:
        """The sound's name and figures, its waveform, its spectrogram, its plain player."""
        peak_tick = f'<span style="bottom: 96%">{self.peak:.2g}</span>' if self.peak else ""
        zero_tick = '<span style="bottom: 50%">0</span>'
        return (
            f'<div class="track{"" if self.index else " chosen"}">{self._name()}'
            f"{_plot_area('wave', axis=zero_tick + peak_tick, pane=self._wave())}"
            f"{_plot_area('heat', axis=_frequency_ticks(self.heat), pane=self._heat())}"
            f"{_player(self.sound, self.label)}</div>"
        )

    def _name(self) -> str:
        facts = (f"{self.clip.sample_rate / 1000:g} kHz", _channels(self.clip), f"{self.clip.seconds:.2f} s")
        return (
            f'<p class="name"><b class="key series-{self.index % 6 + 1}">{_KEYS[self.index % 26]}</b> '
            f"<span>{escape(self.label)}</span> <small>{', '.join([*facts, _levels(self.clip)])}</small></p>"
        )

    def _wave(self) -> str:
        """The envelope as one closed outline in a box of 1 000 by 200, the group's peak near its borders."""
        low, high = pictures.envelope(self.clip.samples, columns=400)
        across = np.linspace(0, 1000, len(low))
        levels = np.concatenate([high, low[::-1]]) / (self.peak or 1.0)
        points = zip(np.concatenate([across, across[::-1]]), 100 - 92 * levels, strict=True)
        outline = "L".join(f"{x:.0f} {y:.1f}" for x, y in points)
        path = f'<path d="M{outline}Z"/>' if outline else ""
        return (
            f'<svg class="series-{self.index % 6 + 1}" style="{self.share}" viewBox="0 0 1000 200" '
            'preserveAspectRatio="none" role="img" '
            f'aria-label="Waveform of {escape(self.label)}">{path}</svg>'
        )

    def _heat(self) -> str:
        low, high = self.heat.edges_hz[[0, -1]]
        alt = f"Spectrogram of {self.label}: {self.clip.seconds:.1f} s, {low:.0f} Hz to {high / 1000:.3g} kHz"
        picture = png_uri(pictures.heat_png(self.heat, top_db=self.top_db))
        return f'<img alt="{escape(alt)}" style="{self.share}" src="{picture}">'


def _plot_area(kind: str, *, axis: str, pane: str) -> str:
    """An axis at the left and a pane with a playhead at the right."""
    return (
        f'<div class="plot-area {kind}"><div class="axis" aria-hidden="true">{axis}</div>'
        f'<div class="pane">{pane}<i class="playhead"></i></div></div>'
    )


def _player(sound: Playable, label: str) -> str:
    if sound.samples.shape[1] == 0:
        return '<p class="empty">This sound is empty.</p>'
    data = base64.b64encode(sound.flac()).decode("ascii")
    return (
        f'<audio controls preload="metadata" aria-label="{escape(label)}" data-name="{escape(label)}" '
        f'src="data:audio/flac;base64,{data}"></audio>'
    )


def _channels(clip: Clip) -> str:
    return {1: "mono", 2: "stereo"}.get(clip.channels, f"{clip.channels} channels")


def _levels(clip: Clip) -> str:
    """Peak and RMS in dB re full scale, in words."""
    samples = pictures.finite(clip.samples).astype(np.float64)
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0.0:
        return "silent"
    rms = float(np.sqrt(np.mean(samples**2)))
    peak_db, rms_db = (f"{20 * math.log10(value):.1f}".replace("-", "−") for value in (peak, max(rms, 1e-12)))
    return f"peak {peak_db} dBFS, RMS {rms_db} dBFS"


def _frequency_ticks(heat: pictures.LogSpectrogram) -> str:
    low, high = heat.edges_hz[[0, -1]]
    ticks = []
    for hz in pictures.FREQUENCY_TICKS_HZ:
        if low <= hz <= 0.98 * high:
            at = 100 * math.log(hz / low) / math.log(high / low)
            name = f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}"
            css = "" if hz in (100, 1000, 10000) else ' class="fine"'
            ticks.append(f'<span{css} style="bottom: {at:.2f}%">{name}</span>')
    return "".join(ticks) + "<em>Hz</em>"


def _time_axis(seconds: float) -> str:
    step = next(
        (step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60) if seconds / step <= 8), 300
    )
    times = [step * index for index in range(int(seconds / step + 1e-9) + 1)] if seconds else [0.0]
    ticks = "".join(
        f'<span style="left: {100 * time / seconds if seconds else 0:.2f}%">{time:g}</span>' for time in times
    )
    return (
        '<div class="plot-area times" aria-hidden="true"><div class="axis">s</div>'
        f'<div class="pane">{ticks}</div></div>'
    )


def _colour_scale(top_db: float) -> str:
    """The colour bar that the group's spectrograms share."""
    palette = pictures.heat_palette(colours=9)
    stops = ", ".join(f"rgb({r} {g} {b})" for r, g, b in palette)
    levels = np.linspace(top_db - pictures.RANGE_DB, top_db, 5)
    ticks = "".join(
        f'<span style="left: {25 * index}%">{f"{level:.0f}".replace("-", "−")}</span>'
        for index, level in enumerate(levels)
    )
    return (
        f'<div class="scale"><div class="bar" style="background: linear-gradient(to right, {stops})"></div>'
        f'<div class="ticks">{ticks}</div><p>dB re full-scale sine</p></div>'
    )
