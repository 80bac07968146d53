"""Reads sequences block by block through the slot cache, as the engine does.

With nothing evicted its logits are those of the model. Gradients pass through corrections, mixtures, and the choice
of what stays, over as many blocks as the caller keeps attached (`Cache.detach`).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .cache import Cache, Slots, rebuild
from .model import Model, merge_heads
from .options import Options
from .parts import Parts
from .select import choose, gates


class Simulator:
    """One batch of sequences through one model.

    `learn_choice` keeps what was evicted for one more block, unseen, to find out what it would have been worth.
    """

    def __init__(self, model: Model, parts: Parts | None, options: Options, batch: int, learn_choice: bool = False):
        self.model = model
        self.parts = parts
        self.options = options
        self.cache = Cache.empty(model.config, batch)
        self.learn_choice = learn_choice
        self._ghosts: dict[int, _Ghosts] = {}
        # How close the closest choice was, in units of a score.
        self.narrowest = float("inf")

    def read(self, ids: Tensor, compact: bool = True) -> Tensor:
        """Takes in ids [B, n], at most a block; output of the last layer [B, n, hidden].

        The cache is compacted after it unless told otherwise.
        """
        x = self.model.embedding[ids]
        for layer in range(self.model.config.layers):
            x = self._layer(layer, x, compact)
        self.cache.seen += ids.shape[1]
        return x

    def detach(self) -> None:
        """Lets no gradient pass to the blocks before."""
        self.cache.detach()
        self._ghosts.clear()

    def branch(self, rows: Tensor) -> "Simulator":
        """Goes on from here on its own with the sequences `rows`."""
        other = Simulator(self.model, self.parts, self.options, len(rows))
        other.cache = self.cache.rows(rows)
        return other

    def _layer(self, layer: int, x: Tensor, compact: bool) -> Tensor:
        model, count = self.model, x.shape[1]
        q, k, v = model.project(layer, x)
        slots = self.cache.layers[layer].append(k, v, self.cache.seen)
        output, attention = self._attend(layer, q, slots, count)
        x = model.rest_of_layer(layer, x, self._correct(layer, merge_heads(output), slots, count))
        if compact and self.parts is not None:
            slots = self._compact(layer, slots, attention, count)
        self.cache.layers[layer] = slots
        return x

    def _attend(self, layer: int, q: Tensor, slots: Slots, count: int) -> tuple[Tensor, Tensor]:
        """Output [B, heads, n, D], and attention [B, H, S], mean over queries and heads of a group."""
        model, config = self.model, self.model.config
        places = self.cache.seen + torch.arange(count)
        q = model.rotate(q, places) * config.head_dim**-0.5
        keys = model.rotate(slots.keys, slots.position)
        q, bias = self._bend(layer, q, slots, count)
        grouped = q.unflatten(1, (config.kv_heads, config.group))
        scores = (grouped.flatten(2, 3) @ keys.transpose(2, 3)).unflatten(2, (config.group, count)) + bias
        weights = scores.softmax(-1)
        output = (weights.flatten(2, 3) @ slots.values).unflatten(2, (config.group, count))
        if layer in self._ghosts:
            output = self._ghosts.pop(layer).open(model, output, grouped, scores, weights, slots)
        return output.flatten(1, 2), weights.detach().mean((2, 3))

    def _bend(self, layer: int, q: Tensor, slots: Slots, count: int) -> tuple[Tensor, Tensor]:
        """q with its temperature, and what is added to logits [B, H, G or 1, n, S]."""
        config, total = self.model.config, slots.total
        future = torch.full((count, count), -torch.inf).triu(1)
        causal = torch.nn.functional.pad(future, (total - count, 0))
        own = torch.where(slots.filled(), 0.0, -torch.inf) + slots.mass.clamp(min=1e-9).log()
        bias = own[:, :, None, None] + causal
        corrections = None if self.parts is None else self.parts.corrections
        rho = self._evicted(slots, count)
        if corrections is None or not rho.any():
            return q, bias
        by_head = rho.repeat_interleave(config.group)
        q = q * (1 + by_head * corrections.tp[layer])[:, None, None]
        index, live = slots.index(), slots.live[:, None]
        first = (index == 0).float()
        old = (index >= self.options.sinks) & (index < live - count - self.options.recent)
        shift = lambda numbers: (by_head * numbers[layer]).unflatten(0, (config.kv_heads, config.group))[..., None]
        shifts = shift(corrections.sb) * first[:, None] + shift(corrections.hb) * old[:, None]
        return q, bias + shifts[None, :, :, None]

    def _correct(self, layer: int, output: Tensor, slots: Slots, count: int) -> Tensor:
        """Attention output [B, n, heads · D] with what the evicted would have added, roughly."""
        corrections = None if self.parts is None else self.parts.corrections
        rho = self._evicted(slots, count)
        if corrections is None or not rho.any():
            return output
        config = self.model.config
        wide = rho.repeat_interleave(config.group * config.head_dim)
        return output * (1 + wide * corrections.od[layer]) + wide * corrections.oc[layer]

    def _evicted(self, slots: Slots, count: int) -> Tensor:
        """ρ [H]: the share of all tokens that have no slot, at the end of the block in progress."""
        block = self.options.block
        return (1 - (slots.live - count + block) / (self.cache.seen + block)).clamp(min=0)

    def _compact(self, layer: int, slots: Slots, attention: Tensor, count: int) -> Slots:
        parts, options = self.parts, self.options
        sizes = parts.sizes[layer]
        if int((slots.live - sizes).max()) <= 0:
            return slots
        overflows = slots.live > sizes
        fused = torch.where(overflows, parts.fused(layer, options.sinks + options.recent), slots.fused)
        choice = choose(slots, attention, parts.text[layer], parts.chat[layer], sizes, fused, parts.share, options)
        self.narrowest = min(self.narrowest, choice.narrowest)
        fresh = None
        if int(fused.max()) > 0:
            fresh = parts.fusion.fresh(layer, slots, choice, fused, options.sinks)
        if parts.fusion is not None:
            slots = parts.fusion.merge(self.model, layer, slots, choice, options.sinks)
        seen = self.cache.seen + count
        after = rebuild(slots, choice.kept, fresh, options.sinks, seen, options.far)
        if self.learn_choice and torch.is_grad_enabled():
            self._ghosts[layer] = _Ghosts.of(slots, choice, after, seen, options.far)
        return after


@dataclass
class _Ghosts:
    """Everything that could stay at a compaction, kept or not: what its weight in the next block's output was, or
    would have been, tells the scores how they should have chosen."""

    keys: Tensor  # [B, H, S, D]
    values: Tensor
    position: Tensor  # [B, H, S]
    open_: Tensor  # [H, S]
    gate: Tensor  # [B, H, S]

    @classmethod
    def of(cls, slots: Slots, choice, after: Slots, seen: int, far: int) -> "_Ghosts":
        distance = (seen - slots.token).clamp(max=after.total + far)
        gate = gates(choice)
        return cls(slots.keys.detach(), slots.values.detach(), seen - distance, choice.candidates, gate)

    def open(self, model: Model, output: Tensor, q: Tensor, scores: Tensor, weights: Tensor, slots: Slots) -> Tensor:
        """`output` as it is, with a gradient to the gates: ∂output/∂gate_j = A_j (v_j − output)."""
        with torch.no_grad():
            log_sum = scores.logsumexp(-1, keepdim=True)
            keys = model.rotate(self.keys, self.position)
            logits = (q.flatten(2, 3) @ keys.transpose(2, 3)).view(*q.shape[:4], -1)
            attention = (logits - log_sum).clamp(max=0).exp() * self.open_[:, None, None]
        return _Open.apply(output, self.gate, attention, self.values)


class _Open(torch.autograd.Function):
    @staticmethod
    def forward(ctx, output: Tensor, gate: Tensor, attention: Tensor, values: Tensor) -> Tensor:
        ctx.save_for_backward(output, attention, values)
        return output.clone()

    @staticmethod
    def backward(ctx, gradient: Tensor):
        output, attention, values = ctx.saved_tensors
        gain = (gradient.flatten(2, 3) @ values.transpose(2, 3)).view_as(attention)
        gain = gain - (gradient * output).sum(-1, keepdim=True)
        return gradient, (attention * gain).sum((2, 3)), None, None
