"""A tiny model and parts of it, for tests."""

import torch
from torch import Tensor

from training.model import Model, random_model
from training.options import Options
from training.parts import Corrections, Parts

OPTIONS = Options(sinks=2, recent=4, block=8, far=6)


def model() -> Model:
    return random_model(seed=1)


def tokens(batch: int, count: int, seed: int = 0) -> Tensor:
    return torch.randint(256, (batch, count), generator=torch.Generator().manual_seed(seed))


def parts(model: Model, sizes: list[list[int]], seed: int = 0, corrected: bool = False) -> Parts:
    """Random score weights; `corrected`: random corrections too."""
    c = model.config
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    made = Parts(
        torch.tensor(sizes),
        draw(c.layers, c.kv_heads, c.head_dim + 5),
        draw(c.layers, c.kv_heads, c.head_dim + 5),
        0.3,
    )
    if corrected:
        made.corrections = Corrections(c)
        with torch.no_grad():
            for part in made.corrections.parameters():
                part.copy_(draw(*part.shape) * 0.2)
    return made
