"""What a run goes on from: the `tune.pt` of another run, or a file for the engine."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from .model import Model
from .tune import Learner, Progress
from .weights import read_history, read_weights_of


@dataclass(frozen=True)
class Start:
    """What was learned, and what is known of how."""

    begin: Callable[[Learner], None]  # makes a learner begin there
    runs: list[dict]  # of tuning, that led to it: what each was told, what it took, how it went; the first one first
    errors: Tensor | None = None  # [layers, kv_heads, sizes], where it has budgets of its own
    trained: dict | None = None  # what else a file for the engine says of its training


def load_start(model: Model, path: Path) -> Start:
    """Raises FileNotFoundError or ValueError if the file cannot be started from."""
    if path.suffix == ".safetensors":
        tensors, metadata = read_weights_of(model, path)
        trained, runs = read_history(metadata)
        return Start(lambda learner: learner.take_over(tensors), runs, tensors["budget.error"], trained)
    found = torch.load(path, weights_only=False)
    progress: Progress = found["state"]
    took = {"batches": progress.done, "tokens": progress.tokens, "seconds": round(progress.seconds)}
    curve = [[batch, round(loss, 5)] for batch, loss in progress.curve]
    runs = [*progress.before, {**found["options"]["tune"], **took, "curve": curve}]
    return Start(lambda learner: learner.begin_from(progress.best_state), runs)
