"""What each attention output was worth to the loss: one forward and one backward pass of a sequence.

The gradient g = ∂loss/∂o of every head's output o (before the output projection) tells, to first order, what any
change of that output costs. Nothing else of the kit needs a backward pass through the whole model.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .model import Model, linear, merge_heads
from .sequences import Sequence

# Rows of logits that are held at once.
_ROWS = 256


@dataclass
class Attended:
    """A layer's part in a sequence of T tokens. Keys and values have H heads, the others H·G."""

    queries: Tensor  # [H, G, T, D] rotated, times D^-½
    keys: Tensor  # [H, T, D] as they came
    rotated: Tensor  # [H, T, D] keys, rotated
    values: Tensor  # [H, T, D]
    output: Tensor  # [H, G, T, D]
    gradient: Tensor  # [H, G, T, D] of the summed loss of the tokens that count


def attended_layers(model: Model, sequence: Sequence) -> tuple[list[Attended], Tensor]:
    """Every layer's part in a sequence, and the loss of each token [T] (of the first: 0)."""
    c = model.config
    ids = sequence.ids[None]
    places = torch.arange(ids.shape[1])
    x = model.embedding[ids]
    outputs, parts = [], []
    for layer in range(c.layers):
        q, k, v = model.project(layer, x)
        rotated_q, rotated_k = model.rotate(q, places), model.rotate(k, places)
        half = [part.to(model.head.dtype) for part in (rotated_q, rotated_k, v)]
        o = F.scaled_dot_product_attention(*half, is_causal=True, enable_gqa=True).float()
        if not o.requires_grad:
            o.requires_grad_(True)  # the first layer's: nothing before it needs a gradient
        outputs.append(o)
        parts.append((rotated_q.detach()[0] * c.head_dim**-0.5, k.detach()[0], rotated_k.detach()[0], v.detach()[0]))
        x = model.rest_of_layer(layer, x, merge_heads(o))
    y = model.normalise(x, model.norm)
    slope, losses = _loss_slope(model, y.detach()[0], sequence)
    gradients = torch.autograd.grad(y, outputs, slope[None])
    by_group = lambda tensor: tensor.unflatten(0, (c.kv_heads, c.group))
    layers = [
        Attended(by_group(q), k, rotated, v, by_group(o.detach()[0]), by_group(g[0]))
        for (q, k, rotated, v), o, g in zip(parts, outputs, gradients)
    ]
    return layers, losses


def _loss_slope(model: Model, y: Tensor, sequence: Sequence) -> tuple[Tensor, Tensor]:
    """Gradient [T, hidden] of the summed loss with respect to y, and the loss of each token."""
    ids, counts = sequence.ids, sequence.counts.float()
    slope, losses = torch.zeros_like(y), torch.zeros(len(ids))
    for start in range(0, len(ids) - 1, _ROWS):
        end = min(start + _ROWS, len(ids) - 1)
        logits = linear(y[start:end], model.head)
        targets = ids[start + 1 : end + 1]
        losses[start + 1 : end + 1] = F.cross_entropy(logits, targets, reduction="none")
        error = logits.softmax(-1)
        error[torch.arange(end - start), targets] -= 1
        error *= counts[start + 1 : end + 1, None]
        slope[start:end] = (error.to(model.head.dtype) @ model.head).float()
    return slope, losses
