"""The stages as a whole, on the tiny model: deterministic, resumable, and stopped by numbers that are not finite."""

import contextlib
import io
import json
import tempfile
import unittest
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import save_file

from training.__main__ import invented_texts, main
from training.model import random_model
from training.options import smoke
from training.sequences import BYTES
from training.stages import Stages
from training.weights import read_history, read_weights


def quiet(*arguments: str) -> int:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return main([*arguments, "--smoke"])


def stages(out: Path, setting=None) -> Stages:
    return Stages(random_model(0), BYTES, invented_texts(out), out, setting or smoke(), lambda line: None)


class StagesTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def weights(self, name: str) -> dict[str, torch.Tensor]:
        return read_weights(self.folder / name / "weights.safetensors")[0]

    def test_the_same_seed_gives_the_same_weights(self) -> None:
        for name in ("one", "other"):
            self.assertEqual(quiet("all", "--out", str(self.folder / name)), 0)
        one, other = self.weights("one"), self.weights("other")
        self.assertEqual(set(one), set(other))
        for name in one:
            self.assertTrue(torch.equal(one[name], other[name]), name)

    def test_tuning_goes_on_from_a_checkpoint_as_if_it_had_not_stopped(self) -> None:
        for name in ("whole", "halved"):
            for stage in ("collect", "score", "budget"):
                quiet(stage, "--out", str(self.folder / name), "--resume")
        whole = stages(self.folder / "whole").tune()
        interrupted(stages(self.folder / "halved"))
        resumed = stages(self.folder / "halved").tune()
        self.assertEqual(whole.curve, resumed.curve)
        for name, value in whole.average.items():
            self.assertTrue(torch.equal(value, resumed.average[name]), name)

    def test_a_folder_with_results_is_refused_without_resume(self) -> None:
        out = str(self.folder / "out")
        self.assertEqual(quiet("collect", "--out", out), 0)
        self.assertEqual(quiet("collect", "--out", out), 1)
        self.assertEqual(quiet("collect", "--out", out, "--resume"), 0)

    def test_a_checkpoint_of_other_options_is_refused(self) -> None:
        stages(self.folder).collect()
        setting = replace(smoke(), options=replace(smoke().options, every=1))
        with self.assertRaisesRegex(ValueError, "Cannot resume from .*collect.pt"):
            stages(self.folder, setting).collect()

    def test_a_stage_names_the_one_that_it_needs(self) -> None:
        with self.assertRaisesRegex(FileNotFoundError, "run the stage score first"):
            stages(self.folder).tune()

    def test_tuning_stops_at_a_loss_that_is_not_finite_and_keeps_the_last_good_state(self) -> None:
        made = stages(self.folder)
        made.score()
        made.budget()
        interrupted(made)
        good = torch.load(self.folder / "tune.pt", weights_only=False)["state"]
        made.model.norm[3] = float("nan")
        made.log = lambda line: None
        with self.assertRaisesRegex(FloatingPointError, "the loss of batch 2 is nan"):
            made.tune()
        kept = torch.load(self.folder / "tune.pt", weights_only=False)["state"]
        self.assertEqual(kept.done, 1)
        for name, value in good.best_state.items():
            self.assertTrue(torch.equal(value, kept.best_state[name]), name)

    def test_the_file_says_what_it_was_made_for_and_of(self) -> None:
        quiet("all", "--out", str(self.folder / "one"))
        tensors, metadata = read_weights(self.folder / "one" / "weights.safetensors")
        self.assertEqual(metadata["format"], "locoloop-learned/1")
        self.assertEqual((self.folder / "one" / "weights.safetensors").stat().st_mode & 0o777, 0o644)
        trained = json.loads(metadata["trained"])
        self.assertEqual([[batch for batch, _ in run["curve"]] for run in trained["tune"]], [[0, 1, 2]])
        self.assertEqual(tuple(tensors["correction.od"].shape), (2, 96))
        errors = tensors["budget.error"]
        self.assertTrue((errors[..., 1:] <= errors[..., :-1]).all() and (errors > 0).all())

    def test_the_file_says_what_runs_it_was_tuned_in(self) -> None:
        first, second = stages(self.folder / "first"), stages(self.folder / "second")
        for made in (first, second):
            made.score()
            made.budget()
        first.tune()
        second.start = self.folder / "first" / "tune.pt"
        second.setting = replace(smoke(), tune=replace(smoke().tune, batches=1, length=160))
        second.tune()
        second.export(self.folder / "weights.safetensors")
        trained = json.loads(read_weights(self.folder / "weights.safetensors")[1]["trained"])
        self.assertEqual([(run["length"], run["batches"]) for run in trained["tune"]], [(192, 2), (160, 1)])

    def test_tuning_goes_on_from_a_file_for_the_engine(self) -> None:
        file = self.folder / "one" / "weights.safetensors"
        quiet("all", "--out", str(file.parent))
        setting = replace(smoke(), options=replace(smoke().options, seed=5))
        first, second = stages(file.parent), stages(self.folder / "other", setting)
        # Of other sequences: another score, until it takes over.
        score = second.score()
        self.assertFalse(torch.equal(score.text, first._tuned().parts(torch.zeros(0)).text))
        second.start = file
        ours, theirs = first._tuned().parts(torch.zeros(0)), second._begun().parts(torch.zeros(0))
        for name in ("text", "chat"):
            self.assertLess((getattr(ours, name) - getattr(theirs, name)).abs().max().item(), 1e-5, name)
        for part in ("corrections", "fusion"):
            for (name, one), other in zip(getattr(ours, part).named_parameters(), getattr(theirs, part).parameters()):
                self.assertTrue(torch.equal(one, other), name)
        second.export(self.folder / "untouched.safetensors")
        untouched = read_weights(self.folder / "untouched.safetensors")[0]
        for name, tensor in self.weights("one").items():
            self.assertLess((untouched[name] - tensor).abs().max().item(), 1e-5, name)
        second.tune()
        second.export(self.folder / "weights.safetensors")
        tensors, metadata = read_weights(self.folder / "weights.safetensors")
        trained = json.loads(metadata["trained"])
        self.assertEqual(len(trained["tune"]), 2)
        self.assertEqual((trained["seed"], trained["started_from"]["seed"]), (5, 0))
        self.assertTrue(torch.equal(tensors["budget.error"], self.weights("one")["budget.error"]))

    def test_fusion_of_another_form_begins_anew(self) -> None:
        quiet("all", "--out", str(self.folder / "one"))
        for start in ("weights.safetensors", "tune.pt"):
            for fusion in ("gated", "conv", "none"):
                made = stages(self.folder / "one", replace(smoke(), fusion=fusion))
                untouched = made._begun().parts(torch.zeros(0)).fusion
                made.start = self.folder / "one" / start
                begun = made._begun().parts(torch.zeros(0))
                self.assertTrue(begun.corrections.od.any())
                if untouched is not None:
                    for one, other in zip(untouched.parameters(), begun.fusion.parameters(), strict=True):
                        self.assertTrue(torch.equal(one, other), fusion)

    def test_the_shipped_file_tells_of_its_runs(self) -> None:
        shipped = Path(__file__).parents[2] / "models" / "smollm2-135m.safetensors"
        trained, runs = read_history(read_weights(shipped)[1])
        self.assertEqual([run["batches"] for run in runs], [44, 40])
        self.assertFalse({"tune", "before"} & set(trained))

    def test_a_file_that_cannot_be_started_from_is_refused(self) -> None:
        made = stages(self.folder)
        made.score()
        quiet("all", "--out", str(self.folder / "one"))
        whole = (self.folder / "one" / "weights.safetensors").read_bytes()
        made.start = self.folder / "start.safetensors"
        with self.assertRaisesRegex(FileNotFoundError, "Cannot read .*start.safetensors"):
            made.tune()
        made.start.write_bytes(whole[: len(whole) // 2])
        with self.assertRaisesRegex(ValueError, "Cannot read .*start.safetensors"):
            made.tune()
        save_file({"a": torch.zeros(1)}, made.start)
        with self.assertRaisesRegex(ValueError, "it is not a file of learned parts"):
            made.tune()
        tensors, metadata = read_weights(self.folder / "one" / "weights.safetensors")
        save_file({name: tensor for name, tensor in tensors.items() if name != "score.chat"}, made.start, metadata)
        with self.assertRaisesRegex(ValueError, "it lacks score.chat"):
            made.tune()
        made.start.write_bytes(whole)
        made.model = replace(made.model, sha256="ab")
        with self.assertRaisesRegex(ValueError, "it was made for another model"):
            made.tune()

    def test_budgets_rest_on_sequences_of_all_lengths(self) -> None:
        made = stages(self.folder)
        drawn = list(islice(made._budgeted(), 4))
        self.assertEqual([len(sequence.ids) for sequence in drawn], [192, 256, 192, 256])
        self.assertEqual([sequence.kind for sequence in drawn], ["text", "text", "chat", "chat"])


def interrupted(made: Stages) -> None:
    """Tunes for one batch of two, as if the process had been killed then."""

    def log(line: str) -> None:
        if line.startswith("tune: batch 2 "):
            raise KeyboardInterrupt

    made.log = log
    with contextlib.suppress(KeyboardInterrupt):
        made.tune()


if __name__ == "__main__":
    unittest.main()
