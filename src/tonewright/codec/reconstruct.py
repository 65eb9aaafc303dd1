"""Sound of any length, rate and number of channels through a trained codec and back, in blocks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from tonewright.audio.clips import fit_length, resample_blocks
from tonewright.audio.files import Clip, SoundWriter, probe, resample, stream
from tonewright.codec.model import Codec
from tonewright.errors import OutputError, RunError, TonewrightError
from tonewright.learning.runs import Run, open_run

logger = logging.getLogger("tonewright")

BLOCK_SECONDS = 10.0


def load_codec(run: Run | str | Path) -> Codec:
    """The trained codec of a run folder, ready for use on the CPU."""
    run = run if isinstance(run, Run) else open_run(run)
    if run.system_name != "codec":
        raise RunError(f"{run.folder}: is a run of '{run.system_name}', not of the codec")
    data = run.config.data
    model = Codec(run.config.system, sample_rate=data.sample_rate, channels=data.channels)
    try:
        model.load_state_dict(run.load_weights())
    except RuntimeError as error:
        raise RunError(
            f"{run.folder}: model.safetensors does not fit config.yaml; restore both from one run"
        ) from error
    return model.eval()


def reconstruct_clip(model: Codec, clip: Clip, *, block_seconds: float | None = None) -> Clip:
    """A clip as the codec gives it back: same rate, channels and length.

    Parameters
    ----------
    clip : any rate; mono is given to every channel of the model, more channels than it has go one by one
    block_seconds : work in blocks of about this length; None takes the clip whole, with equal results
    """
    if not np.isfinite(clip.samples).all():
        raise TonewrightError("the clip holds NaN or infinite samples; repair them first")
    if clip.frames == 0:
        return clip
    samples = resample(clip.samples, from_rate=clip.sample_rate, to_rate=model.sample_rate)
    made = np.concatenate(list(reconstruct_stream(model, [samples], block_seconds=block_seconds)), axis=-1)
    made = resample(made, from_rate=model.sample_rate, to_rate=clip.sample_rate)
    return Clip(fit_length(made, clip.frames), clip.sample_rate)


def reconstruct_file(
    source: str | Path,
    target: str | Path,
    model: Codec,
    *,
    overwrite: bool = False,
    block_seconds: float = BLOCK_SECONDS,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a file as the codec gives it back, in memory that does not grow with its length."""
    info = probe(source)
    if Path(target).exists() and Path(target).samefile(source):
        raise OutputError(f"{target}: is the input itself; choose another output")
    # Float samples may go over full scale, and keep doing so where the output can hold them.
    encoding = (
        "float" if info.encoding in ("FLOAT", "DOUBLE") and Path(target).suffix.lower() == ".wav" else None
    )
    blocks = stream(
        source, block_frames=int(block_seconds * model.sample_rate), sample_rate=model.sample_rate
    )
    made = reconstruct_stream(model, blocks, block_seconds=block_seconds)
    with SoundWriter(
        target,
        sample_rate=info.sample_rate,
        channels=info.channels,
        encoding=encoding,
        overwrite=overwrite,
    ) as writer:
        written, over = 0, False
        for block in resample_blocks(made, from_rate=model.sample_rate, to_rate=info.sample_rate):
            block = block[:, : info.frames - written]
            over = over or (encoding is None and bool(np.abs(block).max(initial=0.0) > 1.0))
            writer.write(block)
            written += block.shape[-1]
            if progress:
                progress(written, info.frames)
        if written < info.frames:
            writer.write(np.zeros((info.channels, info.frames - written), np.float32))
    if over:
        logger.warning("%s: went over full scale and was clipped; lower the level of %s", target, source)
    return Path(target)


def reconstruct_stream(
    model: Codec, blocks: Iterable[np.ndarray], *, block_seconds: float | None
) -> Iterator[np.ndarray]:
    """Blocks (channels, any length) at the model's rate to blocks of the reconstruction, equal to the whole.

    Samples of hops s₀ … s₁ - 1 need the frames s₀ … s₁, those the latents c further on each side, and those
    the frames c further still, with c the context of encoder and decoder. Each step hears exactly that much.
    """
    hop, context = model.config.hop_samples, model.context_frames
    step = None if block_seconds is None else max(1, round(block_seconds * model.sample_rate / hop))
    source = iter(blocks)
    held = np.zeros((0, 0), np.float32)
    offset = done = 0  # samples before `held`; hops that were given out
    ended = False
    while True:
        while not ended and (step is None or offset + held.shape[-1] < (done + step + 2 * context + 1) * hop):
            block = next(source, None)
            ended = block is None
            if block is not None:
                held = block if held.size == 0 else np.concatenate([held, block], axis=-1)
        total = offset + held.shape[-1]
        last = -(-total // hop) if ended else None
        stop = last if step is None or (last is not None and last <= done + step) else done + step
        assert stop is not None
        if stop <= done:
            return
        yield _segment(model, held, offset, done, stop, total if ended else None)
        if stop == last:
            return
        done = stop
        keep = max(0, (done - 2 * context - 1) * hop)
        held, offset = held[:, keep - offset :], keep


@torch.inference_mode()
def _segment(
    model: Codec, held: np.ndarray, offset: int, start: int, stop: int, total: int | None
) -> np.ndarray:
    """Samples of the hops start … stop - 1, from `held`, which begins `offset` samples into the sound."""
    hop, context = model.config.hop_samples, model.context_frames
    end = stop + 2 * context if total is None else min(stop + 2 * context, -(-total // hop))
    first = max(0, start - 2 * context)
    begin, finish = (first - 1) * hop, (end + 1) * hop
    inside = held[:, max(0, begin - offset) : finish - offset]
    before = max(0, offset - begin) if begin < 0 else 0
    behind = finish - begin - before - inside.shape[-1]
    padded = torch.from_numpy(np.pad(inside, ((0, 0), (before, behind)))).to(model.device)
    coefficients = model.inner_coefficients(_as_batch(padded, model.channels))
    latents = model.posterior(coefficients).mode()
    low, high = max(0, start - context), min(stop + context, end)
    latents = latents[..., low - first : high - first + 1]
    decoded = model.decode_frames(latents)[..., start - low : stop - low + 1]
    length = (stop - start) * hop if total is None else min(stop * hop, total) - start * hop
    made = model.samples(decoded, length)
    return _from_batch(made, held.shape[0]).cpu().numpy()


def _as_batch(samples: torch.Tensor, channels: int) -> torch.Tensor:
    """(channels of the sound, time) to (batch, channels of the model, time)."""
    if samples.shape[0] == channels:
        return samples[None]
    return samples[:, None].expand(-1, channels, -1)


def _from_batch(samples: torch.Tensor, channels: int) -> torch.Tensor:
    """The inverse of `_as_batch`."""
    return samples[0] if samples.shape[1] == channels else samples.mean(dim=1)
