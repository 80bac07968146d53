import { assert, assertEquals, assertThrows } from "@std/assert";
import { readLearned } from "../../../src/model/learned/read_learned.ts";
import { madeUpParts } from "../../helpers/learned.ts";
import {
  type LearnedChanges,
  learnedFile,
} from "../../helpers/learned_file.ts";
import { tinyGguf } from "../../helpers/tiny_gguf.ts";

const { config } = tinyGguf();
const ORIGIN = { name: "made up", sha256: "", modelSha256: "abc", config };

function read(changes: LearnedChanges = {}) {
  return readLearned(learnedFile(config, "abc", changes), ORIGIN);
}

const zeros = (...shape: number[]) => ({
  shape,
  values: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});

Deno.test("readLearned() gives every part", () => {
  const { score, budgets, corrections, absorb, lococo, ...rest } = read();
  const expected = madeUpParts(config);
  assertEquals(score, expected.score);
  assertEquals(corrections, expected.corrections);
  assertEquals(absorb, expected.absorb);
  assertEquals(lococo, expected.lococo);
  assertEquals(budgets!.sizes, expected.budgets!.sizes);
  assertEquals(
    budgets!.errors,
    expected.budgets!.errors.map((row) => row.map(Math.fround)),
  );
  assertEquals(rest, { name: "made up", sha256: "", far: 64 });
});

Deno.test("readLearned() does without a group that is missing as a whole", () => {
  const groups = {
    score: ["text", "chat"],
    budget: ["sizes", "error"],
    correction: ["tp", "sb", "hb", "od", "oc"],
    fusion: ["gate"],
    lococo: ["weight", "bias", "lambda"],
  };
  const without = Object.entries(groups).map(([group, names]) =>
    read({
      tensors: Object.fromEntries(
        names.map((name) => [`${group}.${name}`, null]),
      ),
    })
  );
  const missing = without.map((
    { score, budgets, corrections, absorb, lococo },
  ) =>
    [score, budgets, corrections, absorb, lococo].map((part) => part === null)
  );
  assertEquals(
    missing,
    missing.map((_, i) => missing.map((_, j) => i === j)),
  );
});

Deno.test("readLearned() names what is wrong", () => {
  const nan = zeros(2, 2, 21);
  nan.values[5] = NaN;
  const sizes = (...values: number[]) => ({
    shape: [values.length],
    values: Float32Array.from(values),
  });
  const cases: [LearnedChanges, string][] = [
    [
      { metadata: { format: null } },
      "its format is none, expected locoloop-learned/1",
    ],
    [
      { metadata: { format: "x/2" } },
      "its format is x/2, expected locoloop-learned/1",
    ],
    [
      { metadata: { model_sha256: "def" } },
      "it was trained for the model with SHA-256 def, this one has abc",
    ],
    [
      { metadata: { share: null } },
      "its share is '', expected a number from 0 to 1",
    ],
    [
      { metadata: { share: "2" } },
      "its share is '2', expected a number from 0 to 1",
    ],
    [{ metadata: { pool: "6" } }, "its pool is '6', expected an odd number"],
    [{ metadata: { pool: "2.5" } }, "its pool is '2.5', expected an odd"],
    [{ metadata: { far: "x" } }, "its far is 'x', expected a number"],
    [{ tensors: { "score.chat": null } }, "it has no score.chat"],
    [
      { tensors: { "score.text": zeros(2, 2, 20) } },
      "score.text is [2, 2, 20], expected [2, 2, 21]",
    ],
    [
      { tensors: { "score.text": zeros(84) } },
      "score.text is [84], expected [2, 2, 21]",
    ],
    [
      { tensors: { "score.text": { ...zeros(2, 2, 21), type: "I64" } } },
      "score.text is I64, expected F32 or F16",
    ],
    [
      { tensors: { "score.text": nan } },
      "score.text holds NaN, expected numbers",
    ],
    [
      { tensors: { "correction.oc": zeros(2, 4) } },
      "correction.oc is [2, 4], expected [2, 64]",
    ],
    [
      { tensors: { "lococo.weight": zeros(2, 6, 32, 2) } },
      "lococo.weight has 6 rows and 2 taps, expected some and an odd number",
    ],
    [
      { tensors: { "lococo.bias": zeros(2, 5) } },
      "lococo.bias is [2, 5], expected [2, 6]",
    ],
    [
      { tensors: { "lococo.lambda": { ...sizes(0.5, 1.5), shape: [2] } } },
      "lococo.lambda holds 1.5, expected numbers from 0 to 1",
    ],
    [
      { tensors: { "budget.sizes": sizes(8, 32) } },
      "budget.error is [2, 2, 3], expected [2, 2, 2]",
    ],
    [
      { tensors: { "budget.sizes": sizes(8, 32, 32) } },
      "budget.sizes are not two or more ascending numbers of slots",
    ],
    [
      { tensors: { "budget.error": zeros(2, 2, 3) } },
      "budget.error of head 0 is not above 0 and falling",
    ],
  ];
  for (const [changes, message] of cases) {
    const error = assertThrows(() => read(changes), Error, message);
    assert(!(error instanceof Deno.errors.NotFound));
  }
});
