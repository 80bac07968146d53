"""Sequences of tokens to learn from: texts and dialogues of one length."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from .dialogues import Source, Story, Turn, draw_story, filler
from .texts import Texts

# Tokens that see too little to say anything about a cache.
UNSCORED = 128


@dataclass(frozen=True)
class Tokenizer:
    """Text to tokens and back."""

    encode: Callable[[str], list[int]]
    decode: Callable[[list[int]], str]


@dataclass(frozen=True)
class Sequence:
    """Tokens, and which of them count: all of a text but its start, only the answers of a dialogue."""

    kind: str  # "text" or "chat"
    ids: Tensor  # [tokens] int64
    counts: Tensor  # [tokens] bool: whether predicting this token counts


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a GGUF file; special tokens are parsed."""
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    return Tokenizer(lambda text: tokenizer(text, add_special_tokens=False).input_ids, tokenizer.decode)


# The tokenizer of the tiny model of `--smoke`.
BYTES = Tokenizer(lambda text: list(text.encode()), lambda ids: bytes(ids).decode(errors="replace"))


def turn(user: str, assistant: str) -> str:
    return f"<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n{assistant}<|im_end|>\n"


def question(user: str, begun: str) -> str:
    return f"<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n{begun}"


class Maker:
    """Makes sequences of one side of the split. The same seed gives the same ones."""

    def __init__(
        self, tokenizer: Tokenizer, texts: Texts, side: str, length: int, replies: tuple[Turn, ...] = ()
    ) -> None:
        self.encode = tokenizer.encode
        self.texts = texts
        self.side = side
        self.length = length
        self.replies = replies

    def stream(self, seed: int | str, kinds: tuple[str, ...] = ("text", "chat")) -> Iterator[Sequence]:
        """Endlessly, the kinds in turn; the n-th depends on seed and n alone."""
        number = 0
        while True:
            kind = kinds[number % len(kinds)]
            rng = random.Random(f"{self.side} {seed} {number}")
            yield self.text(rng) if kind == "text" else self.dialogue(rng)
            number += 1

    def text(self, rng: random.Random) -> Sequence:
        characters = self.length * 8
        ids: list[int] = []
        while len(ids) < self.length:
            ids = self.encode(self.texts.passage(rng, characters))
        counts = torch.arange(self.length) >= min(UNSCORED, self.length // 4)
        return Sequence("text", torch.tensor(ids[: self.length]), counts)

    def dialogue(self, rng: random.Random) -> Sequence:
        source = Source(rng, self.side)
        ids, counts = self._fit_into(draw_story(source), source, self.length)
        return Sequence("chat", torch.tensor(ids), torch.tensor(counts))

    def _fit_into(self, story: Story, source: Source, length: int) -> tuple[list[int], list[bool]]:
        """Story, other talk, questions; the talk is cut so that the whole has exactly `length` tokens."""
        tail, counts = self._tail(story, source)
        ids = self.opening(story, source, length - len(tail))
        return (ids + tail)[-length:], ([False] * len(ids) + counts)[-length:]

    def opening(self, story: Story, source: Source, length: int) -> list[int]:
        """Story and other talk, `length` tokens of them, cut off within a turn."""
        ids = self.encode(f"<|im_start|>system\n{story.system}<|im_end|>\n")
        for user, assistant in story.turns:
            ids += self.encode(turn(user, assistant))
        next_turn = filler(source, self.texts, self.replies)
        end = self.encode("<|im_end|>\n")
        while len(ids) < length:
            user, assistant = next_turn()
            ids += self.encode(turn(user, assistant + story.ending))
        return ids[: length - len(end)] + end

    def _tail(self, story: Story, source: Source) -> tuple[list[int], list[bool]]:
        ids: list[int] = []
        counts: list[bool] = []
        for asked in source.rng.sample(story.questions, len(story.questions)):
            parts = (question(asked.ask, asked.begun), asked.answer, ".<|im_end|>\n")
            for part, counted in zip(parts, (False, True, False)):
                tokens = self.encode(part)
                ids += tokens
                counts += [counted] * len(tokens)
        return ids, counts
