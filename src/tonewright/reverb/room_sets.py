"""Networks that belong together: what a training on a folder of responses leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tonewright.audio.clips import fit_length, resample_blocks
from tonewright.audio.files import Clip
from tonewright.reverb.network import FDNBuild, Taps
from tonewright.reverb.rendering.renderer import Renderer
from tonewright.reverb.rendering.sound_files import BLOCK_SECONDS, render_file
from tonewright.reverb.rendering.sounds import render


@dataclass(frozen=True, eq=False)
class RoomSet:
    """Networks by the name of their room, in the order in which they were fitted.

    Attributes
    ----------
    networks : at least one
    """

    networks: Mapping[str, FDNBuild]

    @property
    def first(self) -> FDNBuild:
        """The network that stands for the set where one is needed."""
        return next(iter(self.networks.values()))

    def __getitem__(self, name: str) -> FDNBuild:
        """The network of a room."""
        return self.networks[name]

    def __iter__(self) -> Iterator[str]:
        """Names of the rooms."""
        return iter(self.networks)

    def __len__(self) -> int:
        """How many rooms there are."""
        return len(self.networks)


def process_clip(model: RoomSet, clip: Clip, *, block_seconds: float | None = None) -> Clip:
    """A clip in the first room of a set: the same rate, channels and length; what rings on is cut.

    Parameters
    ----------
    clip : any rate and channels
    block_seconds : work in blocks of about this length; None takes the clip whole, with equal results
    """
    network = insert(model.first, clip.channels)
    if block_seconds is None or clip.frames == 0:
        return render(network, clip, tail=False)
    renderer, own = Renderer(network, clip.channels), round(network.fs)
    step = max(1, round(block_seconds * clip.sample_rate))
    blocks = iter(np.split(clip.samples, range(step, clip.frames, step), axis=1))
    if own != clip.sample_rate:
        blocks = resample_blocks(blocks, from_rate=clip.sample_rate, to_rate=own)
    wet = (renderer.process(block) for block in blocks)
    if own != clip.sample_rate:
        wet = resample_blocks(wet, from_rate=own, to_rate=clip.sample_rate)
    made = np.concatenate([np.zeros((renderer.outputs, 0), np.float32), *wet], axis=1)
    return Clip(fit_length(made, clip.frames), clip.sample_rate)


def process_file(
    source: str | Path,
    target: str | Path,
    model: RoomSet,
    *,
    overwrite: bool = False,
    block_seconds: float = BLOCK_SECONDS,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a file as it sounds in the first room of a set, in memory that does not grow with its length."""
    from tonewright.audio.files import probe

    network = insert(model.first, probe(source).channels)
    return render_file(
        source,
        target,
        network,
        tail=False,
        block_seconds=block_seconds,
        overwrite=overwrite,
        progress=progress,
    )


def insert(network: FDNBuild, channels: int) -> FDNBuild:
    """A network that gives as many channels as it hears: its outputs in turn.

    One of one input and one output stays as it is, since it is copied for each channel.
    """
    if network.inputs > 1 or network.outputs in (1, channels):
        return network
    rows = np.arange(channels) % network.outputs
    early = network.early
    return network.changed(
        C=network.C[rows],
        D=network.D[rows],
        post_eq=None if network.post_eq is None else network.post_eq[:, :, rows],
        early=None if early is None else Taps(early.positions, early.gains[rows]),
    )
