"""Replies of the model itself: what they are of, and that they can be taken up again."""

import tempfile
import unittest
from pathlib import Path

import torch

from training.__main__ import invented_texts
from training.replies import _Reader, sample_replies
from training.sequences import BYTES, Maker
from training.tests import tiny
from training.texts import load_texts


class RepliesTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.texts = dict(zip(("fit", "choose"), load_texts(invented_texts(self.folder))))

    def sample(self, name: str, log=lambda line: None) -> dict:
        counts = {"fit": 33, "choose": 1}
        return sample_replies(tiny.model(), BYTES, self.texts, counts, 0, self.folder / name, log)

    def test_reading_token_by_token_gives_the_logits_of_the_whole(self) -> None:
        model, ids = tiny.model(), tiny.tokens(3, 9)
        reader = _Reader(model, 3, 9)
        reader.read(ids[:, :6])
        for end in range(6, 9):
            found = reader.read(ids[:, end : end + 1])
            expected = model.logits(model.hidden_states(ids[:, : end + 1])[:, -1])
            self.assertTrue(torch.allclose(found, expected, atol=1e-4))

    def test_a_turn_asks_about_the_texts_of_its_side(self) -> None:
        turns = self.sample("replies.pt")
        self.assertEqual({side: len(found) for side, found in turns.items()}, {"fit": 33, "choose": 1})
        for side, found in turns.items():
            for user, reply in found:
                excerpt = user[-30:]
                self.assertIn(excerpt, self.texts[side].files["lighthouse"])
                self.assertTrue(reply)

    def test_what_was_broken_off_goes_on_to_the_same_replies(self) -> None:
        def stop(line: str) -> None:
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            self.sample("broken.pt", stop)
        self.assertEqual(self.sample("broken.pt"), self.sample("whole.pt"))

    def test_half_of_the_other_talk_is_replies(self) -> None:
        turns = tuple((f"request {i}", f"reply {i}") for i in range(50))
        maker = Maker(BYTES, self.texts["fit"], "fit", 4000, turns)
        streams = [maker.stream(seed, ("chat",)) for seed in range(8)]
        texts = [BYTES.decode(next(stream).ids.tolist()) for stream in streams]
        replies = sum(text.count("user\nrequest") for text in texts)
        paragraphs = sum(text.count("assistant\nThe ") for text in texts)
        self.assertGreater(replies, paragraphs / 2)
        self.assertGreater(paragraphs, replies / 4)


if __name__ == "__main__":
    unittest.main()
