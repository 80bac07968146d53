"""The texts to learn from, and their split into what is fitted on and what options are chosen by."""

import random
import re
from dataclasses import dataclass
from pathlib import Path

# The last part of every file is read only to choose options and to stop early.
CHOOSE_SHARE = 0.12

_PARAGRAPH = re.compile(r"\S.{180,480}?[.!?](?=\s)", re.DOTALL)


@dataclass(frozen=True)
class Texts:
    """One side of the split. Files are drawn by their length."""

    files: dict[str, str]

    def passage(self, rng: random.Random, characters: int) -> str:
        """A run of text from a random place of a random file."""
        text = self._draw(rng)
        start = rng.randrange(max(1, len(text) - characters))
        return text[start : start + characters]

    def paragraphs(self, rng: random.Random, count: int) -> list[str]:
        """Consecutive pieces of 180 to 480 characters that end with a sentence."""
        found = [" ".join(piece.split()) for piece in _PARAGRAPH.findall(self.passage(rng, 1500 * count))]
        return [piece for piece in found if _is_prose(piece)][:count]

    def _draw(self, rng: random.Random) -> str:
        texts = list(self.files.values())
        # The square root keeps a long manual from crowding out everything else.
        return rng.choices(texts, [len(text) ** 0.5 for text in texts])[0]


def _is_prose(piece: str) -> bool:
    """Whether it is words, not a table or a listing."""
    return sum(letter.isalpha() or letter == " " for letter in piece) > 0.88 * len(piece)


def load_texts(folder: Path) -> tuple[Texts, Texts]:
    """The texts to fit on and those to choose by: the `.txt` files of a folder, each cut in two.

    Raises ValueError if they are too short to be cut into passages.
    """
    fit, choose = {}, {}
    for path in sorted(folder.glob("*.txt")):
        text = path.read_text(encoding="utf8")
        cut = round(len(text) * (1 - CHOOSE_SHARE))
        fit[path.stem], choose[path.stem] = text[:cut], text[cut:]
    shortest = min((len(text) for text in choose.values()), default=0)
    if shortest < 10_000:
        raise ValueError(f"Cannot learn from {folder}: it needs .txt files of at least 85,000 characters")
    return Texts(fit), Texts(choose)
