"""Texts and dialogues, and their split."""

import random
import re
import tempfile
import unittest
from pathlib import Path

from training.__main__ import invented_texts
from training.dialogues import SHAPES, Source
from training.sequences import BYTES, Maker
from training.texts import load_texts

BENCH = Path(__file__).parents[2] / "bench" / "quality"


class DataTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.fit, self.choose = load_texts(invented_texts(self.folder))

    def test_texts_are_cut_in_two(self) -> None:
        fit, choose = self.fit.files["lighthouse"], self.choose.files["lighthouse"]
        whole = (self.folder / "texts" / "lighthouse.txt").read_text()
        self.assertEqual(fit + choose, whole)
        self.assertAlmostEqual(len(choose) / len(whole), 0.12, places=3)

    def test_texts_that_are_too_short_are_refused(self) -> None:
        empty = self.folder / "empty"
        empty.mkdir()
        (empty / "short.txt").write_text("too short")
        with self.assertRaisesRegex(ValueError, "at least 85,000 characters"):
            load_texts(empty)

    def test_names_and_values_of_the_two_sides_differ(self) -> None:
        drawn = {side: set() for side in ("fit", "choose")}
        for side, words in drawn.items():
            source = Source(random.Random(1), side)
            for _ in range(200):
                words.update(source.people(4), source.values("place", 3), source.values("long", 3))
        self.assertFalse(drawn["fit"] & drawn["choose"])

    def test_what_the_bench_asks_for_is_in_no_dialogue(self) -> None:
        """The words of bench/quality/facts.ts and pairs.ts."""
        lists = "".join((BENCH / name).read_text() for name in ("facts.ts", "pairs.ts"))
        held_out = {word for words in re.findall(r'"([\w ]{30,})"', lists) for word in words.split()}
        self.assertGreater(len(held_out), 60)
        values = (Path(__file__).parents[1] / "dialogues.py").read_text()
        used = set(re.findall(r"\w+", values[values.index("_PEOPLE") : values.index("_NUMBERS")]))
        self.assertEqual(held_out & used, set())

    def test_every_shape_asks_for_what_was_told(self) -> None:
        for name, (_, make) in SHAPES.items():
            for seed in range(20):
                story = make(Source(random.Random(seed), "fit"))
                told = story.system + " ".join(f"{user} {reply}" for user, reply in story.turns)
                self.assertTrue(story.questions, name)
                for asked in story.questions:
                    self.assertIn(asked.answer.strip(), told, name)

    def test_sequences_have_their_length_and_depend_on_the_seed_alone(self) -> None:
        maker = Maker(BYTES, self.fit, "fit", 900)
        first, again = ([s for _, s in zip(range(6), maker.stream(3))] for _ in range(2))
        for one, other in zip(first, again):
            self.assertEqual(len(one.ids), 900)
            self.assertTrue(bool(one.counts.any()))
            self.assertTrue(one.ids.equal(other.ids))
        self.assertFalse(first[0].ids.equal(next(maker.stream(4)).ids))


if __name__ == "__main__":
    unittest.main()
