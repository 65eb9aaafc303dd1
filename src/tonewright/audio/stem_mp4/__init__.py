"""Songs whose stems are the streams of one mp4: decoded once by ffmpeg into a cache of WAV files."""

from tonewright.audio.stem_mp4.cache import decode_stems
from tonewright.audio.stem_mp4.ffmpeg import check_ffmpeg

__all__ = ["check_ffmpeg", "decode_stems"]
