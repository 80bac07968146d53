"""llama.cpp's own inference of the same file: a yardstick, not the reference.

It computes with 8-bit activations, so it shows how far from the float32 reference a good
implementation of that kind lands.
"""

from pathlib import Path

import numpy as np
from llama_cpp import Llama


class Peer:
    def __init__(self, gguf: Path):
        self.model = Llama(str(gguf), n_ctx=512, n_batch=512, logits_all=True, verbose=False)

    def logits(self, tokens: list[int]) -> np.ndarray:
        """Logits [token, vocab] of `tokens` from an empty context."""
        self.model.reset()
        self.model.eval(tokens)
        return self.model.scores[: len(tokens)].copy()

    def greedy(self, prompt: list[int], count: int) -> list[int]:
        """The `count` likeliest tokens after `prompt`, one by one."""
        self.model.reset()
        self.model.eval(prompt)
        chosen: list[int] = []
        while True:
            chosen.append(int(self.model.scores[self.model.n_tokens - 1].argmax()))
            if len(chosen) == count:
                return chosen
            self.model.eval(chosen[-1:])
