"""How much worse the model foresees and remembers with a small cache than with all of it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .checkpoint import hash_of, load_checkpoint, save_checkpoint
from .dialogues import Source, draw_story
from .model import Model
from .options import Options
from .parts import Parts
from .sequences import Maker, question
from .simulate import Simulator

# Neighbouring tokens go wrong together: errors are estimated from means of so many.
CLUSTER = 64


@dataclass(frozen=True)
class Exam:
    """A dialogue, and questions that are each asked at its end, with the tokens that must come."""

    ids: list[int]
    questions: list[tuple[list[int], list[int]]]


@dataclass(frozen=True)
class Figures:
    """Of one cache, against the full one."""

    nats: float  # more nats a token than the full cache
    error: float
    right: int  # of the questions that the full cache answers
    asked: int
    answer_nats: float  # more nats an answer of those than the full cache

    def __str__(self) -> str:
        recall = f", recall {self.right}/{self.asked}, {self.answer_nats:+.3f} nats an answer" if self.asked else ""
        return f"{self.nats:+.4f} ± {self.error:.4f} nats{recall}"


def make_passages(maker: Maker, count: int, seed: int) -> Tensor:
    """[count, maker.length] tokens of texts."""
    return torch.stack([maker.text(random.Random(f"passage {seed} {i}")).ids for i in range(count)])


def make_exams(maker: Maker, count: int, seed: int, tokens: int) -> list[Exam]:
    """Dialogues of `tokens` tokens of all shapes."""
    exams = []
    for number in range(count):
        source = Source(random.Random(f"exam {seed} {number}"), maker.side)
        story = draw_story(source)
        ids = maker.opening(story, source, tokens)
        asked = [(maker.encode(question(q.ask, q.begun)), maker.encode(q.answer)) for q in story.questions]
        exams.append(Exam(ids, asked))
    return exams


@torch.no_grad()
def token_losses(model: Model, parts: Parts | None, passages: Tensor, options: Options, unscored: int) -> Tensor:
    """[B, T - 1 - unscored] nats of each token after the first `unscored`, whole blocks; parts None: the full cache."""
    batch, length = passages.shape
    if parts is None:
        return _full_losses(model, passages, unscored)
    simulator = Simulator(model, parts, options, batch)
    losses = []
    for start in range(0, length - 1, options.block):
        ids = passages[:, start : start + options.block]
        x = simulator.read(ids)
        targets = passages[:, start + 1 : start + options.block + 1]
        if start >= unscored:
            logits = model.logits(x[:, : targets.shape[1]])
            losses.append(F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view(batch, -1))
    return torch.cat(losses, 1)


def _full_losses(model: Model, passages: Tensor, unscored: int) -> Tensor:
    losses = []
    for row in passages:
        x = model.hidden_states(row[None])[0, unscored:-1]
        losses.append(F.cross_entropy(model.logits(x), row[unscored + 1 :], reduction="none"))
    return torch.stack(losses)


@torch.no_grad()
def answers(model: Model, parts: Parts | None, exams: list[Exam], options: Options, batch: int = 10) -> tuple[Tensor, Tensor]:
    """Of every question: whether the likeliest tokens are the answer, and its nats."""
    right, nats = [], []
    for start in range(0, len(exams), batch):
        some = exams[start : start + batch]
        simulator = Simulator(model, parts, options, len(some))
        ids = torch.tensor([exam.ids for exam in some])
        for place in range(0, ids.shape[1], options.block):
            simulator.read(ids[:, place : place + options.block])
        for ok, loss in _ask(model, simulator, some):
            right.append(ok)
            nats.append(loss)
    return torch.tensor(right), torch.tensor(nats)


def _ask(model: Model, simulator: Simulator, exams: list[Exam]) -> Iterator[tuple[bool, float]]:
    """Every question of every exam, each at the end of its dialogue, all at once."""
    asked = [(row, prompt, answer) for row, exam in enumerate(exams) for prompt, answer in exam.questions]
    longest = max(len(prompt) + len(answer) for _, prompt, answer in asked)
    # What stands behind an answer is not seen by it.
    padded = [prompt + answer + [0] * (longest - len(prompt) - len(answer)) for _, prompt, answer in asked]
    branch = simulator.branch(torch.tensor([row for row, _, _ in asked]))
    # In one piece, in what is free of the block.
    states = branch.read(torch.tensor(padded), compact=False)
    for (_, prompt, answer), x in zip(asked, states):
        logits = model.logits(x[len(prompt) - 1 : len(prompt) + len(answer) - 1])
        targets = torch.tensor(answer)
        yield bool((logits.argmax(-1) == targets).all()), F.cross_entropy(logits, targets, reduction="sum").item()


class Evaluation:
    """Passages and exams, and what the full cache makes of them, which is kept at `path`.

    Only questions that the full cache answers count: what the model cannot do says nothing of a cache.
    """

    def __init__(
        self, model: Model, passages: Tensor, exams: list[Exam], options: Options, unscored: int, path: Path
    ) -> None:
        self.model, self.passages, self.exams = model, passages, exams
        self.options, self.unscored = options, unscored
        identity = {"passages": hash_of(passages), "exams": str(exams), "unscored": unscored, "model": model.sha256}
        full = load_checkpoint(path, identity)
        if full is None:
            full = token_losses(model, None, passages, options, unscored), *answers(model, None, exams, options)
            save_checkpoint(path, identity, full)
        self.full, self.known, self.full_nats = full

    def measure(self, parts: Parts) -> tuple[Figures, Tensor]:
        """Its figures, and more nats than the full cache by token [B, T], for paired comparisons."""
        more = token_losses(self.model, parts, self.passages, self.options, self.unscored) - self.full
        right, nats = answers(self.model, parts, self.exams, self.options)
        known, lost = self.known, (nats - self.full_nats)[self.known]
        return Figures(
            more.mean().item(), standard_error(more), int(right[known].sum()), int(known.sum()),
            lost.mean().item() if known.any() else 0.0,
        ), more


def standard_error(values: Tensor) -> float:
    """Of the mean of values [B, T], from means of neighbours."""
    whole = values.shape[1] // CLUSTER * CLUSTER
    means = values[:, :whole].reshape(-1, CLUSTER).mean(1)
    return (means.std() / len(means) ** 0.5).item()
