import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreaterOrEqual,
} from "@std/assert";
import {
  firstDeparture,
  readGreedySet,
  readKlSet,
  readSlidingSet,
  readTinySet,
  type TopLogprobs,
} from "./oracle.ts";
import { tinyGguf } from "./tiny_gguf.ts";

/** Fails unless each position holds falling log-probabilities of different tokens that, with the rest, sum to 1. */
function assertDistributions(next: TopLogprobs): void {
  assertEquals(next.top, 64);
  for (let p = 0; p < next.positions; p++) {
    const ids = next.ids.subarray(p * 64, (p + 1) * 64);
    const logprobs = next.logprobs.subarray(p * 64, (p + 1) * 64);
    assertEquals(new Set(ids).size, 64);
    const mass = logprobs.reduce((sum, x) => sum + Math.exp(x), 0);
    assertAlmostEquals(mass + Math.exp(next.rest[p]), 1, 1e-5);
    assert(logprobs.every((x, i) => i === 0 || x <= logprobs[i - 1]));
  }
}

Deno.test("readKlSet() gives ten different texts of 256 tokens with their distributions", async () => {
  const texts = await readKlSet();
  assertEquals(texts.length, 10);
  assertEquals(new Set(texts.map((text) => text.tokens.join())).size, 10);
  for (const { tokens, next } of texts) {
    assertEquals(tokens.length, 256);
    assertEquals(next.positions, 256);
    assertDistributions(next);
  }
});

Deno.test("readKlSet() lines distributions up with the texts: they predict the next token", async () => {
  for (const { name, tokens, next } of await readKlSet()) {
    const found = tokens.slice(1).filter((id, i) =>
      next.ids.subarray(i * 64, (i + 1) * 64).includes(id)
    );
    assertGreaterOrEqual(found.length, 180, name);
  }
});

Deno.test("readGreedySet() gives ten chats of 64 greedy tokens, France first", async () => {
  const chats = await readGreedySet();
  assertEquals(chats.length, 10);
  assertEquals(chats[0].messages, [
    { role: "user", content: "What is the capital of France?" },
  ]);
  for (const chat of chats) {
    const { tokens, runnerUp, best, second, stopAt } = chat;
    assertEquals([tokens.length, runnerUp.length], [64, 64]);
    assertEquals([best.length, second.length], [64, 64]);
    assert(tokens.every((id, i) => id !== runnerUp[i] && best[i] >= second[i]));
    assertEquals(stopAt, tokens.indexOf(2));
    assertEquals(chat.prompt[0], 1);
  }
});

Deno.test("firstDeparture() tells where, how near and to which token", async () => {
  const [chat] = await readGreedySet();
  assertEquals(firstDeparture(chat, chat.tokens), null);
  const other = [chat.runnerUp[0], 5, 6];
  const departure = firstDeparture(chat, other);
  assert(departure !== null && departure.toRunnerUp);
  assertEquals(departure.step, 0);
  assertAlmostEquals(departure.gap, chat.best[0] - chat.second[0]);
  const short = firstDeparture(chat, chat.tokens.slice(0, 10));
  assertEquals([short?.step, short?.toRunnerUp], [10, false]);
});

Deno.test("readSlidingSet() gives both feeds, alike until the cache of one is cut earlier", async () => {
  const set = await readSlidingSet();
  assertEquals([set.tokens.length, set.first], [700, 572]);
  assertEquals([set.sinks, set.slots, set.block], [4, 64, 16]);
  for (const next of [set.prefill, set.decode]) {
    assertEquals(next.positions, 128);
    assertDistributions(next);
  }
  // `first` is 12 tokens into a block: the next 4 see the same cache in both feeds.
  const same = set.prefill.ids.findIndex((id, i) => id !== set.decode.ids[i]);
  assertGreaterOrEqual(same, 64);
  for (let p = 0; p < 4; p++) {
    const [a, b] = [set.prefill.logprobs[p * 64], set.decode.logprobs[p * 64]];
    assertAlmostEquals(a, b, 1e-4);
  }
});

Deno.test("readTinySet() records the very files that tinyGguf() makes", async () => {
  const models = await readTinySet();
  assertEquals(
    models.map((model) => model.name).sort(),
    ["f16", "f32", "odd", "q4_0", "q4_1", "q8_0"],
  );
  for (const { name, options, sha256, tokens, logits } of models) {
    const { bytes, config } = tinyGguf(options);
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    assertEquals(new Uint8Array(digest).toHex(), sha256, name);
    assertEquals(tokens.length, 40);
    assertEquals(logits.length, 40 * config.vocab);
    assert(logits.every(Number.isFinite));
  }
});
