"""Which slots stay: the choice by two scores, and a gradient through it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .cache import Slots
from .options import Options
from .score import HORIZON, dynamic_features

# By how much the text score falls with each unit of log age beyond the horizon.
FALL = 4.0
# How far from the threshold, in units of log importance, a slot's fate counts as open.
SOFTNESS = 0.5


@dataclass
class Choice:
    """Of a compaction of one layer."""

    kept: Tensor  # [B, H, S]: sinks, recent and the best of the others; no fused slots
    text: Tensor  # [B, H, S] scores
    chat: Tensor
    candidates: Tensor  # [H, S]: what could be evicted
    margin: Tensor  # [B, H, S]: how far above what would be evicted, by the kinder of the two scores
    attention: Tensor  # [B, H, S]: mean over the block

    @property
    def narrowest(self) -> float:
        """How near to a threshold a candidate came."""
        margins = self.margin.detach().masked_fill(~self.candidates, 1e9).abs()
        return float(margins.min())


def scores(keys: Tensor, attention: Tensor, age: Tensor, weights: Tensor) -> Tensor:
    """[B, H, S] of a layer: weights [H, D + 5] in the order of `features`."""
    width = keys.shape[-1]
    score = torch.einsum("bhsd,hd->bhs", keys, weights[:, :width])
    moving = dynamic_features(attention, age)
    score = score + torch.einsum("bhsf,hf->bhs", moving, weights[:, width : width + 3])
    return score + weights[:, None, width + 3] * keys.norm(dim=-1) + weights[:, None, width + 4]


def choose(
    slots: Slots, attention: Tensor, text: Tensor, chat: Tensor, sizes: Tensor, fused: Tensor, share: float, options: Options
) -> Choice:
    """What stays of a layer. `attention` [B, H, S]: mean over the block; `sizes`, `fused` [H]; weights [H, D + 5].

    `fused` of the `sizes` are for fused slots. Of the rest, less sinks and recent, the best `share` go by the
    chat score, what remains by the text score, which falls with age beyond `HORIZON`: of all slots of a long dialogue
    those live on whose worth is foreseen too high. A unit that does not overflow keeps all.
    """
    index, live = slots.index(), slots.live[:, None]
    held = torch.where(slots.live > sizes, slots.fused, 0)[:, None]
    candidates = (index >= options.sinks + slots.fused[:, None]) & (index < live - options.recent)
    age = (slots.seen - slots.token).clamp(min=1).float()
    attention = attention.masked_fill(~slots.filled(), 0)
    by_text, by_chat = (scores(slots.keys, attention, age, weights) for weights in (text, chat))
    by_text = by_text - FALL * (age / HORIZON).log().clamp(min=0)

    free = (sizes - options.sinks - options.recent - fused).clamp(min=0)
    first = (share * free.double()).floor().long()
    chat_best, chat_margin = _best(by_chat, candidates, first)
    rest = candidates & ~chat_best
    text_best, text_margin = _best(by_text, rest, free - first)
    fits = (slots.live <= sizes)[:, None]
    protected = slots.filled() & ~candidates & ~((index >= options.sinks) & (index < options.sinks + held))
    kept = chat_best | text_best | protected | (fits & slots.filled())
    margin = torch.maximum(torch.where(rest, text_margin, -1e9), torch.where(candidates, chat_margin, -1e9))
    return Choice(kept, by_text, by_chat, candidates & ~fits, margin, attention)


def _best(score: Tensor, among: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    """The best `count` [H] of each unit, and how far each is above the threshold [B, H, S]."""
    ranked = score.detach().masked_fill(~among, -torch.inf)
    # Newest first among equals, as the engine has it.
    order = torch.sort(ranked.flip(-1), dim=-1, descending=True, stable=True).indices
    order = score.shape[-1] - 1 - order
    rank = torch.empty_like(order).scatter_(-1, order, torch.arange(score.shape[-1]).expand_as(order))
    best = (rank < count[:, None]) & among
    at = lambda place: ranked.gather(-1, order).gather(
        -1, place.clamp(0, score.shape[-1] - 1)[None, :, None].expand(score.shape[0], -1, 1)
    )
    inside, outside = at(count - 1), at(count)
    threshold = torch.where(outside.isfinite(), (inside + outside) / 2, inside)
    margin = score - torch.where(threshold.isfinite() & (count > 0)[:, None], threshold, 1e9)
    return best, margin


class _Gate(torch.autograd.Function):
    """Kept or not, as a number; backward, as if it were a soft choice of as many."""

    @staticmethod
    def forward(ctx, margin: Tensor, kept: Tensor, open_: Tensor) -> Tensor:
        soft = torch.sigmoid(margin / SOFTNESS)
        ctx.save_for_backward(torch.where(open_, soft * (1 - soft) / SOFTNESS, 0))
        return kept.float()

    @staticmethod
    def backward(ctx, gradient: Tensor):
        (slope,) = ctx.saved_tensors
        mean = (slope * gradient).sum(-1, keepdim=True) / slope.sum(-1, keepdim=True).clamp(min=1e-6)
        return slope * (gradient - mean), None, None


def gates(choice: Choice) -> Tensor:
    """[B, H, S]: 1 for slots that stay and 0 for others, with a gradient to the scores of those near the threshold."""
    return _Gate.apply(choice.margin, choice.kept, choice.candidates.expand_as(choice.kept))
