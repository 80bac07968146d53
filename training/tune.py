"""Tunes all learned parts together: KL to the full cache, through the simulated one, on ever new sequences."""

import random
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from .budget import allocate
from .checkpoint import load_checkpoint, save_checkpoint
from .model import Model
from .options import Options, TuneOptions
from .parts import Corrections, Parts
from .sequences import Maker, Sequence
from .simulate import Simulator
from .teacher import Teacher


@dataclass
class Progress:
    """What a tuning run can be taken up from."""

    learner: dict
    average: dict
    optimiser: dict
    done: int = 0
    tokens: int = 0
    seconds: float = 0
    best: float = float("inf")
    best_state: dict | None = None
    curve: list[tuple[int, float]] = field(default_factory=list)  # batch, KL on the choosing side
    before: list[dict] = field(default_factory=list)  # the runs that it started from, the first one first


class Learner(nn.Module):
    """Score, corrections and fusion as parameters; the score as a change in units of each feature's spread.

    `learning` names those that are to change.
    """

    def __init__(self, parts: Parts, spread: Tensor, corrections: Corrections, learning: tuple[str, ...]) -> None:
        super().__init__()
        self._text, self._chat, self._spread, self._share = parts.text, parts.chat, spread, parts.share
        self.text = nn.Parameter(torch.zeros_like(parts.text))
        self.chat = nn.Parameter(torch.zeros_like(parts.chat))
        self.corrections = corrections
        self.fusion = parts.fusion
        for part, names in {"score": ("text", "chat"), "corrections": ("corrections",), "fusion": ("fusion",)}.items():
            for name, parameter in self.named_parameters():
                if name.split(".")[0] in names:
                    parameter.requires_grad_(part in learning)

    def take_over(self, tensors: dict[str, Tensor]) -> None:
        """Begins where the tensors of a file for the engine are."""
        state = {
            "text": (tensors["score.text"] - self._text) * self._spread,
            "chat": (tensors["score.chat"] - self._chat) * self._spread,
        }
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            if part in ("correction", "fusion"):
                state[f"corrections.{rest}" if part == "correction" else name] = tensor
        self.begin_from(state)

    def begin_from(self, state: dict[str, Tensor]) -> None:
        """Begins where another learner was; what that lacks, and fusion of another form, stays as it begins."""
        own = self.state_dict()
        fits = lambda name: not name.startswith("fusion.") or (name in own and own[name].shape == state[name].shape)
        self.load_state_dict({name: value for name, value in state.items() if fits(name)}, strict=False)

    def parts(self, sizes: Tensor) -> Parts:
        """For units of these sizes."""
        text, chat = self._text + self.text / self._spread, self._chat + self.chat / self._spread
        return Parts(sizes, text, chat, self._share, self.corrections, self.fusion)


