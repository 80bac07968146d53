"""Fused slots: what becomes of the slots that do not stay.

A fusion tells how many of a unit's free slots, those beside sinks and recent, hold mixtures (`counts`) and computes
them (`fresh`). Both forms here mix with convex weights, keys as they came, and seat a mixture where its heaviest member
sat, as a `Plan` wants it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .cache import Fresh, Slots
from .merge import Merging
from .model import Config
from .parts import Fusion
from .select import Choice

_FAR = -1e9


class GatedFusion(Fusion):
    """A few slots that remember, each, a running weighted mean of what was evicted near it.

    g_i = exp(c0 + c1·text_i + c2·chat_i + w·k_i): how much of token i is remembered, by its scores (which know its
    neighbours' attention) and its key. α_im = softmax over slots m of τ·cos(P k_i, P K_m). Then
        mass'_m = σ(δ)·mass_m + Σ_i α_im·g_i
        K'_m = (σ(δ)·mass_m·K_m + Σ_i α_im·g_i·k_i) / mass'_m, and V' alike,
    with log mass' on the attention logit. A unit's first mixtures are of consecutive runs of what leaves.
    """

    def __init__(self, config: Config, most: int = 8, rank: int = 16, seed: int = 0) -> None:
        super().__init__()
        self.most = most
        generator = torch.Generator().manual_seed(seed)
        units, d = (config.layers, config.kv_heads), config.head_dim
        self.project = nn.Parameter(torch.randn(*units, d, rank, generator=generator) / d**0.5)
        self.temperature = nn.Parameter(torch.full(units, 10.0).log())
        self.gate_key = nn.Parameter(torch.zeros(*units, d))
        # Constant, text, chat.
        self.gate = nn.Parameter(torch.tensor([0.0, 0.25, 0.0]).expand(*units, 3).clone())
        self.decay = nn.Parameter(torch.full(units, 4.0))

    def counts(self, free: Tensor) -> Tensor:
        """A quarter of what is free, at most `most`."""
        return (free // 4).clamp(0, self.most)

    def fresh(self, layer: int, slots: Slots, choice: Choice, counts: Tensor, sinks: int) -> Fresh:
        leaving = choice.candidates & ~choice.kept
        gate = self._gate(layer, slots, choice).masked_fill(~leaving, 0)
        most = int(counts.max())
        before = fused_before(slots, most, sinks)
        nearest = self._nearest(layer, slots.keys, before, counts, most)
        share = torch.where((slots.fused == 0)[:, None, None], _runs(leaving, counts, most), nearest)
        weight = share * gate[..., None]
        old = before.mass * torch.sigmoid(self.decay[layer])[:, None] * (before.token >= 0)
        mass = old + weight.sum(2)
        mix = lambda old_values, values: (
            old_values * old[..., None] + torch.einsum("bhsm,bhsd->bhmd", weight, values)
        ) / mass[..., None].clamp(min=1e-9)
        heaviest = torch.cat((old[..., None, :], weight), 2).argmax(2)
        token = torch.where(
            heaviest == 0, before.token, slots.token.gather(2, (heaviest - 1).clamp(min=0))
        )
        return Fresh(mix(before.keys, slots.keys), mix(before.values, slots.values), token, mass.clamp(min=1e-9), counts)

    def _gate(self, layer: int, slots: Slots, choice: Choice) -> Tensor:
        constant, by_text, by_chat = self.gate[layer].unbind(-1)
        worth = torch.einsum("bhsd,hd->bhs", slots.keys, self.gate_key[layer])
        worth = worth + by_text[:, None] * choice.text + by_chat[:, None] * choice.chat + constant[:, None]
        return worth.clamp(-12, 4).exp()

    def _nearest(self, layer: int, keys: Tensor, before: Fresh, counts: Tensor, most: int) -> Tensor:
        """α [B, H, S, M]."""
        direction = lambda k: F.normalize(torch.einsum("bhsd,hdr->bhsr", k, self.project[layer]), dim=-1)
        alike = direction(keys) @ direction(before.keys).transpose(2, 3)
        alike = alike * self.temperature[layer].exp()[:, None, None]
        empty = torch.arange(most) < most - counts[:, None]
        return alike.masked_fill(empty[:, None, :], _FAR).softmax(-1) * ~empty[:, None, :]


def fused_before(slots: Slots, most: int, sinks: int) -> Fresh:
    """The fused slots of a layer, right-aligned in `most` places; mass 0 and token −1 where there is none."""
    place = torch.arange(most) - (most - slots.fused[:, None])
    index = (slots.total - slots.live[:, None] + sinks + place).clamp(0, slots.total - 1)
    index = index.expand(slots.token.shape[0], -1, -1)
    wide = index[..., None].expand(-1, -1, -1, slots.keys.shape[-1])
    return Fresh(
        slots.keys.gather(2, wide),
        slots.values.gather(2, wide),
        torch.where(place >= 0, slots.token.gather(2, index), -1),
        torch.where(place >= 0, slots.mass.gather(2, index), 0),
        slots.fused,
    )


def _runs(leaving: Tensor, counts: Tensor, most: int) -> Tensor:
    """[B, H, S, M]: one-hot, consecutive runs of what leaves, right-aligned."""
    place = leaving.long().cumsum(-1) - 1
    total = leaving.sum(-1, keepdim=True).clamp(min=1)
    run = place * counts[:, None] // total + (most - counts)[:, None]
    return F.one_hot(run.clamp(0, most - 1), most).float() * leaving[..., None]


class ConvFusion(Fusion):
    """LoCoCo's own form (arXiv 2406.05317, section 3.2, and its released code).

    X = [K; V] of the slots that are not kept, in temporal order; Z = relu(conv1d(X)), one channel for each fused slot;
    W = (1 − λ)·R + λ·softmax(Z over slots), R the one-hot rows of the best by attention in the newest block;
    K' = W·K, V' = W·V. Nothing is added to attention logits. Unlike there, keys are mixed as they came, sinks and
    recent tokens always stay, weights start small (at N(0, 1) the softmax is one-hot on random tokens), and λ at 0.1.
    """

    def __init__(self, config: Config, rows: int, kernel: int = 21, seed: int = 0) -> None:
        super().__init__()
        self.rows = rows
        self.kernel = kernel
        generator = torch.Generator().manual_seed(seed)
        shape = (config.layers, rows, 2 * config.head_dim, kernel)
        self.weight = nn.Parameter(torch.randn(shape, generator=generator) * 0.02)
        self.bias = nn.Parameter(torch.zeros(config.layers, rows))
        self.blend = nn.Parameter(torch.full((config.layers,), 0.1))

    def counts(self, free: Tensor) -> Tensor:
        """`rows`, or half of what is free where a unit is small."""
        return (free // 2).clamp(0, self.rows)

    def fresh(self, layer: int, slots: Slots, choice: Choice, counts: Tensor, sinks: int) -> Fresh:
        rest = choice.candidates & ~choice.kept
        index, held = slots.index(), slots.fused[:, None]
        rest = rest | ((index >= sinks) & (index < sinks + held))
        most, widest = int(counts.max()), int(rest.sum(-1).max())
        order = torch.where(rest, torch.arange(slots.total), -1).topk(widest, -1).values.flip(-1)
        there, order = order >= 0, order.clamp(min=0)
        wide = order[..., None].expand(-1, -1, -1, slots.keys.shape[-1])
        keys, values = (part.gather(2, wide) * there[..., None] for part in (slots.keys, slots.values))
        weight = self._weight(layer, keys, values, there, choice.attention.gather(2, order), counts, most)
        token = slots.token.gather(2, order).gather(2, weight.argmax(-1))
        return Fresh(weight @ keys, weight @ values, token, torch.ones(token.shape), counts)

    def _weight(
        self, layer: int, keys: Tensor, values: Tensor, there: Tensor, attention: Tensor, counts: Tensor, most: int
    ) -> Tensor:
        """W [B, H, M, E]."""
        batch, heads, count, _ = keys.shape
        x = torch.cat((keys, values), -1).flatten(0, 1).transpose(1, 2)
        z = F.conv1d(x, self.weight[layer], self.bias[layer], padding=self.kernel // 2).relu()
        soft = z[:, -most:].unflatten(0, (batch, heads)).masked_fill(~there[:, :, None], _FAR).softmax(-1)
        best = attention.masked_fill(~there, -1).topk(min(most, count), -1).indices
        place = torch.arange(best.shape[-1])
        # Heads with fewer rows take fewer of the best, right-aligned.
        best = torch.where(place < counts[:, None], best, -1).sort(-1).values
        hard = F.one_hot(best.clamp(min=0), count).float()
        hard = F.pad(hard, (0, 0, most - hard.shape[2], 0))
        return (1 - self.blend[layer]) * hard + self.blend[layer] * soft


def make_fusion(name: str, config: Config, seed: int) -> Fusion | None:
    """"none", "merge", "gated" or "conv"."""
    makers = {
        "none": lambda: None,
        "merge": lambda: Merging(config),
        "gated": lambda: GatedFusion(config, seed=seed),
        "conv": lambda: ConvFusion(config, rows=32, seed=seed),
    }
    return makers[name]()
