"""Records the scores that kvpress' presses give to the keys of one attention layer.

    python tests/oracles/kvpress_scores.py --out tests/fixtures

kvpress (https://github.com/NVIDIA/kvpress) scores a prompt that was read at once: TOKENS random
hidden states go through transformers' own Llama attention (HEADS query heads in KV_HEADS groups,
HEAD_DIM wide, rotary positions 0 ...), and each press is asked for its raw scores, before anything
is pruned. It writes kvpress_scores.safetensors, all f32:

    queries          [head, token, headDim]    rotated
    keys             [kvHead, token, headDim]  rotated, as the presses see them
    keys.plain       [kvHead, token, headDim]  not rotated
    values           [kvHead, token, headDim]
    attention.first  [head, 32, 32]            of the first 32 queries to the first 32 keys
    attention.last   [head, 64, token]         of the last 64 queries to all keys
    NAME             [kvHead, token]           scores of a press; the higher, the sooner it is kept

Query i sees the keys 0 ... i; `attention` holds zeros where it sees nothing. The heads of a group
are neighbours: head h belongs to the group of KV head h // (HEADS // KV_HEADS).

With A[h, q, t] the attention, n = TOKENS and G the heads of a group, the presses compute:

    h2o            ObservedAttentionPress: mean over G of (sum over all q of A[h, q, t]) / (n - t);
                   n - t queries can see key t.
    snapkv.wW.kK   SnapKVPress of window_size W and kernel_size K. a[h, t] = mean of A[h, q, t] over
                   the last W queries, for the n - W keys before the window only; each query's
                   attention sums to 1 over all keys it sees, those of the window among them. Then
                   the *average* over K neighbours, zeros beyond both ends (so beyond the last key
                   before the window too) that count in the divisor K; then the mean over G. The
                   window itself gets the largest score of the whole layer plus 1. K = 1 does not
                   pool.
    tova           TOVAPress: mean over *all* heads of the last query's attention, the same for
                   every KV head; the last key gets the largest score plus 1.
    keydiff        KeyDiffPress: -cosine(k, m), m the mean over tokens of k / |k|, on rotated keys.
    keydiff.plain  the same press given the keys that are not rotated.
    streaming_llm  StreamingLLMPress of n_sink 4 and compression_ratio 1/2: 1 for the 4 sinks and
                   the newest keys, 0 for the n / 2 after the sinks. It is the choice itself.
    knorm          KnormPress: -|k|, which rotation does not change.

Where this product's scores of the same names depart from them:

    every method   sinks and the recent window are held by one rule outside the scores (selection),
                   so no score marks them; compare the other keys.
    h2o            the *sum* over G instead of the mean: G times the score, the same order. A slot
                   that was evicted no longer takes part in the softmax of later queries, while
                   kvpress sees every key to the end; without evictions the two agree.
    snapkv         the *maximum* over 7 neighbours instead of the average over 5, taken after the
                   mean over G and over all slots, so that the window's first keys pool with those
                   before them. So it is the maximum over neighbours of `.k1`, but for the three
                   keys next to the window.
    tova           the last key has its own attention as score.
    keydiff        1 - cosine: the same score plus 1. On keys as this product holds them: kvpress'
                   rotated ones or, where keys are held not rotated, `keydiff.plain`.
    streaming_llm  the index of the slot: the newer, the better; the same choice once the sinks are
                   held.
"""

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from kvpress import (
    KeyDiffPress,
    KnormPress,
    ObservedAttentionPress,
    SnapKVPress,
    StreamingLLMPress,
    TOVAPress,
)
from reference import versions, write_tensors
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import (
    LlamaAttention,
    LlamaRotaryEmbedding,
    apply_rotary_pos_emb,
)

SEED = 7
TOKENS, FIRST = 96, 32
HEADS, KV_HEADS, HEAD_DIM = 6, 2, 16
SINKS, RATIO = 4, 0.5
WINDOWS, KERNELS = (64, 32), (1, 5, 7)
SPREAD = 1.4  # of queries and keys, so that logits have a deviation of SPREAD**2


class Layer:
    """One attention layer of random weights over random hidden states."""

    @torch.no_grad()
    def __init__(self) -> None:
        torch.manual_seed(SEED)
        hidden = HEADS * HEAD_DIM
        config = LlamaConfig(
            hidden_size=hidden,
            num_attention_heads=HEADS,
            num_key_value_heads=KV_HEADS,
            head_dim=HEAD_DIM,
            attn_implementation="eager",
        )
        self.module = LlamaAttention(config, layer_idx=0).eval()
        for parameter in self.module.parameters():
            torch.nn.init.normal_(parameter, std=SPREAD / math.sqrt(hidden))
        self.hidden = torch.randn(1, TOKENS, hidden)
        self.rotary = LlamaRotaryEmbedding(config)(self.hidden, torch.arange(TOKENS)[None])
        queries, self.plain_keys, self.values = (
            part(self.hidden).view(1, TOKENS, -1, HEAD_DIM).transpose(1, 2)
            for part in (self.module.q_proj, self.module.k_proj, self.module.v_proj)
        )
        self.queries, self.keys = apply_rotary_pos_emb(queries, self.plain_keys, *self.rotary)
        mask = torch.full((TOKENS, TOKENS), -torch.inf).triu(1)[None, None]
        _, self.attention = self.module(self.hidden, self.rotary, mask)

    @torch.no_grad()
    def score(self, press, keys: torch.Tensor | None = None, attention=None) -> torch.Tensor:
        """Scores [kvHead, token] of a press."""
        keys = self.keys if keys is None else keys
        more = {"position_embeddings": self.rotary}
        scores = press.score(self.module, self.hidden, keys, self.values, attention, more)
        return scores[0]

    def score_observed(self, press) -> torch.Tensor:
        """The same from the layer's own attention, which must agree with what the press computes."""
        observed = self.score(press, attention=self.attention)
        if not torch.allclose(observed, self.score(press), atol=1e-6):
            raise AssertionError(f"Cannot record {press}: it sees another attention")
        return observed


def all_scores(layer: Layer) -> dict[str, torch.Tensor]:
    scores = {
        "h2o": layer.score(ObservedAttentionPress(), attention=layer.attention),
        "tova": layer.score_observed(TOVAPress()),
        "keydiff": layer.score(KeyDiffPress()),
        "keydiff.plain": layer.score(KeyDiffPress(), keys=layer.plain_keys),
        "streaming_llm": layer.score(StreamingLLMPress(RATIO, SINKS)),
        "knorm": layer.score(KnormPress()),
    }
    for window in WINDOWS:
        for kernel in KERNELS:
            press = SnapKVPress(window_size=window, kernel_size=kernel)
            scores[f"snapkv.w{window}.k{kernel}"] = layer.score_observed(press)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the fixtures")
    options = parser.parse_args()

    layer = Layer()
    attention = layer.attention[0]
    tensors = {
        "queries": layer.queries[0],
        "keys": layer.keys[0],
        "keys.plain": layer.plain_keys[0],
        "values": layer.values[0],
        "attention.first": attention[:, :FIRST, :FIRST],
        "attention.last": attention[:, FIRST:],
        **all_scores(layer),
    }
    info = {**versions("kvpress"), "sinks": SINKS, "compressionRatio": RATIO}
    arrays = {name: values.numpy().astype(np.float32) for name, values in tensors.items()}
    write_tensors(options.out / "kvpress_scores.safetensors", arrays, info)


if __name__ == "__main__":
    main()
