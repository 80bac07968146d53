"""Budgets: how many slots every layer and head gets, by what fewer would cost."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from .checkpoint import hash_of, load_checkpoint, save_checkpoint
from .collect import first_counted
from .gradients import Attended, attended_layers
from .importance import attention_rows
from .model import Model
from .options import Options
from .select import scores
from .sequences import Sequence

# Slot counts at which errors are measured.
SIZES = (40, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
# Slots above sinks and recent that no unit goes below, and what is given at once.
LEAST_FREE = 12
STEP = 16
_LOOK_AHEAD = (1, 2, 4, 8, 16)
# No unit gets more than this many times the mean.
MOST = 3
# Every how many-th query of a text is looked at.
_STRIDE = 4


@dataclass
class Weights:
    """The score's, of one layer."""

    text: Tensor  # [H, D + 5]
    chat: Tensor
    share: float


def size_errors(layer: Attended, weights: Weights, first: int, stride: int, options: Options) -> Tensor:
    """[H, sizes]: Σ_q (g_q · (o'_q − o_q))² over queries from block `first` on, o' attending only to the best slots.

    What would stay is chosen by the score at the start of the query's block. The block itself is always seen.
    """
    heads, tokens, _ = layer.keys.shape
    errors = torch.zeros(heads, len(SIZES))
    start = max(first, options.least_tokens) // options.block * options.block
    mean = attention_rows(layer, start - options.block, start).mean((1, 2))
    for begin in range(start, tokens, options.block):
        end = min(begin + options.block, tokens)
        rank = _ranks(layer, mean, weights, options)
        attention = attention_rows(layer, begin, end)
        mean = attention.mean((1, 2))
        if stride > 1:
            attention = attention[:, :, ::stride]
        pick = lambda part: part[:, :, begin:end:stride]
        errors += _block_errors(attention, rank, layer, pick(layer.gradient), pick(layer.output), begin) * stride
    return errors


@dataclass
class Errors:
    """Sums over sequences."""

    by_kind: dict[str, Tensor]  # kind → [layers, kv_heads, sizes]
    counted: dict[str, int]  # kind → tokens that count
    done: int = 0
    seconds: float = 0


def measure_errors(
    model: Model,
    sequences: Iterator[Sequence],
    text: Tensor,
    chat: Tensor,
    share: float,
    options: Options,
    path: Path,
    log,
) -> Errors:
    """Errors by unit and size over the first `options.budget_sequences` sequences; goes on from `path` if it is there."""
    c = model.config
    zero = lambda: torch.zeros(c.layers, c.kv_heads, len(SIZES))
    identity = {
        "options": options.collecting(),
        "lengths": options.budget_lengths,
        "share": share,
        "score": hash_of(text, chat),
    }
    state = load_checkpoint(path, identity) or Errors({"text": zero(), "chat": zero()}, {"text": 0, "chat": 0})
    for number, sequence in zip(range(options.budget_sequences), sequences):
        if number < state.done:
            continue
        began = time.perf_counter()
        first = first_counted(sequence, options.block)
        stride = _STRIDE if sequence.kind == "text" else 1
        for index, layer in enumerate(attended_layers(model, sequence)[0]):
            weights = Weights(text[index], chat[index], share)
            state.by_kind[sequence.kind][index] += size_errors(layer, weights, first, stride, options)
        measured = max(first, options.least_tokens)
        state.counted[sequence.kind] += int(sequence.counts[measured:].sum())
        state.done += 1
        state.seconds += time.perf_counter() - began
        save_checkpoint(path, identity, state)
        log(f"budget: {state.done} of {options.budget_sequences} sequences, {state.seconds:.0f} s")
    return state


