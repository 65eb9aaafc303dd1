"""From a score to sound: every stem by its instruments, then the mix."""

from __future__ import annotations

import numpy as np

from tonewright.audio.band.bass import draw_bass, play_bass
from tonewright.audio.band.composing import compose, generator
from tonewright.audio.band.drums import draw_kit, play_drums
from tonewright.audio.band.mixing import Mix, mix
from tonewright.audio.band.other import draw_timbre, play_instrument
from tonewright.audio.band.rooms import draw_room
from tonewright.audio.band.score import Part, Score, Sung
from tonewright.audio.band.synthesis import SAMPLE_RATE, faded, pan_gains, place
from tonewright.audio.band.voice import draw_singer, sing

LOUDNESS_LUFS = (-17.5, -14.5)

_BACKING_REGISTER = {"soprano": "alto", "alto": "soprano", "tenor": "alto", "baritone": "tenor"}


_RERENDERED = ("electric_piano", "organ", "pad", "strings")  # their motion runs on from note to note


def render_stems(score: Score, *, seed: int = 0) -> dict[str, np.ndarray]:
    """The stems as played, before balance and room, each (2, time)."""
    stems = {}
    rng = generator(seed, score.index, "sound_drums")
    stems["drums"] = play_drums(score.drums, draw_kit(score.kit, rng), score.seconds, rng)
    rng = generator(seed, score.index, "sound_bass")
    stems["bass"] = play_bass(score.bass, draw_bass(score.bass_style, rng), score.seconds, rng)
    stems["other"] = _render_other(score, generator(seed, score.index, "sound_other"))
    stems["vocals"] = _render_vocals(score, generator(seed, score.index, "sound_voice"))
    return stems


def play_part(part: Part, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """All notes of a part, (2, time). Struck and plucked notes that are alike are recorded once or twice."""
    track = np.zeros((2, round(seconds * SAMPLE_RATE)), dtype=np.float32)
    timbre = draw_timbre(rng)
    recorded: dict[tuple, np.ndarray] = {}
    for number, note in enumerate(part.notes):
        if note.start_s >= seconds:
            continue
        key = (note.pitch, round(note.seconds, 2), round(note.level * 5), number % 2)
        if part.instrument in _RERENDERED or key not in recorded:
            recorded[key] = faded(
                play_instrument(part.instrument, note, timbre, rng), attack_s=0.001, release_s=0.02
            )
        sound = recorded[key]
        gain = np.float32(note.level * part.gain)
        place(track, sound, note.start_s, pan_gains(part.pan * (1.0 if sound.ndim == 1 else 0.5)) * gain)
    return track


def _render_other(score: Score, rng: np.random.Generator) -> np.ndarray:
    """All parts, each brought to the same level before its own gain."""
    total = np.zeros((2, round(score.seconds * SAMPLE_RATE)), dtype=np.float32)
    for part in score.parts:
        sound = play_part(part, score.seconds, rng)
        level = (
            np.sqrt(np.mean(np.square(sound[:, np.abs(sound).max(axis=0) > 1e-4]))) if sound.any() else 1.0
        )
        total += sound * np.float32(0.1 * part.gain / level)
    return total


def _render_vocals(score: Score, rng: np.random.Generator) -> np.ndarray:
    """The lead in the middle; where there is backing, two other takes of it to the left and right."""
    lead = sing(score.voice, draw_singer(score.register, rng), score.seconds, rng)
    total = np.stack([lead, lead])
    if score.backing:
        singer = draw_singer(_BACKING_REGISTER[score.register], rng)
        take = sing(score.backing, singer, score.seconds, rng)
        side = float(rng.choice([-1.0, 1.0]))
        total += pan_gains(0.55 * side)[:, None] * take * np.float32(0.4)
    return total


def render_song(index: int, *, seconds: float = 30.0, seed: int = 0) -> tuple[Score, Mix]:
    """A whole song of the band ``seed``: its score and its stems."""
    score = compose(index, seconds=seconds, seed=seed)
    rng = generator(seed, index, "room")
    room = draw_room(score.decay_s, rng)
    goal = float(rng.uniform(*LOUDNESS_LUFS))
    return score, mix(render_stems(score, seed=seed), room, rng, loudness_lufs=goal)


def describe(score: Score, *, name: str, folder: str, seed: int) -> dict:
    """What band.json says of a song."""
    grid = score.grid
    return {
        "name": name,
        "folder": folder,
        "index": score.index,
        "key": score.key.name,
        "tempo_bpm": grid.tempo_bpm,
        "meter": grid.meter,
        "swing": grid.swing,
        "structure": [
            {"name": s.name, "start_s": round(grid.time_s(s.first_bar, 0), 3), "bars": s.bars}
            for s in score.sections
        ],
        "room": _room_facts(score, seed),
        "voice": score.register,
        "backing": bool(score.backing),
        "kit": score.kit,
        "bass": score.bass_style,
        "other": [part.instrument for part in score.parts],
        "lyrics": _lyrics(score.voice),
    }


def _room_facts(score: Score, seed: int) -> dict:
    room = draw_room(score.decay_s, generator(seed, score.index, "room"))
    return {"decay_s": score.decay_s, "size_m": [round(side, 2) for side in room.size_m]}


def _lyrics(voice: tuple[Sung, ...]) -> list[str]:
    """The words, a line a phrase."""
    lines: list[list[str]] = []
    end = -1.0
    for note in voice:
        if note.start_s - end > 0.25 or not lines:
            lines.append([])
        if note.word:
            lines[-1].append(note.word)
        end = note.start_s + note.seconds
    return [" ".join(line) for line in lines]
