"""Budgets by error curves."""

import unittest

import torch

from training.budget import LEAST_FREE, MOST, SIZES, allocate
from training.options import Options

OPTIONS = Options()


def curves(seed: int = 0) -> torch.Tensor:
    """[4, 3, sizes] falling errors of very different heights."""
    generator = torch.Generator().manual_seed(seed)
    falls = torch.rand(4, 3, len(SIZES), generator=generator).clamp(min=0.05)
    height = 10 ** (torch.rand(4, 3, 1, generator=generator) * 4 - 4)
    return falls.cumprod(-1) * height


class AllocateTest(unittest.TestCase):
    def test_gives_out_exactly_the_mean_within_bounds(self) -> None:
        for mean in (40, 48, 100, 128, 256, 512, 777):
            slots = allocate(curves(), mean, OPTIONS)
            self.assertEqual(int(slots.sum()), mean * 12)
            least = min(mean, OPTIONS.sinks + OPTIONS.recent + LEAST_FREE)
            self.assertGreaterEqual(int(slots.min()), least)
            self.assertLessEqual(int(slots.max()), max(mean, min(int(MOST * mean), SIZES[-1])))

    def test_gives_more_to_units_that_lose_more(self) -> None:
        errors = curves()[:1, :1].expand(1, 2, -1).clone()
        errors[0, 1] *= 100
        slots = allocate(errors, 128, OPTIONS)
        self.assertGreater(int(slots[0, 1]), int(slots[0, 0]))


if __name__ == "__main__":
    unittest.main()
