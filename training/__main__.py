"""python -m training STAGE --model X.gguf --text DIR --out DIR: see README.md."""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from .model import Model, load_model, random_model
from .options import Setting, smoke
from .sequences import BYTES, Tokenizer, load_tokenizer
from .stages import Stages
from .weights import enter_in_index

STAGES = ("replies", "collect", "score", "budget", "tune", "evaluate", "export", "all")
DEFAULT_OUT = ".cache/training"


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    began = time.perf_counter()
    log = lambda line: print(f"[{time.perf_counter() - began:6.0f} s] {line}", flush=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            _run(given, Path(given.out or (folder if given.smoke else DEFAULT_OUT)), log)
    except (FileNotFoundError, FloatingPointError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _run(given: argparse.Namespace, out: Path, log) -> None:
    out.mkdir(parents=True, exist_ok=True)
    if not given.resume:
        _refuse_leftovers(out, given.stage)
    stages = _stages(given, out, log)
    chosen = STAGES[:-1] if given.stage == "all" else (given.stage,)
    for stage in chosen:
        if stage == "export":
            _export(given, stages, out)
        else:
            getattr(stages, stage)()


def _stages(given: argparse.Namespace, out: Path, log) -> Stages:
    if given.smoke:
        texts = Path(given.text) if given.text else invented_texts(out)
        return Stages(random_model(given.seed), BYTES, texts, out, smoke(), log)
    if not given.model or not given.text:
        raise ValueError("Cannot train without --model FILE.gguf and --text FOLDER")
    model, tokenizer = _load(Path(given.model))
    stages = Stages(model, tokenizer, Path(given.text), out, _setting(given), log)
    stages.start = Path(given.start) if given.start else None
    return stages


def _load(path: Path) -> tuple[Model, Tokenizer]:
    if not path.is_file():
        raise FileNotFoundError(f"Cannot read {path}: no such file")
    return load_model(path), load_tokenizer(path)


def _setting(given: argparse.Namespace) -> Setting:
    setting = Setting(
        share=given.share,
        other_shares=tuple(map(float, _listed(given.other_shares))),
        replies=given.replies,
        fusion=given.fusion,
        learning=_listed(given.learning),
        means=tuple(map(int, _listed(given.slots))),
    )
    options = replace(
        setting.options, seed=given.seed, sequences=given.sequences, budget_sequences=given.budget_sequences
    )
    tune = replace(
        setting.tune.slower(given.slower),
        batches=given.batches,
        batch=given.tune_batch,
        length=given.tune_length,
        check_every=given.check_every,
        seed=given.tune_seed,
    )
    return replace(setting, options=options, tune=tune)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _export(given: argparse.Namespace, stages: Stages, out: Path) -> None:
    weights = Path(given.weights) if given.weights else out / "weights.safetensors"
    stages.export(weights)
    if given.model and not given.smoke:
        enter_in_index(weights.parent / "index.json", weights, Path(given.model))


def _refuse_leftovers(out: Path, stage: str) -> None:
    """What is there from another run is not taken for this one's by mistake."""
    made = {"all": "replies.pt", "replies": "replies.pt", "collect": "collect.pt", "budget": "budget.pt", "tune": "tune.pt"}.get(stage)
    if made and (out / made).exists():
        raise ValueError(f"Cannot begin in {out}: {made} is there already; go on from it with --resume")


def invented_texts(out: Path) -> Path:
    """Sentences enough to be cut into passages."""
    folder = out / "texts"
    folder.mkdir(parents=True, exist_ok=True)
    sentence = "The {} keeper of the lighthouse counted {} ships before the rain came, and wrote their names down. "
    text = "".join(sentence.format(("old", "young", "tall", "tired")[i % 4], i) for i in range(1100))
    (folder / "lighthouse.txt").write_text(text)
    return folder


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description="Learns the parts of locoloop for a model.")
    parser.add_argument("stage", nargs="?", default="all", choices=STAGES)
    parser.add_argument("--model", help="the GGUF file to train for")
    parser.add_argument("--text", help="folder of .txt files to learn from")
    parser.add_argument("--out", help=f"folder for checkpoints and figures; {DEFAULT_OUT}")
    parser.add_argument("--weights", help="the file to export; models/NAME.safetensors for the engine to find it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sequences", type=int, default=80, help="sequences to fit the score on")
    budget, tune = Setting().options.budget_sequences, Setting().tune
    parser.add_argument("--budget-sequences", type=int, default=budget, help="sequences to measure errors by size on")
    parser.add_argument("--batches", type=int, default=tune.batches, help="batches to tune on")
    parser.add_argument("--tune-batch", type=int, default=tune.batch, help="sequences of a batch, texts and dialogues in turn")
    parser.add_argument("--tune-length", type=int, default=tune.length, help="tokens of a sequence to tune on")
    parser.add_argument("--check-every", type=int, default=tune.check_every, help="batches from one look at the choosing side to the next")
    parser.add_argument("--share", type=float, default=0.35, help="share of the free slots that go by the chat score")
    parser.add_argument("--other-shares", default="", help="what to evaluate it beside, and nothing else: such as 0.25,0.45")
    parser.add_argument("--slots", default="128,256,512", help="mean slots of a head to evaluate at")
    parser.add_argument("--replies", type=int, default=512, help="replies to sample from the model")
    parser.add_argument("--fusion", choices=("none", "merge", "gated", "conv"), default="merge")
    parser.add_argument("--learning", default="score,corrections,fusion", help="what tuning changes")
    parser.add_argument("--slower", type=float, default=1, help="by what to divide the rates of tuning, to go on from another run")
    parser.add_argument("--tune-seed", type=int, default=tune.seed, help="another one draws other sequences to tune on")
    parser.add_argument(
        "--start",
        help="tune.pt of another run, or a .safetensors file for the engine: budgets are measured with its score, and tuning starts from it",
    )
    parser.add_argument("--resume", action="store_true", help="go on from what is in --out")
    parser.add_argument("--smoke", action="store_true", help="everything once, with a tiny random model")
    return parser


if __name__ == "__main__":
    sys.exit(main())
