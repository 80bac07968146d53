"""forward_sliding.safetensors: distributions under a cache that keeps sinks and the newest.

700 `tokens` (u16; the first texts of forward_kl, joined) go through a cache of 64 slots with 4
sinks and blocks of 16; slots.py has the rule. Recorded are the last 128 tokens under two feeds:
`prefill`, chunks of 16 to the end, and `decode`, chunks of 16 but for the last 128 tokens, which
come one by one. Each has, as in forward_kl, `<feed>.ids` and `<feed>.logprobs` [128, 64] and
`<feed>.rest` [128]. `about` holds `sinks`, `slots`, `block` and `first`, the index of the first
token recorded.

Before anything is written, the simulator is checked against transformers' own forward, with and
without eviction.
"""

from pathlib import Path

import numpy as np
import torch
from reference import top_logprobs, write_tensors
from slots import SlotCache, stream, stream_transformers

TOKENS, SCORED = 700, 128
SINKS, SLOTS, BLOCK = 4, 64, 16


def record(model, tokens: list[int], info: dict, path: Path) -> None:
    ids = torch.tensor(tokens[:TOKENS])
    check(model, ids[:160], slots=1024)
    check(model, ids[:160], slots=SLOTS)
    first = TOKENS - SCORED
    feeds = {"prefill": chunks(TOKENS), "decode": chunks(first) + [1] * SCORED}
    tensors = {"tokens": ids.numpy().astype(np.uint16)}
    for name, feed in feeds.items():
        logits = stream(model, SlotCache(SINKS, SLOTS, BLOCK), ids, feed)
        for key, values in top_logprobs(logits[first:]).items():
            tensors[f"{name}.{key}"] = values
    rule = {"sinks": SINKS, "slots": SLOTS, "block": BLOCK, "first": first}
    write_tensors(path, tensors, {**info, **rule})


def chunks(count: int) -> list[int]:
    """`count` cut into blocks, the last one shorter."""
    return [min(BLOCK, count - start) for start in range(0, count, BLOCK)]


def check(model, ids: torch.Tensor, slots: int) -> None:
    """Raises where the simulator and transformers disagree."""
    feed = chunks(len(ids) - BLOCK) + [1] * BLOCK
    ours = stream(model, SlotCache(SINKS, slots, BLOCK), ids, feed)
    theirs = stream_transformers(model, SlotCache(SINKS, slots, BLOCK), ids, feed)
    worst = (ours - theirs).abs().max().item()
    print(f"{slots} slots: logits of simulator and transformers differ by {worst:.1e} at most")
    if worst > 1e-3:
        raise AssertionError("Cannot record the sliding cache: the simulator is wrong")
