"""What stays at a compaction, and the gradient of that choice."""

import unittest

import torch

from training.cache import Cache
from training.score import HORIZON
from training.select import FALL, choose, gates
from training.tests.tiny import OPTIONS, model, parts


def compaction(sizes: list[int], share: float = 0.5, older: int = 0):
    """A layer of 24 tokens, the first 12 of them `older` tokens before the others, with random keys and attention, and
    what is chosen of it."""
    tiny = model()
    generator = torch.Generator().manual_seed(5)
    shape = (1, tiny.config.kv_heads, 24)
    keys = torch.randn(*shape, tiny.config.head_dim, generator=generator)
    slots = Cache.empty(tiny.config, 1).layers[0].append(keys, keys, 0)
    slots.token[..., 12:] += older
    attention = torch.rand(shape, generator=generator) * 0.1
    weights = parts(tiny, [[24, 24], [24, 24]])
    text = weights.text[0].requires_grad_()
    none = torch.zeros(2, dtype=torch.long)
    choice = choose(slots, attention, text, weights.chat[0], torch.tensor(sizes), none, share, OPTIONS)
    return choice, text


class ChooseTest(unittest.TestCase):
    def test_keeps_sinks_recent_and_the_best_by_either_score(self) -> None:
        choice, _ = compaction([12, 10])
        for head, size in enumerate([12, 10]):
            free = size - OPTIONS.sinks - OPTIONS.recent
            open_ = list(range(OPTIONS.sinks, 24 - OPTIONS.recent))
            by = lambda scores: sorted(open_, key=lambda slot: -float(scores[0, head, slot]))
            expected = set(by(choice.chat)[: free // 2])
            left = [slot for slot in by(choice.text) if slot not in expected]
            expected |= set(left[: free - free // 2]) | {0, 1, 20, 21, 22, 23}
            self.assertEqual(set(choice.kept[0, head].nonzero().flatten().tolist()), expected)

    def test_keeps_all_where_nothing_overflows(self) -> None:
        choice, _ = compaction([24, 10])
        self.assertTrue(choice.kept[0, 0].all())
        self.assertEqual(int(choice.kept[0, 1].sum()), 10)

    def test_gives_all_to_the_text_score_with_a_share_of_0(self) -> None:
        choice, _ = compaction([12, 12], share=0)
        open_ = slice(OPTIONS.sinks, 24 - OPTIONS.recent)
        best = choice.text[0, 0, open_].topk(6).indices + OPTIONS.sinks
        self.assertTrue(choice.kept[0, 0, best].all())


    def test_lets_the_text_score_fall_beyond_the_horizon(self) -> None:
        near, far = (compaction([12, 12], older=older)[0] for older in (HORIZON - 24, 8 * HORIZON - 24))
        age = torch.arange(24, 12, -1).float()
        before, after = age + HORIZON - 24, age + 8 * HORIZON - 24
        learned = parts(model(), [[24, 24], [24, 24]])
        fall = FALL * (after / HORIZON).log()
        for far_score, near_score, weights, less in (
            (far.text, near.text, learned.text[0], fall),
            (far.chat, near.chat, learned.chat[0], 0),
        ):
            moved = (far_score - near_score)[0]
            expected = weights[:, -3, None] * (after / before).log() - less
            self.assertTrue(torch.allclose(moved[:, :12], expected, atol=1e-3))
            self.assertFalse(moved[:, 12:].any())


class GatesTest(unittest.TestCase):
    def test_are_what_was_kept_and_raise_what_would_have_helped(self) -> None:
        choice, text = compaction([12, 12], share=0)
        gate = gates(choice)
        self.assertTrue(torch.equal(gate, choice.kept.float()))
        wanted = torch.zeros_like(gate)
        wanted[0, 0, 8] = -1.0  # the loss would fall if slot 8 were there
        slope = torch.autograd.grad(gate, choice.text, wanted)[0]
        self.assertLess(slope[0, 0, 8].item(), 0)
        # A slot can only rise at the expense of others.
        self.assertLess(abs(slope[0, 0].sum().item()), 1e-6)

    def test_leave_units_alone_that_do_not_overflow(self) -> None:
        choice, text = compaction([24, 24])
        slope = torch.autograd.grad(gates(choice).sum() * 3 + choice.text.sum() * 0, text)[0]
        self.assertEqual(slope.abs().sum().item(), 0)


if __name__ == "__main__":
    unittest.main()
