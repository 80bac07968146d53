"""The score: ridge regression of what tokens are worth to the loss, on what is known of them at a compaction.

For each layer and key/value head, log(importance in all later blocks) is explained by the features of
`features()`. Rows are centred within a compaction, because only the order within it matters. The sums
that the regression needs are gathered sequence by sequence, so that no sequence is stored.
"""

from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from .gradients import Attended
from .importance import importance_by_block
from .options import Options

ATTENTION_FLOOR = 1e-4
# The age in tokens up to which learned parts are trusted: twice the length of the sequences that they are tuned on.
HORIZON = 2560
POOL = 7
# Neighbours on either side whose attention was tried.
TAPS = 3
# What importance is compared with, as a share of its mean in the unit: what is far below is all alike.
FLOORS = (1e-3, 1e-2)


def pool(attention: Tensor, width: int = POOL) -> Tensor:
    """The largest among neighbours, [.., slots]."""
    lead = attention.shape[:-1]
    return F.max_pool1d(attention.reshape(-1, 1, attention.shape[-1]), width, 1, width // 2).view(*lead, -1)


def dynamic_features(attention: Tensor, age: Tensor) -> Tensor:
    """[.., slots, 3]: log attention, log of its maximum over neighbours, log age."""
    floor = lambda a: (a + ATTENTION_FLOOR).log()
    return torch.stack((floor(attention), floor(pool(attention)), age.log().expand_as(attention)), -1)


def features(keys: Tensor, attention: Tensor, age: Tensor) -> Tensor:
    """[.., slots, D + 5] of a unit's slots: key, the dynamic ones, length of the key, 1."""
    length = keys.norm(dim=-1, keepdim=True)
    return torch.cat((keys, dynamic_features(attention, age), length, torch.ones_like(length)), -1)


def beyond(width: int) -> dict[str, range]:
    """What was tried beyond the features of keys of `width` numbers: its columns in `extended`, by name."""
    sizes = {"the next token's key": width, "surprisal": 2, "a convolution over attention": 2 * TAPS}
    ends = list(accumulate(sizes.values(), initial=width + 5))
    return {name: range(*span) for name, span in zip(sizes, pairwise(ends))}


def extended(keys: Tensor, attention: Tensor, age: Tensor, surprisal: Tensor) -> Tensor:
    """[.., slots, 2·D + 7 + 2·TAPS]: `features`, then what was tried `beyond` them: the next token's key, the surprisal
    of the token and of the next, and log attention of the neighbours on either side."""
    following = torch.cat((keys[..., 1:, :], keys[..., -1:, :]), -2)
    later = torch.cat((surprisal[1:], surprisal[-1:]))
    told = torch.stack((surprisal, later), -1).expand(*keys.shape[:-1], 2)
    logs = F.pad((attention + ATTENTION_FLOOR).log(), (TAPS, TAPS), "replicate").unfold(-1, 2 * TAPS + 1, 1)
    around = torch.cat((logs[..., :TAPS], logs[..., TAPS + 1 :]), -1)
    return torch.cat((features(keys, attention, age), following, told, around), -1)


@dataclass
class Moments:
    """Sums over compactions, of rows centred within each: what ridge regression needs."""

    xx: Tensor  # [layers, kv_heads, F, F] f64
    xy: Tensor  # [floors, layers, kv_heads, F] f64
    yy: Tensor  # [floors, layers, kv_heads] f64
    rows: int = 0

    @classmethod
    def zero(cls, layers: int, heads: int, width: int) -> "Moments":
        zeros = lambda *shape: torch.zeros(*shape, dtype=torch.float64)
        floors = len(FLOORS)
        return cls(
            zeros(layers, heads, width, width), zeros(floors, layers, heads, width), zeros(floors, layers, heads)
        )

    def add(self, layer: int, x: Tensor, y: Tensor) -> None:
        """x [H, rows, F] and y [floors, H, rows] of one compaction."""
        x = x - x.mean(1, keepdim=True)
        y = y - y.mean(-1, keepdim=True)
        self.xx[layer] += x.transpose(1, 2) @ x
        self.xy[:, layer] += torch.einsum("hrf,chr->chf", x, y)
        self.yy[:, layer] += y.square().sum(-1)
        self.rows += x.shape[1] if layer == 0 else 0

    def fit(self, floor: int, ridge: float, columns: Tensor) -> Tensor:
        """Weights [layers, kv_heads, columns]. Constant columns get 0."""
        xx = self.xx[:, :, columns][:, :, :, columns]
        penalty = ridge * torch.eye(len(columns), dtype=torch.float64)
        return torch.linalg.solve(xx + penalty, self.xy[floor][:, :, columns]).float()

    def explained(self, floor: int, weights: Tensor, columns: Tensor) -> float:
        """Share of the variance of y that `weights` explain, on average over units."""
        w = weights.double()
        xx, xy = self.xx[:, :, columns][:, :, :, columns], self.xy[floor][:, :, columns]
        left = self.yy[floor] - 2 * (w * xy).sum(-1) + torch.einsum("lhf,lhfg,lhg->lh", w, xx, w)
        return (1 - left / self.yy[floor]).mean().item()


def gather(
    moments: Moments, index: int, layer: Attended, scale: Tensor, surprisal: Tensor, options: Options, first: int
) -> None:
    """Adds a layer's part in a sequence. `scale` [H]: mean importance; only queries from `first` on have any."""
    block, tokens = options.block, layer.keys.shape[1]
    ends = range(options.least_tokens, tokens - block, options.every * block)
    attention: dict[int, Tensor] = {}
    importance: dict[int, Tensor] = {}
    for end, mean, worth in importance_by_block(layer, block, 0):
        attention[end] = mean
        importance[end] = worth if end > first else torch.zeros_like(worth)
    later = torch.zeros(layer.keys.shape[0], tokens)
    for end in sorted(importance, reverse=True):
        if end in ends:
            _add_compaction(moments, index, layer, later[:, :end], attention[end], scale, surprisal, options)
        later[:, :end] += importance[end]


def _add_compaction(
    moments: Moments,
    index: int,
    layer: Attended,
    later: Tensor,
    attention: Tensor,
    scale: Tensor,
    surprisal: Tensor,
    options: Options,
) -> None:
    end = attention.shape[1]
    candidates = slice(options.sinks, end - options.recent)
    age = (end - torch.arange(end)).float()
    x = extended(layer.keys[:, :end], attention, age, surprisal[:end])[:, candidates]
    relative = later[:, candidates] / scale[:, None]
    y = torch.stack([(relative + floor).log() for floor in FLOORS])
    moments.add(index, x, y)


def mean_importance(layer: Attended, options: Options, first: int) -> Tensor:
    """[H]: mean importance of a token for all later blocks, over tokens that can be evicted."""
    total = torch.zeros(layer.keys.shape[:2])
    for end, _, worth in importance_by_block(layer, options.block, first // options.block * options.block):
        total[:, : end - options.block] += worth[:, : end - options.block]
    return total[:, options.sinks :].mean(1)