def _ranks(layer: Attended, attention: Tensor, weights: Weights, options: Options) -> Tensor:
    """[H, slots]: the smallest size at which a slot stays; 0 for sinks and recent."""
    end = attention.shape[1]
    age = (end - torch.arange(end)).float()
    index = torch.arange(end)
    candidates = (index >= options.sinks) & (index < end - options.recent)
    protected = options.sinks + options.recent

    def rank(values: Tensor) -> Tensor:
        order = values[0].masked_fill(~candidates, -torch.inf).argsort(-1, descending=True)
        return torch.empty_like(order).scatter_(-1, order, index.expand_as(order)).float() + 1

    by = lambda w: rank(scores(layer.keys[None, :, :end], attention[None], age, w))
    # The first of two queues, one of which moves `share` and the other 1 − share of the time.
    needed = torch.minimum(by(weights.text) / (1 - weights.share), by(weights.chat) / max(weights.share, 1e-6))
    return torch.where(candidates, needed + protected, 0.0)


def _block_errors(attention: Tensor, rank: Tensor, layer: Attended, gradient: Tensor, output: Tensor, begin: int) -> Tensor:
    """[H, sizes] of one block of queries."""
    values = layer.values[:, : attention.shape[-1]]
    gain = (gradient.flatten(1, 2) @ values.transpose(1, 2)).view_as(attention)
    gain -= (gradient * output).sum(-1, keepdim=True)
    gain *= attention
    limit = torch.tensor(SIZES)
    seen = torch.nn.functional.pad(rank, (0, attention.shape[-1] - begin))[..., None] <= limit
    over = lambda part: (part.flatten(1, 2) @ seen.float()).unflatten(1, part.shape[1:3])
    # (o' − o) along g, of what is seen, renormalised; then all heads of the group, squared, all queries.
    change = over(gain) / over(attention)
    return change.sum(1).square().sum(1)


def combine(errors: Errors, weight: float) -> Tensor:
    """[layers, kv_heads, sizes] to share slots out by: per token of text, and `weight` times that per answer token.

    Positive, and never larger for more slots.
    """
    text, chat = (errors.by_kind[kind] / max(errors.counted[kind], 1) for kind in ("text", "chat"))
    return torch.cummin(text + weight * chat, -1).values + 1e-9


def allocate(errors: Tensor, mean: int, options: Options) -> Tensor:
    """[layers, kv_heads] whole slots whose sum is `mean` times their number; the engine's `curves.ts` does the same.

    Greedy from the least: 1, 2, 4, 8 or 16 steps of 16 slots to the unit whose error falls most for each of them.
    Errors [layers, kv_heads, sizes] are straight lines in log(size), log(error) between the sizes, and flat beyond.
    """
    shape, curves = errors.shape[:2], errors.flatten(0, 1).double().log().tolist()
    most = max(mean, min(math.floor(MOST * mean), SIZES[-1]))
    slots = [min(mean, options.sinks + options.recent + LEAST_FREE)] * len(curves)
    left = mean * len(curves) - sum(slots)
    gains = [_gain(curve, held, most) for curve, held in zip(curves, slots)]
    while left > 0:
        open_ = [unit for unit, held in enumerate(slots) if held < most]
        unit = max(open_, key=lambda u: gains[u][0])
        whole = left if left < STEP else left - left % STEP
        given = min(gains[unit][1] * STEP, whole, most - slots[unit])
        slots[unit] += given
        left -= given
        gains[unit] = _gain(curves[unit], slots[unit], most)
    return torch.tensor(slots).view(shape)


def _gain(curve: list[float], slots: int, most: int) -> tuple[float, int]:
    """What a step saves on the best of the ways ahead, and its steps."""
    now, best = _error(curve, slots), (-math.inf, 1)
    for steps in _LOOK_AHEAD:
        to = slots + steps * STEP
        if to <= most:
            saved = (now - _error(curve, to)) / steps
            if saved > best[0]:
                best = (saved, steps)
    return best


def _error(curve: list[float], size: int) -> float:
    """Of log errors at SIZES."""
    if size <= SIZES[0]:
        return math.exp(curve[0])
    if size >= SIZES[-1]:
        return math.exp(curve[-1])
    above = next(i for i, s in enumerate(SIZES) if s > size)
    low, high = math.log(SIZES[above - 1]), math.log(SIZES[above])
    slope = (curve[above] - curve[above - 1]) / (high - low)
    return math.exp(slope * (math.log(size) - low) + curve[above - 1])
