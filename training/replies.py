"""Replies that the model itself gives: what is read in a dialogue is mostly what was written by the model.

Prompts of a batch have the same number of tokens, so that no row needs padding: a request, and an excerpt of so many
tokens from the texts.
"""

import random
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .checkpoint import load_checkpoint, save_checkpoint
from .dialogues import Turn
from .model import Model, merge_heads
from .sequences import Tokenizer, question
from .texts import Texts

_REQUESTS = [
    "Can you explain this to me? {}",
    "What do you think of this? {}",
    "Please go on from here: {}",
    "Say this in your own words: {}",
    "Write a short story that begins like this: {}",
    "Give me a list of questions about this: {}",
    "Write an email about the following. {}",
    "How would you teach this to a child? {}",
]
# Replies that are sampled at once, tokens of an excerpt, and the most of a reply.
_BATCH, _EXCERPT, _LONGEST = 32, 48, 160
_TEMPERATURE, _TOP = 0.8, 40
_END = "<|im_end|>"


def sample_replies(
    model: Model, tokenizer: Tokenizer, texts: dict[str, Texts], counts: dict[str, int], seed: int, path: Path, log
) -> dict[str, list[Turn]]:
    """So many turns for each side of the split; goes on from `path` if it is there."""
    identity = {"seed": seed, "counts": counts, "model": model.sha256}
    turns: dict[str, list[Turn]] = load_checkpoint(path, identity) or {side: [] for side in counts}
    for side, count in counts.items():
        while len(turns[side]) < count:
            key = f"{side} {seed} {len(turns[side])}"
            batch = _sample(model, tokenizer, texts[side], min(_BATCH, count - len(turns[side])), key)
            turns[side] += batch
            save_checkpoint(path, identity, turns)
            log(f"replies: {side} {len(turns[side])} of {count}")
    return turns


def _sample(model: Model, tokenizer: Tokenizer, texts: Texts, count: int, key: str) -> list[Turn]:
    """A batch of turns that depend on `key` alone."""
    rng = random.Random(key)
    request = rng.choice(_REQUESTS)
    excerpts = _excerpts(tokenizer, texts, rng, count)
    before, after = question(request, "").split("{}")
    prompts = torch.tensor([tokenizer.encode(before) + excerpt + tokenizer.encode(after) for excerpt in excerpts])
    generator = torch.Generator().manual_seed(rng.getrandbits(32))
    # Bytes have no token of their own for it: then every reply goes on to its bound.
    end, *more = tokenizer.encode(_END)
    replies = _generate(model, prompts, -1 if more else end, generator)
    users = [request.format(tokenizer.decode(excerpt)) for excerpt in excerpts]
    return [(user, _whole_sentences(tokenizer.decode(reply))) for user, reply in zip(users, replies)]


def _excerpts(tokenizer: Tokenizer, texts: Texts, rng: random.Random, count: int) -> list[list[int]]:
    """Beginnings of paragraphs, `_EXCERPT` tokens of each."""
    found: list[list[int]] = []
    while len(found) < count:
        drawn = (tokenizer.encode(paragraph)[:_EXCERPT] for paragraph in texts.paragraphs(rng, 12)[:2])
        found += [ids for ids in drawn if len(ids) == _EXCERPT]
    return found[:count]


def _whole_sentences(reply: str) -> str:
    """Without a sentence that was broken off, unless there is no other."""
    reply = reply.strip()
    last = max(reply.rfind(mark) for mark in ".!?")
    return reply[: last + 1] if last > 0 else reply


@torch.no_grad()
def _generate(model: Model, prompts: Tensor, end: int, generator: torch.Generator) -> list[list[int]]:
    """What the model says after each row of `prompts` [B, n], up to the token `end`."""
    reader = _Reader(model, len(prompts), prompts.shape[1] + _LONGEST)
    drawn = [_draw(reader.read(prompts), generator)]
    while len(drawn) < _LONGEST and not _all_ended(drawn, end):
        drawn.append(_draw(reader.read(drawn[-1][:, None]), generator))
    rows = torch.stack(drawn, 1).tolist()
    return [row[: row.index(end)] if end in row else row for row in rows]


def _draw(logits: Tensor, generator: torch.Generator) -> Tensor:
    """[B]: a token of each row of logits [B, vocab]."""
    best, tokens = (logits / _TEMPERATURE).topk(min(_TOP, logits.shape[-1]), -1)
    return tokens.gather(-1, torch.multinomial(best.softmax(-1), 1, generator=generator))[:, 0]


def _all_ended(drawn: list[Tensor], end: int) -> bool:
    return bool((torch.stack(drawn) == end).any(0).all())


class _Reader:
    """Reads rows of tokens side by side; keys and values of all of them lie in place."""

    def __init__(self, model: Model, rows: int, tokens: int) -> None:
        c = model.config
        self._model, self._seen = model, 0
        # [layers, B, H, T, D], keys rotated.
        self._keys, self._values = torch.zeros(2, c.layers, rows, c.kv_heads, tokens, c.head_dim)

    def read(self, ids: Tensor) -> Tensor:
        """Logits [B, vocab] behind the last of ids [B, n]; n is 1 but for the first call."""
        model, start, end = self._model, self._seen, self._seen + ids.shape[1]
        places = torch.arange(start, end)
        x = model.embedding[ids]
        for layer in range(model.config.layers):
            q, k, v = model.project(layer, x)
            keys, values = self._keys[layer], self._values[layer]
            keys[:, :, start:end], values[:, :, start:end] = model.rotate(k, places), v
            output = F.scaled_dot_product_attention(
                model.rotate(q, places), keys[:, :, :end], values[:, :, :end], is_causal=start == 0, enable_gqa=True
            )
            x = model.rest_of_layer(layer, x, merge_heads(output))
        self._seen = end
        return model.logits(x[:, -1])
