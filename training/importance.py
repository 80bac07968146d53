"""What every token's key and value were worth to the tokens after them."""

from collections.abc import Iterator

import torch
from torch import Tensor

from .gradients import Attended

# An attention weight near 1 would make the change by leaving its token out unbounded.
_MOST_ATTENTION = 0.95


def attention_rows(layer: Attended, start: int, end: int) -> Tensor:
    """Attention [H, G, rows, end] of the queries `start` … `end` − 1 to all up to them."""
    scores = layer.queries[:, :, start:end].flatten(1, 2) @ layer.rotated[:, :end].transpose(1, 2)
    scores = scores.unflatten(1, (-1, end - start))
    future = torch.ones(end - start, end - start, dtype=torch.bool).triu(1)
    scores[..., start:].masked_fill_(future, -torch.inf)
    return scores.softmax(-1)


def importance_by_block(layer: Attended, block: int, first: int) -> Iterator[tuple[int, Tensor, Tensor]]:
    """For each block of queries from `first` on: its end, mean attention [H, end], importance [H, end].

    Importance of token j for a block: Σ_q (Σ_heads A_qj / (1 − min(A_qj, .95)) · g_q·(v_j − o_q))², the squared
    first-order change of the loss when j alone is left out of what q attends to, over the block's queries q.
    """
    tokens = layer.keys.shape[1]
    for start in range(first, tokens, block):
        end = min(start + block, tokens)
        attention = attention_rows(layer, start, end)
        gradient, output = layer.gradient[:, :, start:end], layer.output[:, :, start:end]
        gain = (gradient.flatten(1, 2) @ layer.values[:, :end].transpose(1, 2)).view_as(attention)
        gain -= (gradient * output).sum(-1, keepdim=True)
        change = attention / (1 - attention.clamp(max=_MOST_ATTENTION)) * gain
        yield end, attention.mean((1, 2)), change.sum(1).square_().sum(1)
