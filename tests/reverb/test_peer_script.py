"""A script as a user of pyFDN 0.1 writes it, with nothing but its imports changed.

Every call and argument is one that pyFDN.train documents.
"""

from __future__ import annotations

import numpy as np
import pytest

SCRIPT = """
import dataclasses

import numpy as np
import torch
{imports}

# 1. A colourless prototype, which is then given a decay.
model = build_fdn(N=6, rt=1.0, matrix="orthogonal", rng=0, nfft=2**12)
log = train_fdn(model, "colorless", max_steps=60, lr=1e-2, rng=0)
assert isinstance(log, TrainLog)
assert log.steps_run == len(log.train_loss) <= 60
assert log.train_loss[-1] < log.train_loss[0]
assert set(log.loss_log) == {{"mse_loss", "_ColorlessSparsity"}}

build = extract_build(model)
assert isinstance(build, FDNBuild)
assert np.allclose(build.A.T @ build.A, np.eye(6), atol=1e-4)
tail = with_decay(build, (0.3, 0.1), rt_crossover=4000.0)
assert tail.filters.shape == (1, 6, 6)
assert np.array_equal(tail.A, build.A)
quieter = dataclasses.replace(tail, C=0.5 * tail.C)

# 2. A measured response is matched, from the colourless network on.
ir = np.random.default_rng(1).standard_normal(3000) * 10 ** (-3 * np.arange(3000) / 4800)
match = trainable_from_build(
    quieter, trainable=Trainable(feedback=True, input_gain=True, output_gain=True, direct=True), nfft=2**12
)
log = train_fdn(
    match, "match_spectrogram", target=ir, sparsity_alpha=0.1, mss_nfft=(128, 256), max_steps=25, lr=1e-2,
    optimizer="adam", patience=10, tol=1e-6, device="cpu", dtype=torch.float32,
)
assert set(log.loss_log) == {{"mss_loss", "_ColorlessSparsity"}}
assert log.loss_log["mss_loss"][-1] < log.loss_log["mss_loss"][0]
log = train_fdn(match, "match_mel_spectrogram", target=torch.as_tensor(ir), max_steps=5, optimizer="lbfgs")
assert log.train_loss[-1] <= log.train_loss[0]
assert "mel_mss_loss" in log.loss_log

# 3. Own criteria, in torch.
class Distance(torch.nn.Module):
    def forward(self, y_pred, y_target):
        return (y_pred.abs().sqrt() - y_target.abs().sqrt()).abs().mean()

class Spread(torch.nn.Module):
    def forward(self, y_pred, y_target, model):
        return y_pred.square().mean()

log = train_fdn(
    match, "match_spectrogram", target=ir, max_steps=5,
    criteria=[(Distance(), 1.0, False), (Spread(), 0.1, True)],
)
assert set(log.loss_log) == {{"Distance", "Spread"}}

# 4. The model is called as a module is.
x = torch.zeros(1, match_length := 2**12, 1)
x[:, 0, :] = 1.0
with torch.no_grad():
    y = match(x)
assert y.shape == (1, match_length, 1)

# 5. Several channels, each input by itself.
rng = np.random.default_rng(2)
b, c = rng.standard_normal((4, 2)), rng.standard_normal((3, 4))
delays = np.array([211, 307, 401, 503])
mimo = build_fdn(delays=delays, input_gain=b, output_gain=c, direct=0.1, rt=0.2, nfft=2**12)
responses = rng.standard_normal((2000, 3, 2)) * np.exp(-np.arange(2000) / 400)[:, None, None]
log = train_fdn(mimo, "match_spectrogram", target=responses, max_steps=4)
impulses = torch.zeros(2, 2**12, 2)
impulses[0, 0, 0] = impulses[1, 0, 1] = 1.0
assert mimo(impulses).shape == (2, 2**12, 3)

# 6. What is wrong raises ValueError.
for wrong in (
    dict(mode="match_spectrogram"),
    dict(mode="colourful"),
    dict(mode="colorless", optimizer="sgd"),
):
    try:
        train_fdn(model, **wrong)
    except ValueError:
        continue
    raise AssertionError(wrong)
"""

IMPORTS = """
from tonewright.reverb import (
    FDNBuild, Trainable, TrainLog, build_fdn, extract_build, train_fdn, trainable_from_build, with_decay,
)
"""

RENDER = """
from tonewright.reverb import fdn_build_gallery, impulse_response, train_fdn, trainable_from_build

drawn = fdn_build_gallery(4, delay_range=(50, 150), rt=0.1, rng=1)
response = impulse_response(drawn, 2048)
model = trainable_from_build(drawn, matrix="random", nfft=2048)
again = impulse_response(model)
"""


@pytest.mark.filterwarnings("error")
def test_the_script_runs() -> None:
    exec(compile(SCRIPT.format(imports=IMPORTS), "script", "exec"), {"__name__": "script"})


def test_rendering_and_drawing_have_stand_ins() -> None:
    names: dict = {}
    exec(compile(RENDER, "script", "exec"), names)
    response, again = names["response"], names["again"]
    assert response.shape == (2048,)
    np.testing.assert_allclose(again[:2048], response, atol=1e-9)
    decay_db = 10 * np.log10(np.square(response[1500:]).mean() / np.square(response[:800]).mean())
    assert -30 < decay_db < -8
