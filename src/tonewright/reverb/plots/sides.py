"""What is drawn: one response, or a room and the network that stands for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.errors import UsageError
from tonewright.reverb.analysis import RoomAnalysis, RoomDifference, analyse, compare
from tonewright.reverb.analysis.relief import relief_energy

if TYPE_CHECKING:
    from tonewright.reverb.fitting.result import Fit

_LOWEST_HZ = 50.0


@dataclass(frozen=True)
class Side:
    """A channel of a response and its name.

    Attributes
    ----------
    label : its name
    analysis : its figures
    channel : which one
    end_s : until when it is drawn, from the onset on
    """

    label: str
    analysis: RoomAnalysis
    channel: int
    end_s: float

    @property
    def samples(self) -> np.ndarray:
        """(time,) from the onset on."""
        start = int(self.analysis.onset_samples[self.channel])
        return self.analysis.clip.samples[self.channel, start:]

    def relief(self, *, rows: int = 90, columns: int = 260) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Energies of the decay relief, its times and its edges; what follows the end is taken for noise."""
        return relief_energy(
            self.samples,
            self.analysis.sample_rate,
            rows=rows,
            columns=columns,
            low_hz=_LOWEST_HZ,
            end_s=self.end_s,
        )


def sides(
    what: Clip | RoomAnalysis | RoomDifference | Fit,
    fitted: Clip | RoomAnalysis | None,
    *,
    channel: int,
    labels: tuple[str, str],
) -> list[Side]:
    """One side, or two over the same range."""
    if isinstance(what, RoomDifference):
        pair = [what.measured, what.fitted]
    elif isinstance(what, Clip | RoomAnalysis):
        room = what if isinstance(what, RoomAnalysis) else analyse(what)
        pair = [room] if fitted is None else [room, compare(room, fitted).fitted]
    elif hasattr(what, "room_analysis"):
        pair = [what.room_analysis, what.analysis]
    else:
        raise UsageError(
            f"{type(what).__name__} cannot be drawn; give a clip, an analysis, a comparison or a fit"
        )
    channels = min(analysis.channels for analysis in pair)
    if not 0 <= channel < channels:
        raise UsageError(f"channel {channel}: the response has {channels}, counted from 0")
    end = float(pair[0].broadband.truncation_s[channel])
    if not np.isfinite(end) or end <= 0:
        end = pair[0].clip.seconds
    return [Side(label, one, channel, end) for label, one in zip(labels, pair, strict=False)]
