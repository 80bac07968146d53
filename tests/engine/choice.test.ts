import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
} from "@std/assert";
import { Choice } from "../../src/engine/choice.ts";
import { Dialogue } from "../../src/engine/dialogue.ts";
import { generate } from "../../src/engine/generate.ts";
import type { GenerateEvent, GenerateRequest } from "../../src/engine/types.ts";
import {
  type Answer,
  answersOf,
  ask,
  collect,
  LETTERS,
  logSoftmax,
  ONLY_LETTERS,
  someTokens,
  STAYS,
  tokensPrompt,
} from "../helpers/generation.ts";
import { logitsOf, uniformCache } from "../helpers/stream.ts";
import { tinyParts } from "../helpers/tiny_engine.ts";

const parts = await tinyParts();
const [space] = parts.spaces;
const PROMPT = someTokens(10);

/** One choice by itself, in a dialogue of its own. */
async function run(
  fields: Partial<GenerateRequest> = {},
  index = 0,
): Promise<Answer & { events: GenerateEvent[]; produced: number }> {
  const request = ask(fields);
  using dialogue = new Dialogue(parts.runtime, parts.cache);
  const logits = new Float32Array(parts.runtime.config.vocab);
  await dialogue.prefill(PROMPT, "last", (row) => logits.set(row), STAYS);
  const before = logits.slice();
  const choice = new Choice({ ...parts, space }, request, PROMPT, index);
  const events = await collect(choice.run(dialogue, logits, STAYS));
  assertEquals(logits, before);
  assertEquals(dialogue.usage.seen, 10 + Math.max(0, choice.produced - 1));
  const { produced } = choice;
  return { ...answersOf(events)[index], events, produced };
}

const SPECIAL = { endoftext: 0, start: 1, end: 2 };

/** A bias that leaves nothing but one token. */
const only = (id: number) => ({
  ...LETTERS,
  logitBias: new Map([[id, 100]]),
});

/** The text of a token. */
const textOf = (id: number) =>
  new TextDecoder().decode(parts.tokenizer.bytes(id));

Deno.test("Choice draws by its index: as the choice of that number in a request for several", async () => {
  const request = ask({
    choices: 3,
    maxTokens: 60,
    prompt: tokensPrompt(PROMPT),
  });
  const answers = answersOf(await collect(generate(parts, request, STAYS)));
  for (const [index, { text, reason }] of answers.entries()) {
    const alone = await run({ choices: 1, maxTokens: 60 }, index);
    assertEquals([alone.text, alone.reason], [text, reason]);
    assert(
      alone.events.every((event) =>
        !("choice" in event) || event.choice === index
      ),
    );
  }
});

for (const name of ["endoftext", "end"] as const) {
  Deno.test(`Choice ends with 'stop' at the token ${name}, which shows nothing and counts`, async () => {
    const { events, produced } = await run({
      sampling: only(SPECIAL[name]),
      logprobs: 1,
    });
    assertEquals(events, [{ type: "finish", choice: 0, reason: "stop" }]);
    assertEquals(produced, 1);
  });
}

Deno.test("Choice ends with 'stop' at a stop token behind some text", async () => {
  const logitBias = new Map(ONLY_LETTERS).set(SPECIAL.end, 102);
  const sampling = { ...LETTERS, logitBias };
  const { text, tokens, reason, produced } = await run({
    sampling,
    maxTokens: 1000,
    logprobs: 0,
  });
  assertEquals(reason, "stop");
  assert(produced > 3 && produced < 1000, `${produced}`);
  assertEquals(tokens.length, produced - 1);
  assertEquals(text, tokens.map(({ id }) => textOf(id)).join(""));
});

Deno.test("Choice goes on past a control token that ends nothing, which shows nothing", async () => {
  const { text, tokens, reason, produced } = await run({
    sampling: only(SPECIAL.start),
    maxTokens: 5,
    logprobs: 0,
  });
  assertEquals([text, reason, produced], ["", "length", 5]);
  assertEquals(tokens.map(({ id }) => id), Array(5).fill(SPECIAL.start));
});

