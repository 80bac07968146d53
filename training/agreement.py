"""Records what the simulator does with a tiny model, for the engine's tests to compare with.

    deno run --allow-write=DIR tests/oracles/tiny_models.ts DIR
    python -m training.agreement --models DIR --out tests/fixtures

It writes learned_tiny.safetensors, random learned parts in the form of `weights.py`, made for DIR/f32.gguf, and
learned_agreement.safetensors, what comes of them at a mean of SLOTS slots:

    tokens   u16 [TOKENS]
    slots    u16 [units]                   how many each unit has
    kept     u16 [compactions, units, S]   tokens that stay at each, ascending, then 65535
    logits   f32 [LAST, vocab]             of the last tokens

`about` in its metadata has the digest of the model and the frame: block, sinks, recent, far.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from .budget import SIZES, allocate
from .merge import Merging
from .model import Model, load_model, sha256_of
from .options import Options
from .parts import Corrections, Parts
from .simulate import Simulator
from .weights import write_weights

TOKENS, LAST, SLOTS = 160, 32, 28
OPTIONS = Options(sinks=2, recent=4, block=16, far=12)
SHARE = 0.3
# Of scores at the threshold: what differs by less may be ranked otherwise by other arithmetic.
LEAST_MARGIN = 1e-4


def random_parts(model: Model, seed: int) -> tuple[Parts, Tensor]:
    """Parts that change much, and error curves."""
    c = model.config
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    score = lambda: draw(c.layers, c.kv_heads, c.head_dim + 5)
    corrections = Corrections(c)
    with torch.no_grad():
        for part in corrections.parameters():
            part.copy_(draw(*part.shape) * 0.2)
    falls = torch.rand(c.layers, c.kv_heads, len(SIZES), generator=generator).clamp(min=0.2)
    errors = falls.cumprod(-1)
    sizes = allocate(errors, SLOTS, OPTIONS)
    return Parts(sizes, score(), score(), SHARE, corrections, random_merging(model, seed)), errors


@torch.no_grad()
def random_merging(model: Model, seed: int) -> Merging:
    """Gates that let a good deal through, and not all of it."""
    merging = Merging(model.config)
    generator = torch.Generator().manual_seed(seed)
    merging.gate.add_(torch.randn(merging.gate.shape, generator=generator) * 0.2)
    return merging


@torch.no_grad()
def record(model: Model, parts: Parts, tokens: Tensor) -> dict[str, Tensor]:
    """Plans and logits; raises ValueError where a choice is too close to call."""
    simulator = Simulator(model, parts, OPTIONS, 1)
    kept, states = [], []
    for start in range(0, TOKENS, OPTIONS.block):
        states.append(simulator.read(tokens[None, start : start + OPTIONS.block]))
        kept.append(_kept(simulator, int(parts.sizes.max())))
    if simulator.narrowest < LEAST_MARGIN:
        raise ValueError(f"Cannot record: a choice hangs on {simulator.narrowest:.1e}; take another seed")
    logits = model.logits(torch.cat(states, 1))[0, -LAST:]
    return {
        "tokens": tokens.to(torch.uint16),
        "slots": parts.sizes.flatten().to(torch.uint16),
        "kept": torch.stack(kept).to(torch.uint16),
        "logits": logits.contiguous(),
    }


def _kept(simulator: Simulator, width: int) -> Tensor:
    """[units, width] tokens of the slots that are live."""
    rows = torch.full((len(simulator.cache.layers) * simulator.model.config.kv_heads, width), 65535)
    unit = 0
    for slots in simulator.cache.layers:
        for head, live in enumerate(slots.live.tolist()):
            rows[unit, :live] = slots.token[0, head, slots.total - live :]
            unit += 1
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=Path, required=True, help="folder of the tiny models")
    parser.add_argument("--out", type=Path, required=True, help="folder of the fixtures")
    parser.add_argument("--seed", type=int, default=3)
    given = parser.parse_args()

    path = given.models / "f32.gguf"
    model = load_model(path, torch.float32)
    parts, errors = random_parts(model, given.seed)
    weights = given.out / "learned_tiny.safetensors"
    write_weights(weights, model, OPTIONS, parts, errors, {"seed": given.seed})
    generator = torch.Generator().manual_seed(given.seed)
    tokens = torch.randint(model.config.vocab, (TOKENS,), generator=generator)
    frame = {"mean": SLOTS, "block": OPTIONS.block, "sinks": OPTIONS.sinks, "recent": OPTIONS.recent, "far": OPTIONS.far}
    about = {"modelSha256": sha256_of(path), "weightsSha256": sha256_of(weights), **frame}
    fixture = given.out / "learned_agreement.safetensors"
    save_file(record(model, parts, tokens), fixture, {"about": json.dumps(about, sort_keys=True)})
    print(f"{fixture}: {fixture.stat().st_size} bytes; {weights}: {weights.stat().st_size} bytes")


if __name__ == "__main__":
    main()