class Tuning:
    """One run, after those `before`. `errors` [layers, kv_heads, sizes] are what slots are shared out by."""

    def __init__(
        self,
        model: Model,
        makers: dict[str, Maker],
        learner: Learner,
        errors: Tensor,
        options: Options,
        tune: TuneOptions,
        before: list[dict],
    ) -> None:
        self.model, self.makers, self.learner = model, makers, learner
        self.options, self.tune, self.before = options, tune, before
        self._sizes = {mean: allocate(errors, mean, options) for mean in {*tune.means, *tune.check_means}}
        self._checks: list[tuple[Tensor, Tensor, Teacher]] | None = None

    def run(self, path: Path, log) -> Progress:
        """Goes on from `path` if it is there. The best state by the choosing side is in what it returns."""
        optimiser = self._optimiser()
        rates = [group["lr"] for group in optimiser.param_groups]
        identity = {"options": asdict(self.options), "tune": asdict(self.tune)}
        progress = load_checkpoint(path, identity) or self._begin(optimiser)
        self.learner.load_state_dict(progress.learner)
        optimiser.load_state_dict(progress.optimiser)
        if not progress.curve:
            self._check(progress, log)
        while progress.done < self.tune.batches:
            began = time.perf_counter()
            for group, rate in zip(optimiser.param_groups, rates):
                group["lr"] = rate * self._warmth(progress.done)
            loss, tokens = self._train(progress, optimiser)
            progress.done += 1
            progress.tokens += tokens
            progress.seconds += time.perf_counter() - began
            log(f"tune: batch {progress.done} of {self.tune.batches}, KL {loss:.4f}, {progress.seconds:.0f} s")
            if progress.done % self.tune.check_every == 0 or progress.done == self.tune.batches:
                self._check(progress, log)
                progress.learner, progress.optimiser = self.learner.state_dict(), optimiser.state_dict()
                save_checkpoint(path, identity, progress)
        return progress

    def _begin(self, optimiser: torch.optim.Optimizer) -> Progress:
        state = self.learner.state_dict()
        average = {name: value.clone() for name, value in state.items()}
        return Progress(state, average, optimiser.state_dict(), before=self.before)

    def _optimiser(self) -> torch.optim.Optimizer:
        tune, learner = self.tune, self.learner
        corrections = learner.corrections
        groups = [
            {"params": [corrections.tp, corrections.sb, corrections.hb], "lr": tune.rate},
            {"params": [corrections.od, corrections.oc], "lr": tune.output_rate},
            {"params": [learner.text, learner.chat], "lr": tune.score_rate},
        ]
        if learner.fusion is not None:
            groups.append({"params": list(learner.fusion.parameters()), "lr": tune.fusion_rate})
        return torch.optim.Adam(groups, betas=(0.9, 0.98))

    def _warmth(self, done: int) -> float:
        """Full speed for half of the way, then down to a tenth."""
        left = 1 - done / self.tune.batches
        return min(1.0, (done + 1) / 3) * max(0.1, min(1.0, 2 * left))

    def _train(self, progress: Progress, optimiser: torch.optim.Optimizer) -> tuple[float, int]:
        """One batch of new sequences; an update for every span of blocks."""
        number, tune = progress.done, self.tune
        rng = random.Random(f"tune {tune.seed} {number}")
        ids, weight = self._draw("fit", number)
        sizes = self._sizes[rng.choice(tune.means)]
        teacher = Teacher(self.model, ids)
        losses = []
        for loss in self._spans(ids, weight, teacher, sizes, learning=True):
            if not torch.isfinite(loss):
                raise FloatingPointError(f"Cannot go on tuning: the loss of batch {number + 1} is {loss.item()}")
            optimiser.zero_grad()
            loss.backward()
            for group in optimiser.param_groups:
                nn.utils.clip_grad_norm_(group["params"], 1.0)
            optimiser.step()
            self._average(progress)
            losses.append(loss.item())
        return sum(losses) / len(losses), ids.numel()

    def _average(self, progress: Progress) -> None:
        for name, value in self.learner.state_dict().items():
            progress.average[name].lerp_(value, 1 - self.tune.averaging)

    def _draw(self, side: str, number: int) -> tuple[Tensor, Tensor]:
        """ids [B, T] and what each token counts, half texts and half dialogues."""
        tune = self.tune
        sequences = take(self.makers[side], tune.batch, f"{tune.seed} {number}")
        ids = torch.stack([sequence.ids for sequence in sequences])
        answers = torch.stack([sequence.counts & (sequence.kind == "chat") for sequence in sequences])
        return ids, 1 + (tune.answer_weight - 1) * answers.float()

    def _spans(self, ids: Tensor, weight: Tensor, teacher: Teacher, sizes: Tensor, learning: bool):
        """The loss of every span of blocks, after the first that is worth a gradient."""
        block, length = self.options.block, ids.shape[1] // self.options.block * self.options.block
        simulator = Simulator(self.model, None, self.options, len(ids), learning and self.learner.text.requires_grad)
        # Until the smallest unit overflows, student and teacher agree.
        exact = int(sizes.min()) // block * block
        total, weights, blocks = 0.0, 0.0, 0
        for start in range(0, length, block):
            simulator.parts = self.learner.parts(sizes)
            with torch.set_grad_enabled(learning and start >= exact):
                x = simulator.read(ids[:, start : start + block])
            if start < exact:
                continue
            # The token that a position predicts is what its divergence counts for.
            counted = torch.nn.functional.pad(weight, (0, 1), value=1.0)[:, start + 1 : start + block + 1]
            total = total + (teacher.divergence(x, start) * counted).sum()
            weights += counted.sum().item()
            blocks += 1
            if blocks == self.tune.span or start + block == length:
                yield total / weights
                simulator.detach()
                total, weights, blocks = 0.0, 0.0, 0

    def _check(self, progress: Progress, log) -> None:
        """KL on the choosing side under the mean parameters; remembers them if they are the best."""
        by_mean = self.check(progress.average)
        found = sum(by_mean) / len(by_mean)
        progress.curve.append((progress.done, found))
        if found < progress.best:
            progress.best = found
            progress.best_state = {name: value.clone() for name, value in progress.average.items()}
        listed = ", ".join(f"{loss:.5f} at {mean}" for loss, mean in zip(by_mean, self.tune.check_means))
        log(f"tune: KL to choose by {found:.5f} ({listed}), best {progress.best:.5f}")

    @torch.no_grad()
    def check(self, state: dict) -> list[float]:
        """KL on the choosing side at each of the sizes to check at."""
        own = {name: value.clone() for name, value in self.learner.state_dict().items()}
        self.learner.load_state_dict(state)
        if self._checks is None:
            drawn = [self._draw("choose", number) for number in range(len(self.tune.check_means))]
            self._checks = [(ids, weight, Teacher(self.model, ids)) for ids, weight in drawn]
        found = []
        for (ids, weight, teacher), mean in zip(self._checks, self.tune.check_means):
            losses = [loss.item() for loss in self._spans(ids, weight, teacher, self._sizes[mean], learning=False)]
            found.append(sum(losses) / len(losses))
        self.learner.load_state_dict(own)
        return found


def take(maker: Maker, count: int, key: str) -> list[Sequence]:
    """Sequences that depend on `key` alone, texts and dialogues in turn."""
    return [sequence for _, sequence in zip(range(count), maker.stream(key))]
