"""The model: the weights of a GGUF file, dequantised, and its forward pass with nothing evicted.

Values of a head stay in the order of the file, in which rotary positions turn neighbouring pairs: keys are then
the same numbers in the same places as in the engine, and weights learned on them need no reordering.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Config:
    """Sizes of a model of the llama architecture."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocab: int
    epsilon: float
    rope_base: float
    context: int

    @property
    def group(self) -> int:
        """Query heads that share a key/value head."""
        return self.heads // self.kv_heads


@dataclass
class Layer:
    """Weights of a layer; matrices [out, in] in the type that products are computed in, norms in f32."""

    attention_norm: Tensor
    qkv: Tensor
    output: Tensor
    ffn_norm: Tensor
    gate_up: Tensor
    down: Tensor


@dataclass
class Model:
    """A frozen model."""

    config: Config
    embedding: Tensor  # [vocab, hidden] f32
    head: Tensor  # [vocab, hidden]
    norm: Tensor  # [hidden] f32
    layers: list[Layer]
    sha256: str = ""
    cosines: Tensor = field(init=False)  # [positions, head_dim / 2]
    sines: Tensor = field(init=False)

    def __post_init__(self) -> None:
        c = self.config
        frequency = c.rope_base ** (-torch.arange(0, c.head_dim, 2).double() / c.head_dim)
        angle = torch.arange(c.context).double()[:, None] * frequency
        self.cosines, self.sines = angle.cos().float(), angle.sin().float()

    def project(self, layer: int, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries [B, heads, n, D], keys and values [B, kv_heads, n, D], not rotated, of x [B, n, hidden]."""
        c, weights = self.config, self.layers[layer]
        wide, narrow = c.heads * c.head_dim, c.kv_heads * c.head_dim
        qkv = linear(self.normalise(x, weights.attention_norm), weights.qkv)
        parts = qkv.split([wide, narrow, narrow], -1)
        return tuple(part.unflatten(-1, (-1, c.head_dim)).transpose(1, 2) for part in parts)

    def rest_of_layer(self, layer: int, x: Tensor, attended: Tensor) -> Tensor:
        """x after the output projection of `attended` [B, n, heads · D] and the feed-forward part."""
        weights = self.layers[layer]
        x = x + linear(attended, weights.output)
        gate, up = linear(self.normalise(x, weights.ffn_norm), weights.gate_up).chunk(2, -1)
        return x + linear(F.silu(gate) * up, weights.down)

    def logits(self, x: Tensor) -> Tensor:
        """[…, vocab] f32 of the last layer's output."""
        return linear(self.normalise(x, self.norm), self.head)

    def normalise(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.rms_norm(x, weight.shape, weight, self.config.epsilon)

    def rotate(self, x: Tensor, positions: Tensor) -> Tensor:
        """x [.., n, D] turned to `positions` [.., n]: (a, b) → (a·cos − b·sin, b·cos + a·sin)."""
        cos, sin = self.cosines[positions], self.sines[positions]
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)

    @torch.no_grad()
    def hidden_states(self, ids: Tensor) -> Tensor:
        """Output of the last layer [B, n, hidden] for ids [B, n], with nothing evicted."""
        x = self.embedding[ids]
        for layer in range(self.config.layers):
            q, k, v = self.project(layer, x)
            x = self.rest_of_layer(layer, x, merge_heads(self.attend(q, k, v)))
        return x

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Causal attention of all on all before; q, k not rotated. [B, heads, n, D]."""
        places = torch.arange(q.shape[2])
        q, k = self.rotate(q, places), self.rotate(k, places)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)


class _Linear(torch.autograd.Function):
    """x·Wᵀ with f32 outside and W's type inside; W gets no gradient."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor) -> Tensor:
        ctx.weight = weight
        return F.linear(x.to(weight.dtype), weight).float()

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return (gradient.to(ctx.weight.dtype) @ ctx.weight).float(), None


def linear(x: Tensor, weight: Tensor) -> Tensor:
    """x [.., in] times weight [out, in], f32."""
    return _Linear.apply(x, weight)


def merge_heads(x: Tensor) -> Tensor:
    """[B, heads, n, D] → [B, n, heads · D]."""
    return x.transpose(1, 2).flatten(2)


def load_model(path: Path, dtype: torch.dtype = torch.bfloat16) -> Model:
    """Reads a GGUF file.

    Raises ValueError if it is of another architecture than llama, or scales its rotary positions.
    """
    from gguf import GGUFReader
    from gguf.quants import dequantize

    reader = GGUFReader(str(path))
    tensors = {
        t.name: torch.from_numpy(np.array(dequantize(t.data, t.tensor_type), np.float32)) for t in reader.tensors
    }
    config = _read_config(path, reader, tensors["token_embd.weight"].shape[0])
    if "rope_freqs.weight" in tensors:
        raise ValueError(f"Cannot train for {path.name}: its rotary frequencies are scaled")

    def layer(index: int) -> Layer:
        get = lambda *names: torch.cat([tensors[f"blk.{index}.{name}.weight"] for name in names])
        return Layer(
            get("attn_norm"),
            get("attn_q", "attn_k", "attn_v").to(dtype),
            get("attn_output").to(dtype),
            get("ffn_norm"),
            get("ffn_gate", "ffn_up").to(dtype),
            get("ffn_down").to(dtype),
        )

    embedding = tensors["token_embd.weight"]
    head = tensors.get("output.weight", embedding).to(dtype)
    layers = [layer(index) for index in range(config.layers)]
    return Model(config, embedding, head, tensors["output_norm.weight"], layers, sha256_of(path))


def _read_config(path: Path, reader, vocab: int) -> Config:
    fields = reader.fields
    value = lambda key, otherwise=None: fields[key].contents() if key in fields else otherwise
    if value("general.architecture") != "llama":
        raise ValueError(f"Cannot train for {path.name}: its architecture is {value('general.architecture')}, not llama")
    if value("llama.rope.scaling.type", "none") != "none":
        raise ValueError(f"Cannot train for {path.name}: its rotary positions are scaled")
    hidden, heads = value("llama.embedding_length"), value("llama.attention.head_count")
    return Config(
        layers=value("llama.block_count"),
        hidden=hidden,
        heads=heads,
        kv_heads=value("llama.attention.head_count_kv", heads),
        head_dim=value("llama.attention.key_length", hidden // heads),
        ffn=value("llama.feed_forward_length"),
        vocab=vocab,
        epsilon=value("llama.attention.layer_norm_rms_epsilon", 1e-5),
        rope_base=value("llama.rope.freq_base", 10_000.0),
        context=value("llama.context_length"),
    )


def sha256_of(path: Path) -> str:
    """Of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def random_model(seed: int, layers: int = 2, hidden: int = 48, heads: int = 6, kv_heads: int = 2) -> Model:
    """A tiny model with random weights, for tests and `--smoke`. Its tokens are bytes."""
    config = Config(layers, hidden, heads, kv_heads, 16, 96, 256, 1e-5, 10_000.0, 4096)
    generator = torch.Generator().manual_seed(seed)
    normal = lambda rows, columns: torch.randn(rows, columns, generator=generator) * 1.5 / columns**0.5
    wide, narrow = heads * config.head_dim, kv_heads * config.head_dim
    embedding = normal(config.vocab, hidden) * 4

    def layer() -> Layer:
        return Layer(
            torch.ones(hidden),
            normal(wide + 2 * narrow, hidden),
            normal(hidden, wide),
            torch.ones(hidden),
            normal(2 * config.ffn, hidden),
            normal(hidden, config.ffn),
        )

    return Model(config, embedding, embedding, torch.ones(hidden), [layer() for _ in range(layers)], "random")
