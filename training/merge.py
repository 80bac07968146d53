"""Merging on eviction: what leaves joins the slot that is most like it, as far as a learned gate lets it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .cache import Slots
from .model import Config, Model
from .parts import Fusion
from .score import ATTENTION_FLOOR, HORIZON, pool
from .select import Choice

# Where cosine and log age lie in the middle, so that the constant means something.
COSINE, AGE = 0.7, 5.0
# Bounds of log gate, and the gate that counts as closed.
LEAST, MOST = -12.0, 1.0
CLOSED = 1 / 64
# Features of the gate.
FEATURES = 6
# How many of those that stay, on either side, a slot can join; more is hardly better.
REACH = 10


class Merging(Fusion):
    """No slot is set aside: every slot that stays can stand for what left near it.

    A slot i that leaves joins m: of those that stay, sinks apart, up to `REACH` on either side, the one whose key is most
    alike where both are seen:
        m(i) = argmax over m of cos(R k_i, R k_m)
        log g_i = w · (1, log a_i, log a_m, log max of a around i, cos − 0.7, log age_i − 5)
    with a the mean attention of the last block. By g = a_i / a_m, which w starts near, m would weigh as both did. With
    masses s, and w_i = min(s_m g_i, s_i), so that no token ever counts for more than one:
        s'_m = s_m + Σ w_i;  V'_m = (s_m V_m + Σ w_i V_i) / s'_m
    and log s' on the attention logit. The key stays as it is: keys that are alike where they are seen are not, turned back,
    and a mixture of them is like neither. Gates below 1/64 are 0: with all closed it is plain eviction. Nothing joins a slot
    that is older than `HORIZON`: masses that grow on and on make old slots too loud.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        start = torch.tensor([0.2, 1.0, 1.0, 1.0, 1.0, 1.0]).log() + torch.tensor([0.0, 1.0, -1.0, 0.0, 0.0, 0.0])
        self.gate = nn.Parameter(start.expand(config.layers, config.kv_heads, FEATURES).clone())

    def merge(self, model: Model, layer: int, slots: Slots, choice: Choice, sinks: int) -> Slots:
        """The slots, those that stay with what joined them."""
        leaving = choice.candidates & ~choice.kept
        count = int(leaving.sum(-1).max())
        if count == 0:
            return slots
        # [B, H, count]: what leaves, and whether it is not just there because other heads lose more.
        index = torch.where(leaving, torch.arange(slots.total), -1).topk(count, -1).values
        there, index = index >= 0, index.clamp(min=0)
        target, cosine = self._targets(model, slots, choice, index, sinks)
        there = there & (slots.seen - slots.token.gather(2, target) <= HORIZON)
        gate = self._gate(layer, slots, choice, index, target, cosine) * there
        weight = torch.minimum(gate * slots.mass.gather(2, target), slots.mass.gather(2, index))
        mass = slots.mass.scatter_add(2, target, weight)
        wide = lambda where: where[..., None].expand(-1, -1, -1, slots.values.shape[-1])
        joined = slots.values.gather(2, wide(index)) * weight[..., None]
        values = (slots.values * slots.mass[..., None]).scatter_add(2, wide(target), joined) / mass[..., None]
        return Slots(slots.keys, values, slots.token, slots.position, mass, slots.live, slots.fused)

    def _targets(self, model: Model, slots: Slots, choice: Choice, index: Tensor, sinks: int) -> tuple[Tensor, Tensor]:
        """[B, H, count]: where each of `index` would go, and how alike they are."""
        with torch.no_grad():
            keys = F.normalize(model.rotate(slots.keys, slots.position), dim=-1)
            able = choice.kept & (slots.index() >= sinks)
            wide = index[..., None].expand(-1, -1, -1, keys.shape[-1])
            alike = keys.gather(2, wide) @ keys.transpose(2, 3)
            place = able.int().cumsum(-1, dtype=torch.int32)
            distance = place[:, :, None, :] - place.gather(2, index)[..., None]
            far = (distance <= -REACH) | (distance > REACH) | ~able[:, :, None, :]
            best = alike.masked_fill(far, -2).max(-1)
        return best.indices, best.values

    def _gate(
        self, layer: int, slots: Slots, choice: Choice, index: Tensor, target: Tensor, cosine: Tensor
    ) -> Tensor:
        log = lambda attention: (attention + ATTENTION_FLOOR).log()
        own, around = log(choice.attention), log(pool(choice.attention))
        age = (slots.seen - slots.token.gather(2, index)).clamp(min=1).float().log()
        own, others, around = own.gather(2, index), own.gather(2, target), around.gather(2, index)
        features = torch.stack((torch.ones_like(own), own, others, around, cosine - COSINE, age - AGE), -1)
        gate = torch.einsum("bhsf,hf->bhs", features, self.gate[layer]).clamp(LEAST, MOST).exp()
        return gate * (gate >= CLOSED)
