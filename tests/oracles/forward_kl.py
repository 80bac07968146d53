"""forward_kl.safetensors: distributions over ten texts of 256 tokens, each from an empty context.

    tokens    u16 [text, 256]
    ids       u16 [text, 256, 64]  the likeliest tokens to come after each token, likeliest first
    logprobs  f32 [text, 256, 64]  their log-probabilities (natural)
    rest      f32 [text, 256]      logarithm of the probability of all other tokens together

`about` holds the names of the texts and, for information, `llamaCpp`: how far llama.cpp's own
inference (8-bit activations) is from the reference.
"""

from pathlib import Path

import numpy as np
import torch
from llama_cpp_peer import Peer
from reference import top_logprobs, write_tensors

TOKENS = 256


def cut(texts: dict[str, list[int]]) -> dict[str, list[int]]:
    """The first TOKENS tokens of each text."""
    short = [name for name, tokens in texts.items() if len(tokens) < TOKENS]
    if short:
        raise ValueError(f"Cannot record texts: {short} have fewer than {TOKENS} tokens")
    return {name: tokens[:TOKENS] for name, tokens in texts.items()}


@torch.no_grad()
def record(model, peer: Peer, texts: dict[str, list[int]], info: dict, path: Path) -> None:
    rows, divergences, same = [], [], []
    for name, tokens in texts.items():
        reference = model(torch.tensor([tokens])).logits[0]
        rows.append(top_logprobs(reference))
        theirs = torch.from_numpy(peer.logits(tokens))
        divergences.append(mean_kl(reference, theirs))
        same.append((reference.argmax(-1) == theirs.argmax(-1)).double().mean().item())
        print(f"{name}: llama.cpp's KL {divergences[-1]:.5f}, same best token {same[-1]:.3f}")
    tensors = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    tensors["tokens"] = np.array(list(texts.values()), np.uint16)
    peer_info = {
        "meanKl": round(float(np.mean(divergences)), 6),
        "sameBest": round(float(np.mean(same)), 6),
    }
    write_tensors(path, tensors, {**info, "names": list(texts), "llamaCpp": peer_info})


def mean_kl(reference: torch.Tensor, other: torch.Tensor) -> float:
    """Mean over positions of KL(reference || other) in nats, from logits [position, vocab]."""
    p = torch.log_softmax(reference.double(), -1)
    q = torch.log_softmax(other.double(), -1)
    return (p.exp() * (p - q)).sum(-1).mean().item()
