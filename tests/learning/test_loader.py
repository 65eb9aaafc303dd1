from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.learning.loader import ResumableBatches


def keys(processed: int, *, batches: int, size: int, rank: int = 0, ranks: int = 1) -> list:
    return list(
        ResumableBatches(
            batches=batches, batch_size=size, processed=lambda: processed, rank=rank, ranks=ranks
        )
    )


@settings(deadline=None)
@given(batches=st.integers(1, 12), size=st.integers(1, 5), done=st.integers(0, 40))
def test_a_resumed_epoch_is_the_rest_of_the_whole(batches: int, size: int, done: int) -> None:
    epoch, start = divmod(done, batches)
    whole = keys(epoch * batches, batches=batches, size=size)
    assert keys(done, batches=batches, size=size) == whole[start:]
    assert {key[0] for batch in whole for key in batch} == {epoch}


@settings(deadline=None)
@given(batches=st.integers(1, 8), size=st.integers(1, 5), ranks=st.integers(1, 4))
def test_the_ranks_together_cover_an_epoch_once(batches: int, size: int, ranks: int) -> None:
    found = [
        key
        for rank in range(ranks)
        for batch in keys(0, batches=batches, size=size, rank=rank, ranks=ranks)
        for key in batch
    ]
    assert sorted(found) == [(0, index) for index in range(batches * size * ranks)]
