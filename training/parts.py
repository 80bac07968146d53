"""The learned parts of one model, as the simulator uses them."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .cache import Fresh, Slots
from .model import Config, Model
from .select import Choice


class Corrections(nn.Module):
    """Makes up for what is not in the cache; all of it is scaled by ρ, the evicted share, and 0 is no change."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        wide = config.heads * config.head_dim
        zeros = lambda *shape: nn.Parameter(torch.zeros(config.layers, *shape))
        self.od = zeros(wide)  # output · (1 + ρ·od)
        self.oc = zeros(wide)  # … + ρ·oc
        self.tp = zeros(config.heads)  # logits · (1 + ρ·tp)
        self.sb = zeros(config.heads)  # logit of the first sink + ρ·sb
        self.hb = zeros(config.heads)  # logits of slots between sinks and recent + ρ·hb


class Fusion(nn.Module):
    """What slots set aside for mixtures, or those that stay, take in of what leaves."""

    def counts(self, free: Tensor) -> Tensor:
        """How many of a unit's free slots [H] are set aside."""
        return torch.zeros_like(free)

    def fresh(self, layer: int, slots: Slots, choice: Choice, counts: Tensor, sinks: int) -> Fresh | None:
        """What comes into those."""
        return None

    def merge(self, model: Model, layer: int, slots: Slots, choice: Choice, sinks: int) -> Slots:
        """All slots, those that stay with what joined them."""
        return slots


@dataclass
class Parts:
    """What decides, for every unit, what stays. Weights are in the order of `score.features`."""

    sizes: Tensor  # [layers, kv_heads] whole slots
    text: Tensor  # [layers, kv_heads, D + 5]
    chat: Tensor  # [layers, kv_heads, D + 5]
    share: float
    corrections: Corrections | None = None
    fusion: Fusion | None = None

    def fused(self, layer: int, protected: int) -> Tensor:
        """[kv_heads] slots of each unit that hold mixtures; `protected` slots never do."""
        sizes = self.sizes[layer]
        return torch.zeros_like(sizes) if self.fusion is None else self.fusion.counts(sizes - protected)