Deno.test("Choice stops before a stop string that spans tokens, and never shows a part of it", async () => {
  const free = await run({ maxTokens: 40, logprobs: 0 });
  const texts = free.tokens.map(({ id }) => textOf(id));
  for (let at = 3; at < 30; at++) {
    // From the last letter of a token over the next to the first letter of the third.
    const stop = texts[at].slice(-1) + texts[at + 1] + texts[at + 2][0];
    const start = free.text.indexOf(stop);
    const { text, tokens, reason, produced } = await run({
      maxTokens: 40,
      logprobs: 0,
      stop: ["never this", stop],
    });
    assertEquals([text, reason], [free.text.slice(0, start), "stop"]);
    // The text ends as soon as the stop string is whole.
    const read = texts.slice(0, produced).join("");
    assert(read.includes(stop));
    assert(!texts.slice(0, produced - 1).join("").includes(stop));
    // Tokens that begin before the stop string stay.
    const begun = texts.filter((_, i) =>
      texts.slice(0, i).join("").length < start
    );
    assertEquals(tokens, free.tokens.slice(0, begun.length));
  }
});

Deno.test("Choice gives what it held back when the text ends within a stop string", async () => {
  const free = await run({ maxTokens: 12 });
  const stop = free.text.slice(-3) + "!";
  const held = await run({ maxTokens: 12, stop: [stop] });
  assertEquals([held.text, held.reason], [free.text, "length"]);
  const last = held.events.at(-2);
  assert(last?.type === "text" && last.text.length >= 3);
});

Deno.test("Choice holds a character back until its last byte is there", async () => {
  // Bytes of "é" as two tokens, one of which always follows the other here.
  const [first, second] = [3 + 0xc3, 3 + 0xa9];
  const logitBias = new Map([[first, 100], [second, 100]]);
  const { events, text, tokens } = await run({
    sampling: { ...LETTERS, logitBias },
    maxTokens: 200,
    logprobs: 0,
  });
  const bytes = tokens.map(({ id }) => parts.tokenizer.bytes(id)[0]);
  assertEquals(tokens.length, 200);
  assertEquals(text, new TextDecoder().decode(Uint8Array.from(bytes)));
  assertGreater(text.split("é").length, 20);
  for (const event of events) {
    if (event.type !== "text") continue;
    const part = event.tokens.map(({ id }) => parts.tokenizer.bytes(id)[0]);
    assertEquals(
      event.text,
      new TextDecoder().decode(Uint8Array.from(part)),
      "a piece holds its own bytes only",
    );
  }
});

Deno.test("Choice scores tokens by the model's own logits, whatever the sampler makes of them", async () => {
  const sampling = {
    ...LETTERS,
    temperature: 0.5,
    topK: 5,
    frequencyPenalty: 2,
    repetitionPenalty: 1.5,
  };
  const { tokens } = await run({ sampling, maxTokens: 20, logprobs: 4 });
  const ids = tokens.map(({ id }) => id);
  const { runtime } = parts;
  const cache = uniformCache(runtime, 32, 0);
  const rows = [
    ...await logitsOf(runtime, cache, PROMPT),
    ...await logitsOf(runtime, cache, ids, 1),
  ].slice(PROMPT.length - 1);
  cache.dispose();
  assertEquals(ids.length, 20);
  tokens.forEach(({ id, bytes, logprob, top }, i) => {
    const expected = logSoftmax(rows[i]);
    assertEquals(bytes, parts.tokenizer.bytes(id));
    assertAlmostEquals(logprob ?? NaN, expected[id], 1e-6);
    const best = expected.toSorted((a, b) => b - a).slice(0, 4);
    assertEquals(top.length, 4);
    top.forEach((other, rank) => {
      assertAlmostEquals(other.logprob, best[rank], 1e-6);
      assertAlmostEquals(other.logprob, expected[other.id], 1e-6);
    });
  });
});
