"""Windows to batches: the same batches after a resume, for any number of workers.

Which batches are still to come is read from one place only, the trainer's count of processed batches.
Nothing here has a state of its own that could disagree with it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

from torch.utils.data import DataLoader, Dataset, Sampler


class ResumableBatches(Sampler[list[tuple[int, int]]]):
    """Batches of window keys (epoch, index), starting where the trainer stands.

    Batch b of an epoch holds, on rank r of R, the indices (b R + r) B … (b R + r) B + B - 1, so that the
    ranks together cover the epoch once.

    Parameters
    ----------
    batches : number of batches an epoch, per rank
    batch_size : windows per batch and rank
    processed : () -> batches that the trainer has processed in all
    rank, ranks : this process and their number
    """

    def __init__(
        self, *, batches: int, batch_size: int, processed: Callable[[], int], rank: int = 0, ranks: int = 1
    ) -> None:
        self.batches, self.batch_size, self.processed = batches, batch_size, processed
        self.rank, self.ranks = rank, ranks

    def __len__(self) -> int:
        """Batches of a whole epoch, wherever it is entered."""
        return self.batches

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        """The rest of the epoch that the trainer is in."""
        epoch, start = divmod(self.processed(), self.batches)
        for batch in range(start, self.batches):
            first = (batch * self.ranks + self.rank) * self.batch_size
            yield [(epoch, index) for index in range(first, first + self.batch_size)]


class ResumableLoader(DataLoader):
    """A loader whose position needs no saving, since its batches follow the trainer's own count.

    The two empty methods tell Lightning that the loader may be resumed within an epoch.
    """

    def state_dict(self) -> dict[str, Any]:
        """Nothing to save."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to restore."""


def ignore_interrupts(worker: int) -> None:
    """Leave Ctrl-C to the main process, which the terminal tells as well; it ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def training_loader(
    windows: Dataset, batches: ResumableBatches, *, workers: int, pin_memory: bool = False
) -> ResumableLoader:
    """Loader of the training windows named by `batches`."""
    return ResumableLoader(
        windows,
        batch_sampler=batches,
        num_workers=workers,
        worker_init_fn=ignore_interrupts,
        persistent_workers=workers > 0,
        prefetch_factor=4 if workers else None,
        pin_memory=pin_memory,
    )


def validation_loader(
    windows: Dataset, *, batch_size: int, workers: int, pin_memory: bool = False
) -> DataLoader:
    """Loader of fixed windows, in order."""
    return DataLoader(
        windows,
        batch_size=batch_size,
        shuffle=False,
        num_workers=min(workers, 1),
        worker_init_fn=ignore_interrupts,
        persistent_workers=workers > 0,
        pin_memory=pin_memory,
    )
