import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLessOrEqual,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Dialogue } from "../../src/engine/dialogue.ts";
import type { GenerateParts } from "../../src/engine/generate.ts";
import { abortAfter, someTokens, STAYS } from "../helpers/generation.ts";
import { logitsOf, uniformCache } from "../helpers/stream.ts";
import { tinyParts } from "../helpers/tiny_engine.ts";

const streaming = await tinyParts();
const full = await tinyParts({ method: "full", slots: 100 });

const open = ({ runtime, cache }: GenerateParts) =>
  new Dialogue(runtime, cache);

/** Logits of all tokens, by index, when they are fed at once. */
async function prefill(
  dialogue: Dialogue,
  tokens: readonly number[],
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  await dialogue.prefill(tokens, "all", (logits, index) => {
    assertEquals(index, rows.length);
    rows.push(logits.slice());
  }, STAYS);
  return rows;
}

/** Logits of all tokens when they are fed one by one. */
async function steps(
  dialogue: Dialogue,
  tokens: readonly number[],
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  for (const token of tokens) {
    await dialogue.step(token, (logits) => rows.push(logits.slice()), STAYS);
  }
  return rows;
}

/** Fails unless the rows agree but for the order of sums. */
function assertSame(actual: Float32Array[], expected: Float32Array[]): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((row, i) =>
    row.forEach((x, id) => assertAlmostEquals(x, expected[i][id], 1e-4))
  );
}

for (const [name, parts] of Object.entries({ streaming, full })) {
  Deno.test(`Dialogue gives the runtime's own logits while nothing is evicted: ${name}`, async () => {
    const tokens = someTokens(48);
    const cache = uniformCache(parts.runtime, 48, 0);
    const expected = await logitsOf(parts.runtime, cache, tokens, 16);
    cache.dispose();
    using atOnce = open(parts);
    using oneByOne = open(parts);
    assertEquals(await prefill(atOnce, tokens), expected);
    assertSame(await steps(oneByOne, tokens), expected);
  });
}

Deno.test("Dialogue.prefill() tells about the last token only, where that is wanted", async () => {
  using whole = open(streaming);
  using last = open(streaming);
  for (const count of [1, 16, 17, 100]) {
    const tokens = someTokens(count);
    const rows = await prefill(whole, tokens);
    const seen: [number, Float32Array][] = [];
    await last.prefill(
      tokens,
      "last",
      (logits, index) => seen.push([index, logits.slice()]),
      STAYS,
    );
    assertEquals(seen, [[count - 1, rows[count - 1]]]);
  }
});

Deno.test("Dialogue under streaming_llm never holds more than its slots and one block", async () => {
  using dialogue = open(streaming);
  let seen = 0;
  for (let round = 0; seen < 3000; round++) {
    const tokens = someTokens(1 + (round * 13) % 60, round);
    if (round % 2) await steps(dialogue, tokens);
    else await prefill(dialogue, tokens);
    seen += tokens.length;
    const { resident, evicted } = dialogue.usage;
    assertEquals([dialogue.usage.seen, resident + evicted], [seen, seen]);
    assertLessOrEqual(resident, 32 + 16);
    if (seen > 48) assertGreater(resident, 31);
    assertEquals(dialogue.capacity, Infinity);
  }
});

Deno.test("Dialogue under full counts the tokens that it can still take, and refuses more", async () => {
  using dialogue = open(full);
  assertEquals(dialogue.capacity, 100);
  await prefill(dialogue, someTokens(97));
  await steps(dialogue, someTokens(3));
  assertEquals([dialogue.capacity, dialogue.usage.resident], [0, 100]);
  await assertRejects(() => steps(dialogue, [5]), RangeError, "room for 0");
  await assertRejects(() => prefill(dialogue, [5]), RangeError, "room for 0");
  assertEquals(dialogue.usage.seen, 100);
});

