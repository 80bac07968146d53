"""The slot cache of the engine, for several sequences at once.

Every layer and key/value head (a unit) holds as many slots as its size says, and a block more while a block is
read; all sequences of a batch hold equally many. Units of a layer lie in one tensor, the smaller ones with empty
slots in front: [empty | sinks | fused | kept | recent].
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .model import Config


@dataclass
class Slots:
    """A layer's slots; B sequences, H heads, S slots of the largest head."""

    keys: Tensor  # [B, H, S, D] as they came, not rotated
    values: Tensor  # [B, H, S, D]
    token: Tensor  # [B, H, S] place in the sequence
    position: Tensor  # [B, H, S] where the slot is seen
    mass: Tensor  # [B, H, S] tokens that it counts for
    live: Tensor  # [H] slots that are not empty
    fused: Tensor  # [H] how many of them, after the sinks, are fused

    @property
    def total(self) -> int:
        return self.keys.shape[2]

    @property
    def seen(self) -> Tensor:
        """Tokens read so far."""
        return self.token[0, 0, -1] + 1

    def filled(self) -> Tensor:
        """[H, S]: which slots are not empty."""
        return torch.arange(self.total) >= self.total - self.live[:, None]

    def index(self) -> Tensor:
        """[H, S]: place within the unit's own slots, from 0; negative for empty ones."""
        return torch.arange(self.total) - (self.total - self.live[:, None])

    def append(self, keys: Tensor, values: Tensor, first: int) -> "Slots":
        """With n new tokens, the first of which is the `first` of the sequence."""
        count = keys.shape[2]
        place = torch.arange(first, first + count).expand(keys.shape[:3])
        return Slots(
            torch.cat((self.keys, keys), 2),
            torch.cat((self.values, values), 2),
            torch.cat((self.token, place), 2),
            torch.cat((self.position, place), 2),
            torch.cat((self.mass, torch.ones(keys.shape[:3])), 2),
            self.live + count,
            self.fused,
        )

    def detach(self) -> "Slots":
        """Cut off from the blocks that it came from."""
        return Slots(
            self.keys.detach(), self.values.detach(), self.token, self.position, self.mass.detach(), self.live, self.fused
        )

    def rows(self, index: Tensor) -> "Slots":
        """The sequences `index` of the batch."""
        parts = (self.keys, self.values, self.token, self.position, self.mass)
        return Slots(*(part[index] for part in parts), self.live, self.fused)


@dataclass
class Cache:
    """All layers' slots, and how many tokens went through them."""

    layers: list[Slots]
    seen: int = 0

    @classmethod
    def empty(cls, config: Config, batch: int) -> "Cache":
        shape = (batch, config.kv_heads, 0)
        values, whole = torch.zeros(*shape, config.head_dim), torch.zeros(shape, dtype=torch.long)
        none = torch.zeros(config.kv_heads, dtype=torch.long)
        make = lambda: Slots(values, values, whole, whole, torch.ones(shape), none, none)
        return cls([make() for _ in range(config.layers)])

    def detach(self) -> None:
        self.layers = [slots.detach() for slots in self.layers]

    def rows(self, index: Tensor) -> "Cache":
        """A cache of the sequences `index`, that goes its own way."""
        return Cache([slots.rows(index) for slots in self.layers], self.seen)


@dataclass
class Fresh:
    """What takes the place of the fused slots of a layer; M of them in the largest head, the last ones in others."""

    keys: Tensor  # [B, H, M, D]
    values: Tensor  # [B, H, M, D]
    token: Tensor  # [B, H, M]
    mass: Tensor  # [B, H, M]
    count: Tensor  # [H]


def rebuild(slots: Slots, kept: Tensor, fresh: Fresh | None, sinks: int, seen: int, far: int) -> Slots:
    """The slots `kept` [B, H, S], with `fresh` ones after the sinks, seen at capped-true positions.

    Capped-true: the true distance from the next token, but never more than `far` beyond the rank from the end.
    """
    heads = slots.live.shape[0]
    if fresh is None:
        fresh = Fresh(
            slots.keys[:, :, :0], slots.values[:, :, :0], slots.token[:, :, :0], slots.mass[:, :, :0], torch.zeros(heads)
        )
    count = fresh.count.long()
    live = kept[0].sum(-1) + count
    order = _order(slots, kept, fresh, sinks)
    best = order.topk(int(live.max()), -1).indices
    chosen = best.gather(-1, order.gather(-1, best).argsort(-1))
    pick = lambda old, new: torch.cat((old, new), 2).gather(2, chosen)
    wide = chosen[..., None].expand(-1, -1, -1, slots.keys.shape[-1])
    token = pick(slots.token, fresh.token)
    total = token.shape[2]
    # Rank from the end: 1 for the newest slot.
    rank = total - torch.arange(total)
    return Slots(
        torch.cat((slots.keys, fresh.keys), 2).gather(2, wide),
        torch.cat((slots.values, fresh.values), 2).gather(2, wide),
        token,
        seen - torch.minimum(seen - token, rank + far),
        pick(slots.mass, fresh.mass),
        live,
        count,
    )


def _order(slots: Slots, kept: Tensor, fresh: Fresh, sinks: int) -> Tensor:
    """[B, H, S + M]: ascending in the new order; -1 for what is not to be there."""
    batch, heads, total = kept.shape
    order = torch.arange(total, dtype=torch.float32).expand(batch, heads, total)
    order = torch.where(kept, order, -1.0)
    most = fresh.keys.shape[2]
    place = torch.arange(most) - (most - fresh.count[:, None])
    start = (total - slots.live + sinks).float()[:, None]
    between = start - 1 + (place + 1) / (most + 1)
    between = torch.where(place >= 0, between, -1.0)
    return torch.cat((order, between.expand(batch, heads, most)), -1)
