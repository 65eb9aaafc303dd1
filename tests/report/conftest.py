from __future__ import annotations

import base64
import io
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile

from tonewright.audio.files import Clip

VOID = {"meta", "link", "input", "img", "br", "hr", "image", "use"}


class Page(HTMLParser):
    """The elements of a page in order, and the text that a reader would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def sounds(self) -> list[tuple[np.ndarray, int]]:
        """Samples (channels, time) int16 and rate of every player."""
        found = []
        for player in self.named("audio"):
            kind, _, data = str(player["src"]).partition(",")
            assert kind == "data:audio/flac;base64"
            samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="int16", always_2d=True)
            found.append((samples.T, rate))
        return found


@pytest.fixture(scope="session")
def parse():
    return Page


@pytest.fixture(scope="session")
def tones() -> list[tuple[str, Clip]]:
    """A tone of a second, and the same with less of its overtone."""
    time = np.arange(22050) / 22050
    first = 0.4 * np.sin(2 * np.pi * 440 * time) + 0.2 * np.sin(2 * np.pi * 3000 * time)
    second = 0.4 * np.sin(2 * np.pi * 440 * time) + 0.02 * np.sin(2 * np.pi * 3000 * time)
    return [
        ("original", Clip(np.stack([first, first[::-1]]).astype(np.float32), 22050)),
        ("reconstruction", Clip(np.stack([second, second[::-1]]).astype(np.float32), 22050)),
    ]
