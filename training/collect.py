"""Gathers, sequence by sequence, what the score is fitted from."""

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from .checkpoint import load_checkpoint, save_checkpoint
from .gradients import attended_layers
from .model import Model
from .options import Options
from .score import Moments, beyond, gather, mean_importance
from .sequences import Maker, Sequence

KINDS = ("text", "chat")
# Sequences of each kind from which mean importances are taken.
_PILOTS = 3


@dataclass
class Collected:
    """Moments by side and kind, and the mean importances they are relative to."""

    scale: dict[str, Tensor]  # kind → [layers, kv_heads]
    moments: dict[str, dict[str, Moments]]  # side → kind → sums
    done: dict[str, int]  # side → sequences taken in
    tokens: int = 0
    seconds: float = 0


def collect(model: Model, makers: dict[str, Maker], options: Options, path: Path, log) -> Collected:
    """Takes in `options.sequences` to fit on and an eighth as many to choose by; goes on from `path` if it is there."""
    state: Collected | None = load_checkpoint(path, options.collecting())
    if state is None:
        state = _begin(model, makers["fit"], options, log)
    wanted = {"fit": options.sequences, "choose": max(2, options.sequences // 8)}
    # The choosing side first: it is small, and a fit can then be judged at any time.
    for side in ("choose", "fit"):
        stream = makers[side].stream(options.seed)
        for number, sequence in zip(range(wanted[side]), stream):
            if number < state.done[side]:
                continue
            _take_in(model, state, side, sequence, options)
            state.done[side] += 1
            if state.done[side] % 4 == 0 or state.done[side] == wanted[side]:
                save_checkpoint(path, options.collecting(), state)
                log(f"collect: {side} {state.done[side]} of {wanted[side]} sequences, {state.seconds:.0f} s")
    return state


def first_counted(sequence: Sequence, block: int) -> int:
    """Start of the block of queries that first predicts a token that counts."""
    return max(int(sequence.counts.nonzero()[0]) - 1, 0) // block * block


def _begin(model: Model, maker: Maker, options: Options, log) -> Collected:
    c = model.config
    scale = {kind: torch.full((c.layers, c.kv_heads), 1e-20) for kind in KINDS}
    stream = maker.stream(options.seed)
    for _, sequence in zip(range(2 * _PILOTS), stream):
        first = first_counted(sequence, options.block)
        for index, layer in enumerate(attended_layers(model, sequence)[0]):
            scale[sequence.kind][index] += mean_importance(layer, options, first) / _PILOTS
    log(f"collect: mean importances from {2 * _PILOTS} sequences")
    width = beyond(c.head_dim)["a convolution over attention"].stop
    zero = lambda: {kind: Moments.zero(c.layers, c.kv_heads, width) for kind in KINDS}
    return Collected(scale, {"fit": zero(), "choose": zero()}, {"fit": 0, "choose": 0})


def _take_in(model: Model, state: Collected, side: str, sequence: Sequence, options: Options) -> None:
    began = time.perf_counter()
    layers, losses = attended_layers(model, sequence)
    moments, scale = state.moments[side][sequence.kind], state.scale[sequence.kind]
    first = first_counted(sequence, options.block)
    for index, layer in enumerate(layers):
        gather(moments, index, layer, scale[index], losses, options, first)
    if not all(torch.isfinite(m.xy).all() for m in state.moments[side].values()):
        raise FloatingPointError("Cannot go on collecting: a gradient is not finite")
    state.tokens += len(sequence.ids)
    state.seconds += time.perf_counter() - began
