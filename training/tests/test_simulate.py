"""The simulated cache."""

import unittest

import torch

from training.fuse import ConvFusion, GatedFusion
from training.simulate import Simulator
from training.tests.tiny import OPTIONS, model, parts, tokens

SIZES = [[12, 16], [9, 20]]


def read(simulator: Simulator, ids: torch.Tensor) -> torch.Tensor:
    pieces = [simulator.read(ids[:, i : i + OPTIONS.block]) for i in range(0, ids.shape[1], OPTIONS.block)]
    return simulator.model.logits(torch.cat(pieces, 1))


class SimulatorTest(unittest.TestCase):
    def setUp(self) -> None:
        self.model = model()
        self.ids = tokens(2, 64)
        self.full = self.model.logits(self.model.hidden_states(self.ids))

    def test_gives_the_models_logits_when_nothing_is_evicted(self) -> None:
        found = read(Simulator(self.model, None, OPTIONS, 2), self.ids)
        self.assertLess((found - self.full).abs().max().item(), 1e-4)

    def test_gives_the_models_logits_while_nothing_overflows_though_corrected(self) -> None:
        roomy = parts(self.model, [[64, 64], [64, 64]], corrected=True)
        found = read(Simulator(self.model, roomy, OPTIONS, 2), self.ids)
        self.assertLess((found - self.full).abs().max().item(), 1e-4)

    def test_keeps_every_unit_at_its_size_with_sinks_and_recent_tokens(self) -> None:
        simulator = Simulator(self.model, parts(self.model, SIZES), OPTIONS, 2)
        read(simulator, self.ids)
        for slots, sizes in zip(simulator.cache.layers, SIZES):
            self.assertEqual(slots.live.tolist(), sizes)
            for head, size in enumerate(sizes):
                for row in range(2):
                    kept = slots.token[row, head, -size:].tolist()
                    self.assertEqual(kept, sorted(set(kept)))
                    self.assertEqual(kept[: OPTIONS.sinks], [0, 1])
                    self.assertEqual(kept[-OPTIONS.recent :], [60, 61, 62, 63])

    def test_sees_slots_at_capped_true_positions(self) -> None:
        simulator = Simulator(self.model, parts(self.model, SIZES), OPTIONS, 2)
        read(simulator, self.ids)
        slots = simulator.cache.layers[1]
        for head, size in enumerate(SIZES[1]):
            for index in range(size):
                at = slots.total - size + index
                distance = min(64 - int(slots.token[0, head, at]), size - index + OPTIONS.far)
                self.assertEqual(int(slots.position[0, head, at]), 64 - distance)

    def test_does_not_mix_sequences_of_a_batch(self) -> None:
        together = read(Simulator(self.model, parts(self.model, SIZES), OPTIONS, 2), self.ids)
        alone = read(Simulator(self.model, parts(self.model, SIZES), OPTIONS, 1), self.ids[1:])
        self.assertLess((together[1:] - alone).abs().max().item(), 1e-4)

    def test_does_not_let_empty_slots_be_seen(self) -> None:
        """A head is the same whether the other is larger or not."""
        small = Simulator(self.model, parts(self.model, [[12, 12], [64, 64]]), OPTIONS, 1)
        ragged = Simulator(self.model, parts(self.model, [[12, 40], [64, 64]]), OPTIONS, 1)
        for simulator in (small, ragged):
            read(simulator, self.ids[:1])
        one, other = (simulator.cache.layers[0] for simulator in (small, ragged))
        self.assertEqual(one.token[0, 0, -12:].tolist(), other.token[0, 0, -12:].tolist())

    def test_fused_slots_take_the_place_of_others(self) -> None:
        for fusion in (GatedFusion(self.model.config, most=3), ConvFusion(self.model.config, rows=4, kernel=3)):
            # The tiny cache has fewer protected slots than a real one.
            fusion.counts = lambda free: torch.full_like(free, 2)
            fused = parts(self.model, SIZES)
            fused.fusion = fusion
            simulator = Simulator(self.model, fused, OPTIONS, 2)
            logits = read(simulator, self.ids)
            self.assertTrue(logits.isfinite().all())
            for slots, sizes in zip(simulator.cache.layers, SIZES):
                self.assertEqual(slots.live.tolist(), sizes)
                self.assertEqual(slots.fused.tolist(), [2, 2])

    def test_conv_fusion_with_blend_0_keeps_the_best_by_attention(self) -> None:
        fusion = ConvFusion(self.model.config, rows=4, kernel=3)
        fusion.counts = lambda free: torch.full_like(free, 2)
        with torch.no_grad():
            fusion.blend.zero_()
        fused = parts(self.model, SIZES)
        fused.fusion = fusion
        simulator = Simulator(self.model, fused, OPTIONS, 1)
        kept_keys = []
        for i in range(0, 64, OPTIONS.block):
            simulator.read(self.ids[:1, i : i + OPTIONS.block])
        slots = simulator.cache.layers[0]
        _, keys, _ = self.model.project(0, self.model.embedding[self.ids[:1]])
        for at in range(slots.total - 12, slots.total):
            token = int(slots.token[0, 0, at])
            self.assertLess((slots.keys[0, 0, at] - keys[0, 0, token]).abs().max().item(), 1e-5)

    def test_passes_a_gradient_to_every_learned_part(self) -> None:
        learned = parts(self.model, SIZES, corrected=True)
        learned.fusion = GatedFusion(self.model.config)
        learned.fusion.counts = lambda free: torch.full_like(free, 2)
        learned.text = torch.nn.Parameter(learned.text)
        learned.chat = torch.nn.Parameter(learned.chat)
        simulator = Simulator(self.model, learned, OPTIONS, 2, learn_choice=True)
        read(simulator, self.ids).square().mean().backward()
        for tensor in (learned.text, learned.chat, *learned.corrections.parameters(), *learned.fusion.parameters()):
            self.assertGreater(tensor.grad.abs().sum().item(), 0)

    def test_learning_the_choice_does_not_change_what_is_computed(self) -> None:
        learned = parts(self.model, SIZES)
        learned.text = torch.nn.Parameter(learned.text)
        plain = read(Simulator(self.model, learned, OPTIONS, 2), self.ids)
        learning = read(Simulator(self.model, learned, OPTIONS, 2, learn_choice=True), self.ids)
        self.assertLess((plain - learning).abs().max().item(), 1e-5)


if __name__ == "__main__":
    unittest.main()
