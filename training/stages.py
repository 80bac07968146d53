"""The stages of training, each of which starts from the files of those before it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from .budget import Errors, allocate, combine, measure_errors
from .checkpoint import save_checkpoint
from .collect import KINDS, Collected, collect
from .dialogues import Turn
from .evaluate import Evaluation, make_exams, make_passages
from .fuse import make_fusion
from .model import Model
from .options import Options, Setting
from .parts import Corrections, Parts
from .replies import sample_replies
from .score import beyond
from .sequences import Maker, Sequence, Tokenizer
from .start import Start, load_start
from .texts import load_texts
from .tune import Learner, Progress, Tuning
from .weights import write_weights


@dataclass
class Score:
    """The fitted score, before any tuning."""

    text: Tensor  # [layers, kv_heads, D + 5]
    chat: Tensor
    spread: Tensor  # [layers, kv_heads, D + 5] standard deviation of each feature
    chosen: dict  # how it was chosen


class Stages:
    """One model, one folder of texts, one folder for what comes out."""

    def __init__(self, model: Model, tokenizer: Tokenizer, texts: Path, out: Path, setting: Setting, log=print) -> None:
        self.model, self.out, self.setting, self.log = model, out, setting, log
        self.options: Options = setting.options
        # A `tune.pt` of another run, or a file for the engine: with its score budgets are measured, from it tuning starts.
        self.start: Path | None = None
        self._tokenizer, self._texts = tokenizer, dict(zip(("fit", "choose"), load_texts(texts)))

    def makers(self, length: int) -> dict[str, Maker]:
        """Of sequences of so many tokens, of both sides."""
        replies = self.replies()
        return {
            side: Maker(self._tokenizer, texts, side, length, tuple(replies[side])) for side, texts in self._texts.items()
        }

    def replies(self) -> dict[str, list[Turn]]:
        """What the model says when it is asked about the texts: half of the other talk in dialogues."""
        count = self.setting.replies
        counts = {"fit": count, "choose": -(-count // 8)}
        path = self.out / "replies.pt"
        return sample_replies(self.model, self._tokenizer, self._texts, counts, self.options.seed, path, self.log)

    def collect(self) -> Collected:
        return collect(self.model, self.makers(self.options.length), self.options, self.out / "collect.pt", self.log)

    def score(self) -> Score:
        """Ridge regressions; the penalties are chosen by what they explain on the choosing side."""
        collected, width = self.collect(), self.model.config.head_dim + 5
        columns, weights, chosen = torch.arange(width), {}, {}
        for kind in KINDS:
            fit, other = (collected.moments[side][kind] for side in ("fit", "choose"))
            found = {ridge: other.explained(0, fit.fit(0, ridge, columns), columns) for ridge in self.setting.ridges}
            best = max(found, key=found.get)
            weights[kind], chosen[kind] = fit.fit(0, best, columns), {"ridge": best, "explained": round(found[best], 4)}
            self.log(f"score: {kind}: ridge {best:g} explains {found[best]:.4f} of the variance")
            for name, more in beyond(self.model.config.head_dim).items():
                wider = torch.cat((columns, torch.arange(more.start, more.stop)))
                explained = other.explained(0, fit.fit(0, best, wider), wider)
                self.log(f"score: {kind}: with {name}, not used: {explained:.4f}")
        text = collected.moments["fit"]["text"]
        spread = (text.xx.diagonal(dim1=-2, dim2=-1)[..., :width] / text.rows).sqrt().clamp(min=1e-2).float()
        chosen["sequences"], chosen["tokens"] = dict(collected.done), collected.tokens
        score = Score(weights["text"], weights["chat"], spread, chosen)
        save_checkpoint(self.out / "score.pt", None, score)
        return score

    def budget(self) -> Errors:
        """Errors by size, under the score as it was fitted, or as another run has tuned it."""
        parts = self._begun().parts(torch.zeros(0))
        text, chat = parts.text.detach(), parts.chat.detach()
        path = self.out / "budget.pt"
        return measure_errors(self.model, self._budgeted(), text, chat, parts.share, self.options, path, self.log)

    def _budgeted(self) -> Iterator[Sequence]:
        """Of each length in turn; others than those of the score, which would look better on its own."""
        seed, lengths = self.options.seed, self.options.budget_lengths
        streams = [self.makers(length)["fit"].stream(f"budget {seed} {i}") for i, length in enumerate(lengths)]
        return chain.from_iterable(zip(*streams))

    def tune(self) -> Progress:
        """Tunes from where `score` and `budget` left off."""
        learner, makers, start = self._begun(), self.makers(self.setting.tune.length), self._started()
        before = start.runs if start else []
        tuning = Tuning(self.model, makers, learner, self._errors(), self.options, self.setting.tune, before)
        return tuning.run(self.out / "tune.pt", self.log)

    def evaluate(self) -> dict[str, dict]:
        """Figures on the choosing side at every mean, without and with what was tuned."""
        maker = self.makers(self.setting.passage_tokens)["choose"]
        passages = make_passages(maker, self.setting.passages, self.options.seed)
        exams = make_exams(maker, self.setting.exams, self.options.seed, self.setting.exam_tokens)
        path = self.out / "full.pt"
        evaluation = Evaluation(self.model, passages, exams, self.options, self.setting.unscored, path)
        found = {}
        for mean in self.setting.means:
            for name, parts in self._variants(mean).items():
                figures, _ = evaluation.measure(parts)
                found[f"{name} {mean}"] = asdict(figures)
                self.log(f"evaluate: {name} at {mean} slots: {figures}")
        (self.out / "evaluate.json").write_text(json.dumps(found, indent=2) + "\n")
        return found

    def export(self, path: Path) -> None:
        """Writes the file that the engine reads, with what was tuned where it was."""
        score, tuned, start = self._need("score.pt", "score"), self._tuned(), self._started()
        trained = {"seed": self.options.seed, "options": asdict(self.options), "score": score.chosen, "texts": self._names()}
        parts = Parts(torch.zeros(0), score.text, score.chat, self.setting.share)
        if tuned is not None:
            parts = tuned.parts(torch.zeros(0))
            run = self.out / "tune.pt"
            trained["tune"] = (load_start(self.model, run) if run.exists() else start).runs
        if start and start.trained:
            trained["started_from"] = start.trained
        write_weights(path, self.model, self.options, parts, self._errors(), trained)
        self.log(f"export: {path}, {path.stat().st_size} bytes")

    def _variants(self, mean: int) -> dict[str, Parts]:
        """By name: without and with what was learned; or all that was, by share, where there are several to compare."""
        score, sizes = self._need("score.pt", "score"), allocate(self._errors(), mean, self.options)
        untuned = Parts(sizes, score.text, score.chat, self.setting.share)
        variants = {"uniform": replace(untuned, sizes=torch.full_like(sizes, mean)), "budgets": untuned}
        tuned = self._tuned()
        if tuned is not None:
            variants["tuned"] = tuned.parts(sizes)
        shares = self.setting.other_shares
        if not shares:
            return variants
        best = list(variants.values())[-1]
        return {f"share {share}": replace(best, share=share) for share in (self.setting.share, *shares)}

    def _learner(self) -> Learner:
        score, config = self._need("score.pt", "score"), self.model.config
        fusion = make_fusion(self.setting.fusion, config, self.options.seed)
        parts = Parts(torch.zeros(0), score.text, score.chat, self.setting.share, fusion=fusion)
        return Learner(parts, score.spread, Corrections(config), self.setting.learning)

    def _begun(self) -> Learner:
        """What is learned as `score` left it, or as another run has tuned it."""
        learner, start = self._learner(), self._started()
        if start:
            start.begin(learner)
        return learner

    def _started(self) -> Start | None:
        return load_start(self.model, self.start) if self.start else None

    def _tuned(self) -> Learner | None:
        """The best that tuning has found, or what was to be started from; None where there is neither."""
        path = self.out / "tune.pt"
        if not path.exists():
            return None if self.start is None else self._begun()
        progress: Progress = torch.load(path, weights_only=False)["state"]
        learner = self._learner()
        learner.load_state_dict(progress.best_state)
        return learner

    def _errors(self) -> Tensor:
        """Errors by size as `budget` has measured them; without that, those of the file that is started from."""
        start = None if (self.out / "budget.pt").exists() else self._started()
        if start and start.errors is not None:
            return start.errors
        return combine(self._need("budget.pt", "budget"), self.options.chat_weight)

    def _need(self, name: str, stage: str):
        path = self.out / name
        if not path.exists():
            raise FileNotFoundError(f"Cannot go on without {path}: run the stage {stage} first")
        return torch.load(path, weights_only=False)["state"]

    def _names(self) -> dict[str, int]:
        """Characters that were fitted on, by file."""
        return {name: len(text) for name, text in self._texts["fit"].files.items()}