for (const [name, parts] of Object.entries({ streaming, full })) {
  Deno.test(`Dialogue.restore() goes back to what was saved: ${name}`, async () => {
    using dialogue = open(parts);
    using other = open(parts);
    // In the middle of a block, with streaming after several compactions.
    await prefill(dialogue, someTokens(name === "full" ? 30 : 203));
    const state = await dialogue.save();
    const usage = dialogue.usage;
    const tokens = someTokens(30, 5);
    const first = await steps(dialogue, tokens);
    await dialogue.restore(state);
    assertEquals(dialogue.usage, usage);
    assertEquals(await steps(dialogue, tokens), first);
    await other.restore(state);
    assertEquals(await steps(other, tokens), first);
    assertNotEquals(await steps(other, tokens), first);
  });
}

Deno.test("Dialogue.prefill() and step() give the signal's reason, and can go on afterwards", async () => {
  using left = open(streaming);
  using stayed = open(streaming);
  const reason = new Error("gone");
  const tokens = someTokens(1000);
  const error = await assertRejects(() =>
    left.prefill(tokens, "last", () => {}, abortAfter(5, reason))
  );
  assertStrictEquals(error, reason);
  const { seen } = left.usage;
  assert(seen > 0 && seen < 1000 && seen % 16 === 0, `${seen}`);
  const aborted = AbortSignal.abort(reason);
  await assertRejects(() => left.step(5, () => {}, aborted), Error, "gone");
  assertEquals(left.usage.seen, seen);

  await prefill(stayed, tokens.slice(0, seen));
  const rest = tokens.slice(seen);
  assertEquals(await prefill(left, rest), await prefill(stayed, rest));
});

Deno.test("Dialogue.step() compacts nothing for who has left", async () => {
  using dialogue = open(streaming);
  await prefill(dialogue, someTokens(64));
  const before = dialogue.usage;
  const left = AbortSignal.abort(new Error("gone"));
  await assertRejects(() => dialogue.step(5, () => {}, left), Error, "gone");
  assertEquals(dialogue.usage, before);
  await dialogue.step(5, () => {}, STAYS);
  // At the end of a block, a compaction was due.
  assertGreater(dialogue.usage.evicted, before.evicted + 1);
});

Deno.test("Dialogue gives its memory back when it ends", async () => {
  const { runtime } = streaming;
  const open = () => new Dialogue(runtime, { ...streaming.cache, slots: 1000 });
  open()[Symbol.dispose]();
  const memory = runtime.memoryBytes;
  for (let i = 0; i < 100; i++) {
    using dialogue = open();
    await prefill(dialogue, someTokens(20));
  }
  assertEquals(runtime.memoryBytes, memory);
});

Deno.test("Dialogue lets the state before its answer go when it ends", async () => {
  const dialogue = open(streaming);
  await prefill(dialogue, someTokens(20));
  const state = await dialogue.save();
  dialogue.beforeAnswer = state;
  dialogue[Symbol.dispose]();
  assert(state.cache.buffer.detached);
  assertEquals(dialogue.beforeAnswer, null);
});

Deno.test("Dialogue.save() uses what a spent state took again", async () => {
  using dialogue = open(streaming);
  await prefill(dialogue, someTokens(20));
  const spent = await dialogue.save();
  await prefill(dialogue, someTokens(150));
  const fresh = await dialogue.save();
  const state = await dialogue.save(spent);
  assertEquals(state, fresh);
  assertStrictEquals(state.cache.buffer, spent.cache.buffer);
  assertStrictEquals(state.logits, spent.logits);
});

Deno.test("Dialogue refuses fewer slots than sinks and window, and keeps no memory", () => {
  const { runtime, cache } = streaming;
  const refuse = () =>
    assertThrows(
      () => new Dialogue(runtime, { ...cache, slots: 999, window: 1000 }),
      RangeError,
      "Cannot keep 4 sinks and a window of 1000 tokens in 999 slots",
    );
  refuse();
  const memory = runtime.memoryBytes;
  for (let i = 0; i < 50; i++) refuse();
  assertEquals(runtime.memoryBytes, memory);
});
