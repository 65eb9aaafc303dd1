"""From sung syllables to the slow curves that steer a voice: formants, voicing, friction, breath, pitch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tonewright.audio.band.phones import CONSONANTS, DIPHTHONGS, VOWELS, is_vowel
from tonewright.audio.band.score import Sung

Point = tuple[float, float]
CURVE_RATE = 1000.0


@dataclass
class Curves:
    """Break points (time, value) of every curve of a phrase, times from the phrase's own start."""

    formants: tuple[list[Point], list[Point], list[Point]] = field(default_factory=lambda: ([], [], []))
    nasal: list[Point] = field(default_factory=list)
    zero_hz: list[Point] = field(default_factory=list)
    voicing: list[Point] = field(default_factory=list)
    breath: list[Point] = field(default_factory=list)
    noise: list[Point] = field(default_factory=list)
    noise_hz: list[Point] = field(default_factory=list)
    noise_octaves: list[Point] = field(default_factory=list)

    def bend(self, time_s: float, formants: tuple[float, float, float]) -> None:
        """Set the three formants at a time."""
        for curve, value in zip(self.formants, formants, strict=True):
            curve.append((time_s, value))


@dataclass(frozen=True, slots=True)
class TimedPhone:
    """A phone with its place in the phrase."""

    name: str
    start_s: float
    end_s: float
    level: float


def split_phrases(notes: tuple[Sung, ...], gap_s: float = 0.25) -> list[list[Sung]]:
    """Runs of syllables with less than ``gap_s`` of silence between them."""
    phrases: list[list[Sung]] = []
    for note in notes:
        if phrases and note.start_s - (phrases[-1][-1].start_s + phrases[-1][-1].seconds) < gap_s:
            phrases[-1].append(note)
        else:
            phrases.append([note])
    return phrases


def _split_syllable(phones: tuple[str, ...]) -> tuple[list[str], str, list[str]]:
    """Consonants before the vowel, the vowel, consonants after it."""
    place = next(k for k, phone in enumerate(phones) if is_vowel(phone))
    return list(phones[:place]), phones[place], list(phones[place + 1 :])


def time_phones(phrase: list[Sung], origin_s: float) -> list[TimedPhone]:
    """When each phone sounds: vowels start on their notes, consonants take time from the note before."""
    parts = [_split_syllable(note.phones) for note in phrase]
    timed: list[TimedPhone] = []
    lead = sum(CONSONANTS[c].seconds for c in parts[0][0])
    time_s = phrase[0].start_s - origin_s - lead
    for c in parts[0][0]:
        timed.append(TimedPhone(c, time_s, time_s + CONSONANTS[c].seconds, phrase[0].level))
        time_s = timed[-1].end_s
    for number, (note, (_, vowel, coda)) in enumerate(zip(phrase, parts, strict=True)):
        start, end = note.start_s - origin_s, note.start_s - origin_s + note.seconds
        onset, after = [], note.level
        if number + 1 < len(phrase):
            onset, after = parts[number + 1][0], phrase[number + 1].level
            end = phrase[number + 1].start_s - origin_s
        consonants = [(c, note.level) for c in coda] + [(c, after) for c in onset]
        wanted = sum(CONSONANTS[c].seconds for c, _ in consonants)
        scale = min(1.0, 0.5 * (end - start) / wanted) if wanted else 1.0
        time_s = end - wanted * scale
        timed.append(TimedPhone(vowel, start, time_s, note.level))
        for c, level in consonants:
            until = time_s + CONSONANTS[c].seconds * scale
            timed.append(TimedPhone(c, time_s, until, level))
            time_s = until
    return timed


def articulate(timed: list[TimedPhone], *, breath_s: float, breathiness: float) -> Curves:
    """All curves of a phrase; an intake of breath of ``breath_s`` comes before it (0 for none)."""
    curves = Curves()
    start, end = timed[0].start_s, timed[-1].end_s
    _add_breath(curves, start, breath_s)
    curves.voicing.append((start - 0.004, 0.0))
    for number, phone in enumerate(timed):
        last = number == len(timed) - 1
        if is_vowel(phone.name):
            _add_vowel(curves, phone, breathiness, first=number == 0, last=last)
        else:
            _add_consonant(curves, phone)
    release = 0.09 if is_vowel(timed[-1].name) else 0.03
    for curve in (curves.voicing, curves.breath, curves.noise):
        curve.append((end + release, 0.0))
    return curves


def _add_breath(curves: Curves, start: float, breath_s: float) -> None:
    if breath_s > 0.12:
        begin = max(start - 0.05 - breath_s, 0.0)
        rise = begin + 0.55 * breath_s
        curves.bend(begin, (520, 1500, 2500))
        curves.bend(start - 0.06, (600, 1350, 2500))
        curves.breath += [(begin, 0.0), (rise, 0.05), (start - 0.10, 0.04), (start - 0.045, 0.0)]
    curves.breath.append((start - 0.02, 0.0))
    curves.noise.append((start - 0.002, 0.0))


def _add_vowel(curves: Curves, phone: TimedPhone, breathiness: float, *, first: bool, last: bool) -> None:
    start, end = phone.start_s, phone.end_s
    length = end - start
    edge = min(0.045, 0.25 * length)
    ends = DIPHTHONGS.get(phone.name, (phone.name, phone.name))
    curves.bend(start + edge, VOWELS[ends[0]])
    if ends[0] != ends[1]:
        curves.bend(start + max(0.55 * length, length - 0.22), VOWELS[ends[0]])
    curves.bend(end - 0.6 * edge, VOWELS[ends[1]])
    curves.nasal += [(start + 0.02, 0.0), (end - 0.03, 0.0)]
    attack = min(0.045 if first else 0.022, 0.3 * length)
    tail = min(0.16, 0.4 * length) if last else min(0.012, 0.2 * length)
    level = phone.level
    curves.voicing += [
        (start + attack, level * 0.94),
        (start + 0.45 * length, level),
        (end - tail, level * (0.8 if last else 0.92)),
    ]
    curves.breath += [(start + attack, breathiness * level), (end - tail, breathiness * level)]
    curves.noise += [(start + 0.006, 0.0), (end - 0.008, 0.0)]


