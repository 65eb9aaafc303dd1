"""A pool of real sound: see `building`."""

from tonewright.audio.sources.pool.building import Plan, PoolSummary, build_pool, plan_pool
from tonewright.audio.sources.pool.records import ShelfState

__all__ = ["Plan", "PoolSummary", "ShelfState", "build_pool", "plan_pool"]
