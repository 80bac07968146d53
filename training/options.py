"""What training is told."""

from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class Options:
    """Choices that the learned parts depend on; all are written into the file."""

    # The cache, as the engine has it.
    sinks: int = 4
    recent: int = 32
    block: int = 64
    # What a distance may exceed a slot's rank by.
    far: int = 512
    # Collecting: tokens of a sequence, sequences, and of which blocks compactions are looked at.
    length: int = 1536
    sequences: int = 80
    every: int = 3
    least_tokens: int = 320
    seed: int = 0
    # Sequences that errors by size are measured on, and their tokens, in turn. A dialogue has few answers: budgets that
    # rest on a dozen sequences rest on some fifty answer tokens.
    budget_sequences: int = 96
    budget_lengths: tuple[int, ...] = (1536, 1536, 3072)
    # What an answer token's error counts in budgets, compared with a token of text.
    chat_weight: float = 0.1

    def collecting(self) -> dict:
        """What collected sums depend on; their number of sequences may grow."""
        others = ("sequences", "budget_sequences", "budget_lengths", "chat_weight")
        return {k: v for k, v in asdict(self).items() if k not in others}


@dataclass(frozen=True)
class TuneOptions:
    """How the learned parts are tuned together."""

    batches: int = 100
    batch: int = 4
    length: int = 1280
    # Mean slots of a unit, drawn for each batch.
    means: tuple[int, ...] = (96, 128, 128, 160, 256, 384, 512)
    # Mean slots at which it is judged on the choosing side.
    check_means: tuple[int, ...] = (128, 256, 512)
    # Blocks that a gradient passes through.
    span: int = 3
    # What an answer token counts, compared with any other.
    answer_weight: float = 4.0
    rate: float = 3e-3
    output_rate: float = 1e-3
    score_rate: float = 1e-3
    fusion_rate: float = 1e-2
    # Of the running mean of parameters, which is what is kept.
    averaging: float = 0.98
    check_every: int = 12
    seed: int = 1

    def slower(self, factor: float) -> "TuneOptions":
        """With rates that are `factor` times smaller."""
        names = ("rate", "output_rate", "score_rate", "fusion_rate")
        return replace(self, **{name: getattr(self, name) / factor for name in names})


@dataclass(frozen=True)
class Setting:
    """Everything that a run is told."""

    options: Options = Options()
    tune: TuneOptions = TuneOptions()
    # Share of the free slots that go by the chat score, and those that are compared with it.
    share: float = 0.35
    other_shares: tuple[float, ...] = ()
    # Replies to sample from the model, to fit on; an eighth as many to choose by.
    replies: int = 512
    # Penalties of the regressions that are tried on the choosing side.
    ridges: tuple[float, ...] = (3.0, 30.0, 300.0, 3000.0, 30_000.0)
    # What tuning changes: "score", "corrections", "fusion".
    learning: tuple[str, ...] = ("score", "corrections", "fusion")
    # "none", "merge", "gated" or "conv".
    fusion: str = "merge"
    # Evaluation on the choosing side.
    means: tuple[int, ...] = (128, 256, 512)
    passages: int = 6
    passage_tokens: int = 2048
    unscored: int = 512
    exams: int = 60
    exam_tokens: int = 1024


def smoke() -> Setting:
    """Everything once, in seconds, with the tiny model."""
    options = Options(
        block=16, recent=8, length=192, sequences=4, every=2, least_tokens=64, budget_sequences=4, budget_lengths=(192, 256)
    )
    tune = TuneOptions(batches=2, batch=2, length=192, means=(24,), check_means=(24,), check_every=1)
    return Setting(
        options, tune, replies=4, means=(24,), passages=2, passage_tokens=160, unscored=64, exams=2, exam_tokens=96
    )