def _add_consonant(curves: Curves, phone: TimedPhone) -> None:
    sound = CONSONANTS[phone.name]
    start, end, level = phone.start_s, phone.end_s, 0.5 + 0.5 * phone.level
    length = end - start
    edge = 0.25 * length
    curves.bend(start + edge, sound.formants)
    curves.bend(end - edge, sound.formants)
    nasal = float(sound.kind == "nasal")
    curves.nasal += [(start + 0.01, nasal), (end - 0.01, nasal)]
    if nasal:
        curves.zero_hz += [(start, sound.zero_hz), (end, sound.zero_hz)]
    curves.noise_hz += [(start, sound.noise_hz), (end, sound.noise_hz)]
    curves.noise_octaves += [(start, sound.noise_octaves), (end, sound.noise_octaves)]
    hush = min(0.014, edge)
    curves.voicing += [(start + hush, sound.voicing * phone.level), (end - hush, sound.voicing * phone.level)]
    if sound.kind == "plosive":
        _add_burst(curves, phone, level * sound.noise)
    elif sound.kind == "fricative":
        rough = 0.22 * level if phone.name == "h" else 0.0
        noise = level * sound.noise
        curves.noise += [(start, 0.0), (start + edge, 0.85 * noise), (end - edge, noise), (end, 0.15 * noise)]
        curves.breath += [(start + edge, rough), (end - hush, rough)]
    else:
        curves.noise += [(start, 0.0), (end, 0.0)]
        curves.breath += [(start + hush, 0.01), (end - hush, 0.01)]


def _add_burst(curves: Curves, phone: TimedPhone, noise: float) -> None:
    """Closure, burst, and for the unvoiced a breath until the vowel; ch and j have friction in its place."""
    sound, start, end = CONSONANTS[phone.name], phone.start_s, phone.end_s
    length = end - start
    affricate = phone.name in ("ch", "j")
    open_s = length * (0.6 if affricate else 0.42 if sound.voicing == 0.0 else 0.2)
    burst = end - open_s
    curves.noise += [(start + 0.004, 0.0), (burst - 0.001, 0.0), (burst + 0.001, noise)]
    if affricate:
        curves.noise += [(end - 0.3 * open_s, 0.8 * noise), (end, 0.05 * noise)]
    else:
        curves.noise += [
            (burst + 0.007, 0.45 * noise),
            (burst + 0.018, 0.10 * noise),
            (max(end, burst + 0.02), 0.0),
        ]
    rough = 0.20 if sound.voicing == 0.0 and not affricate else 0.0
    curves.breath += [(start + 0.01, 0.0), (burst, 0.0), (burst + 0.006, rough), (end - 0.004, 0.7 * rough)]


def curve_values(points: list[Point], count: int, *, default: float, smooth_s: float) -> np.ndarray:
    """Straight lines through the points at CURVE_RATE, smoothed by a Gaussian, (count,)."""
    if not points:
        return np.full(count, default)
    ordered = sorted(points, key=lambda point: point[0])
    times, values = zip(*ordered, strict=True)
    line = np.interp(np.arange(count) / CURVE_RATE, times, values)
    return gaussian_filter1d(line, smooth_s * CURVE_RATE, mode="nearest") if smooth_s else line


def pitch_curve(
    phrase: list[Sung],
    origin_s: float,
    count: int,
    *,
    vibrato_hz: float,
    vibrato_cents: float,
    vibrato_onset_s: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """MIDI pitch of a phrase at CURVE_RATE, (count,): scoop, portamento, late vibrato, drift."""
    t = np.arange(count) / CURVE_RATE
    points: list[Point] = []
    depth = np.zeros(count)
    for number, note in enumerate(phrase):
        start, end = note.start_s - origin_s, note.start_s - origin_s + note.seconds
        glide = min(float(rng.uniform(0.05, 0.11)), 0.35 * note.seconds)
        if number == 0:
            points += [(start - 0.05, note.pitch - float(rng.uniform(0.3, 1.8)))]
            glide = 0.08
        points += [
            (start + (glide if number == 0 else 0.35 * glide), note.pitch),
            (end - 0.65 * glide, note.pitch),
        ]
        if note.seconds > 0.4:
            rise = np.clip((t - start - vibrato_onset_s) / 0.25, 0, 1) * np.clip(
                (end + 0.05 - t) / 0.08, 0, 1
            )
            depth = np.maximum(depth, rise)
    base = curve_values(points, count, default=phrase[0].pitch, smooth_s=0.014)
    wander = gaussian_filter1d(rng.standard_normal(count), 0.12 * CURVE_RATE, mode="wrap")
    fine = gaussian_filter1d(rng.standard_normal(count), 0.008 * CURVE_RATE, mode="wrap")
    wander *= 0.07 / (wander.std() + 1e-9)
    fine *= 0.025 / (fine.std() + 1e-9)
    slow = gaussian_filter1d(rng.standard_normal(count), 0.2 * CURVE_RATE, mode="wrap")
    rate = vibrato_hz * (1.0 + 0.03 * np.clip(slow / (slow.std() + 1e-9), -2, 2))
    swing = np.sin(2 * np.pi * np.cumsum(rate) / CURVE_RATE + rng.uniform(0, 2 * np.pi))
    return base + wander + fine + depth * vibrato_cents / 100.0 * swing
