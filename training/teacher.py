"""What the full cache says, and how far a small one is from it."""

import torch
from torch import Tensor

from .model import Model, linear

# Likeliest tokens of each position that enter the comparison, for all positions of a block.
_TOP = 24


class Teacher:
    """The model with nothing evicted, on one batch of ids [B, T]."""

    @torch.no_grad()
    def __init__(self, model: Model, ids: Tensor) -> None:
        self._model = model
        self._states = torch.cat([model.normalise(model.hidden_states(row[None]), model.norm) for row in ids])

    def divergence(self, x: Tensor, start: int) -> Tensor:
        """KL(teacher ‖ student) [B, n] of the positions from `start` on; x [B, n, hidden] is the student's.

        Both are compared on the teacher's likeliest tokens at any of the positions, renormalised.
        """
        count = x.shape[1]
        head, states = self._model.head, self._states[:, start : start + count]
        with torch.no_grad():
            logits = linear(states, head)
            words = torch.unique(logits.topk(_TOP, -1).indices)
            target = logits[..., words].log_softmax(-1)
        student = linear(self._model.normalise(x, self._model.norm), head[words]).log_softmax(-1)
        return (target.exp() * (target - student)).sum(-1)
