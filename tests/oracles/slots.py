"""A Llama model that sees its past through a cache of a fixed number of slots.

The rule is that of StreamingLLM (Xiao et al., 2024, https://arxiv.org/abs/2309.17453): the first
`sinks` tokens and the newest ones stay, everything between them is dropped, and a token's position
is its index in the cache, not in the text. So keys are held un-rotated and rotated whenever they
are read.

Tokens arrive in chunks of at most `block`. If a chunk would bring the cache above
`slots + block`, the cache is first cut to `slots`: the first `sinks` and the newest
`slots - sinks`. Then the chunk is appended; each of its tokens attends to the whole cache and,
causally, to its chunk.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from transformers import DynamicCache, LlamaForCausalLM


@dataclass
class SlotCache:
    sinks: int
    slots: int
    block: int
    keys: dict[int, torch.Tensor] = field(default_factory=dict)  # [kvHead, live, headDim]
    values: dict[int, torch.Tensor] = field(default_factory=dict)  # [kvHead, live, headDim]
    live: int = 0

    def kept(self, count: int) -> torch.Tensor | None:
        """Indices that stay when `count` tokens are to come; None if all do."""
        if count > self.block:
            raise ValueError(f"Cannot append {count} tokens: a block has {self.block}")
        if self.live + count <= self.slots + self.block:
            return None
        newest = self.slots - self.sinks
        return torch.cat(
            [torch.arange(self.sinks), torch.arange(self.live - newest, self.live)]
        )

    def make_room(self, count: int) -> None:
        kept = self.kept(count)
        if kept is None:
            return
        for layer in self.keys:
            self.keys[layer] = self.keys[layer][:, kept]
            self.values[layer] = self.values[layer][:, kept]
        self.live = len(kept)

    def append(self, layer: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        if layer in self.keys:
            keys = torch.cat([self.keys[layer], keys], dim=1)
            values = torch.cat([self.values[layer], values], dim=1)
        self.keys[layer], self.values[layer] = keys, values


def rotate(x: torch.Tensor, positions: torch.Tensor, base: float) -> torch.Tensor:
    """Rotary embedding of `x` [head, token, headDim]; value i turns with value i + headDim / 2."""
    half = x.shape[-1] // 2
    frequencies = base ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = positions.double()[:, None] * frequencies
    cos, sin = angles.cos().float(), angles.sin().float()
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


@torch.no_grad()
def forward(model: LlamaForCausalLM, cache: SlotCache, tokens: torch.Tensor) -> torch.Tensor:
    """Feeds `tokens` [count] and returns their logits [count, vocab]."""
    count = len(tokens)
    cache.make_room(count)
    total = cache.live + count
    # May query i, at cache.live + i, look at slot j?
    visible = torch.arange(total) <= cache.live + torch.arange(count)[:, None]
    x = model.model.embed_tokens(tokens)
    for index, layer in enumerate(model.model.layers):
        x = x + attention(model, cache, index, layer.input_layernorm(x), visible)
        x = x + layer.mlp(layer.post_attention_layernorm(x))
    cache.live = total
    return model.lm_head(model.model.norm(x))


def attention(model, cache: SlotCache, index: int, x: torch.Tensor, visible: torch.Tensor):
    """Attention of layer `index` for `x` [count, hidden], which joins the cache."""
    config, part = model.config, model.model.layers[index].self_attn
    base = config.rope_parameters["rope_theta"]

    def heads(y: torch.Tensor) -> torch.Tensor:  # [count, heads * headDim] -> [head, count, headDim]
        return y.view(len(x), -1, config.head_dim).transpose(0, 1)

    cache.append(index, heads(part.k_proj(x)), heads(part.v_proj(x)))
    groups = config.num_attention_heads // config.num_key_value_heads
    keys = rotate(cache.keys[index], torch.arange(cache.live + len(x)), base)
    keys = keys.repeat_interleave(groups, dim=0)  # [head, slot, headDim]
    values = cache.values[index].repeat_interleave(groups, dim=0)
    queries = rotate(heads(part.q_proj(x)), cache.live + torch.arange(len(x)), base)
    scores = queries @ keys.transpose(1, 2) / config.head_dim**0.5
    weights = F.softmax(scores.masked_fill(~visible, -torch.inf), dim=-1)
    return part.o_proj((weights @ values).transpose(0, 1).reshape(len(x), -1))


def stream(model, cache: SlotCache, tokens: torch.Tensor, chunks: list[int]) -> torch.Tensor:
    """Logits [token, vocab] of `tokens`, fed in pieces of the given lengths."""
    pieces = tokens.split(chunks)
    return torch.cat([forward(model, cache, piece) for piece in pieces])


@torch.no_grad()
def stream_transformers(
    model, shape: SlotCache, tokens: torch.Tensor, chunks: list[int]
) -> torch.Tensor:
    """The same as stream() by transformers' own forward, as a check of it.

    transformers holds keys rotated, so those that move are turned back by the distance they move.
    `shape` only says what is kept.
    """
    cache, logits = DynamicCache(config=model.config), []
    base = model.config.rope_parameters["rope_theta"]
    for piece in tokens.split(chunks):
        shape.live = cache.get_seq_length()
        kept = shape.kept(len(piece))
        if kept is not None:
            moved = torch.arange(len(kept)) - kept
            for layer in cache.layers:
                layer.keys = rotate(layer.keys[0][:, kept], moved, base)[None]
                layer.values = layer.values[:, :, kept]
        logits.append(model(piece[None], past_key_values=cache).logits[0])
    return torch.cat(logits)
