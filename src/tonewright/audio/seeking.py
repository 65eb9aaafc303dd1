"""Where to begin decoding so that a part of a lossy file is that part of the whole.

Lossless formats are read from anywhere. In the lossy ones a frame leans on those before it, and the
decoder carries state from one read to the next, so that what comes after a seek depends on where it
lands and on what was read before:

- MP3: a frame takes bits from frames before it, nine at the most; without them it is noise or silence.
- Opus: the predictor needs a tenth of a second to settle; a quarter is given.
- Vorbis: positions come from the end of a page, and the last page states where the sound ends, not where
  the page does. After a seek into it, libsndfile is off by the difference (hundreds of frames).

Decoding therefore begins earlier, in a decoder that has not been used, and what comes before is dropped.
"""

from __future__ import annotations

from tonewright.audio.ogg import ogg_tail

_MP3_FRAMES = 12 * 1152
_OPUS_FRAMES = 48_000 // 4
_VORBIS_FRAMES = 2 * 8192


class Entry:
    """Where to begin in one file.

    Parameters
    ----------
    path : the file
    encoding : libsndfile's name of it
    """

    def __init__(self, path: str, encoding: str) -> None:
        self._path, self._encoding = path, encoding
        self._last_page: int | None = None
        self.lossless = encoding not in ("MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III", "OPUS", "VORBIS")

    def before(self, start: int) -> int:
        """The frame to seek to for a part that begins at `start`, in a fresh decoder."""
        if start == 0 or self.lossless:
            return start
        if self._encoding == "VORBIS":
            if self._last_page is None:
                self._last_page = ogg_tail(self._path).last_page_start
            return max(0, min(start, self._last_page) - _VORBIS_FRAMES)
        return max(0, start - (_OPUS_FRAMES if self._encoding == "OPUS" else _MP3_FRAMES))
