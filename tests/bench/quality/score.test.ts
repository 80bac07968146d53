import { assertAlmostEquals, assertEquals } from "@std/assert";
import { range } from "../../../bench/quality/draw.ts";
import { answers, readText, surprise } from "../../../bench/quality/score.ts";
import { Dialogue } from "../../../src/engine/dialogue.ts";
import { likeliest } from "../../../src/sampling/likeliest.ts";
import { tinyParts } from "../../helpers/tiny_engine.ts";

const { signal } = new AbortController();
const { runtime, cache } = await tinyParts();
const TOKENS = range(100).map((index) => 3 + (index * 37) % 300);

Deno.test("surprise() is the negative logarithm of a softmax", () => {
  const logits = new Float32Array([0, Math.log(2), Math.log(5)]);
  assertAlmostEquals(surprise(logits, 1), -Math.log(2 / 8), 1e-6);
  // Without overflow.
  assertAlmostEquals(surprise(new Float32Array([500, 500]), 0), Math.log(2));
});

Deno.test("readText() gives the surprise of each token after the first ones", async () => {
  using whole = new Dialogue(runtime, cache);
  const expected: number[] = [];
  await whole.prefill(TOKENS, "all", (logits, index) => {
    if (index >= 31 && index < 99) {
      expected.push(surprise(logits, TOKENS[index + 1]));
    }
  }, signal);

  using dialogue = new Dialogue(runtime, cache);
  assertEquals(await readText(dialogue, TOKENS, 32, signal), expected);
  assertEquals(expected.length, 68);
});

Deno.test("answers() is true for the likeliest tokens and for no others", async () => {
  using dialogue = new Dialogue(runtime, cache);
  const answer: number[] = [];
  let next = 0;
  const choose = (logits: Float32Array) => {
    next = likeliest(logits);
  };
  const prompt = TOKENS.slice(0, 20);
  const start = await dialogue.save();
  await dialogue.prefill(prompt, "last", choose, signal);
  while (answer.push(next) < 3) await dialogue.step(next, choose, signal);

  for (const wrong of [null, 0, 1, 2]) {
    const given = answer.map((token, index) =>
      index === wrong ? (token + 1) % 300 : token
    );
    await dialogue.restore(start);
    const right = await answers(dialogue, { prompt, answer: given }, signal);
    assertEquals(right, wrong === null);
  }
});
