"""auraloss in its own environment: losses.py sends a line of JSON for a call and is sent one back."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

import numpy as np
import torch
from auraloss.freq import MultiResolutionSTFTLoss  # pyright: ignore[reportMissingImports]


def main() -> None:
    torch.set_num_threads(1)
    losses = {weight: MultiResolutionSTFTLoss(w_lin_mag=weight) for weight in (0.0, 1.0)}
    print(json.dumps({"auraloss": version("auraloss"), "torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        estimate, target = torch.from_numpy(np.load(request["sounds"]))
        estimate.requires_grad_()
        begun = time.process_time()
        total = losses[request["linear_weight"]](estimate, target)
        total.backward()
        seconds = time.process_time() - begun
        if request.get("gradient"):
            assert estimate.grad is not None
            np.save(request["gradient"], estimate.grad.numpy())
        print(json.dumps({"seconds": seconds, "total": total.item()}), flush=True)


if __name__ == "__main__":
    main()
