"""Jobs that do not depend on each other, such as one a file: in processes, or on a Ray cluster."""

from tonewright.audio.jobs.outcome import LostJobError
from tonewright.audio.jobs.running import ENGINES, Engine, run_jobs

__all__ = ["ENGINES", "Engine", "LostJobError", "run_jobs"]
