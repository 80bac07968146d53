import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLessOrEqual,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { METHOD_NAMES, METHODS } from "../../src/cache/methods.ts";
import { ContextLengthError, QueueFullError } from "../../src/engine/errors.ts";
import { generate, type GenerateParts } from "../../src/engine/generate.ts";
import type { GenerateRequest } from "../../src/engine/types.ts";
import {
  abortAfter,
  answersOf,
  ask,
  collect,
  LETTERS,
  logSoftmax,
  someTokens,
  STAYS,
  tokensPrompt,
  usageOf,
} from "../helpers/generation.ts";
import { logitsOf, uniformCache } from "../helpers/stream.ts";
import { tinyParts } from "../helpers/tiny_engine.ts";

const streaming = await tinyParts();
const full = await tinyParts({ method: "full", slots: null });

const run = (
  parts: GenerateParts,
  fields: Partial<GenerateRequest> = {},
  signal = STAYS,
) => collect(generate(parts, ask(fields), signal));

/** Fails unless nobody holds or awaits the turn. */
function assertFree({ queue }: GenerateParts): void {
  assertEquals([queue.running, queue.waiting], [0, 0]);
}

Deno.test("generate() starts, says and finishes each choice in turn, and closes with the counts", async () => {
  const events = await run(streaming, { choices: 2, maxTokens: 3 });
  const shapes = events.map((event) =>
    "choice" in event ? `${event.type} ${event.choice}` : event.type
  );
  assertEquals(
    shapes.filter((shape, i) => shape !== shapes[i - 1]),
    ["start", "text 0", "finish 0", "text 1", "finish 1", "done"],
  );
  assertEquals(events[0], { type: "start", promptTokens: 10 });
  for (const event of events) {
    if (event.type === "text") {
      assertEquals(Object.keys(event), ["type", "choice", "text", "tokens"]);
      assertEquals(event.tokens, []);
    }
  }
  const finish = events.filter((event) => event.type === "finish");
  assertEquals(
    finish,
    [0, 1].map((choice) => (
      { type: "finish", choice, reason: "length" }
    )),
  );
  assertEquals(usageOf(events), {
    promptTokens: 10,
    cachedTokens: 0,
    completionTokens: 6,
    kv: {
      method: "streaming_llm",
      slots: 32,
      seen: 12,
      resident: 12,
      fused: 0,
      evicted: 0,
      recalled: 0,
    },
  });
});

for (const method of METHOD_NAMES) {
  const slots = METHODS[method].score ? 32 : null;
  const parts = await tinyParts({ method, slots });

  Deno.test(`generate() gives every choice as if it were the only one: ${method}`, async () => {
    // More tokens than slots and block, so that each choice compacts anew.
    const fields = { prompt: tokensPrompt(someTokens(40)), maxTokens: 40 };
    const alone = answersOf(await run(parts, fields));
    const three = answersOf(await run(parts, { ...fields, choices: 3 }));
    const five = answersOf(await run(parts, { ...fields, choices: 5 }));
    assertEquals(five.slice(0, 3), three);
    assertEquals(three.slice(0, 1), alone);
    assertEquals(new Set(five.map(({ text }) => text)).size, 5);
  });

  Deno.test(`generate() takes no more than the slots and one block: ${method}`, async () => {
    const capacity = slots ?? 512;
    const memory = parts.runtime.memoryBytes;
    const events = await run(parts, {
      prompt: tokensPrompt(someTokens(slots ? 2000 : 400)),
      maxTokens: 101,
    });
    const { completionTokens, kv } = usageOf(events);
    assertEquals(completionTokens, 101);
    assertEquals(kv.seen, (slots ? 2000 : 400) + 100);
    assertEquals(kv.resident + kv.fused + kv.evicted, kv.seen);
    assertLessOrEqual(kv.resident, capacity + parts.cache.block);
    assertEquals(parts.runtime.memoryBytes, memory);
  });

  Deno.test(`generate() gives the same greedy text in every choice: ${method}`, async () => {
    const sampling = { ...LETTERS, temperature: 0, seed: null };
    const fields = { sampling, maxTokens: 40, choices: 3 };
    const [first, ...others] = answersOf(await run(parts, fields));
    assertEquals(others, [first, first]);
  });

  Deno.test(`generate() gives the same text for the same seed, and another for another: ${method}`, async () => {
    const say = async (seed: number | null) => {
      const sampling = { ...LETTERS, seed };
      const [{ text }] = answersOf(
        await run(parts, { sampling, maxTokens: 30 }),
      );
      return text;
    };
    const first = await say(5);
    assertEquals(await say(5), first);
    assertNotEquals(await say(6), first);
    assertNotEquals(await say(null), await say(null));
  });
}

Deno.test("generate() with maxTokens 0 only reads the prompt, with 1 says one token, with null the default", async () => {
  const none = await run(streaming, { maxTokens: 0 });
  assertEquals(
    none.map((event) => event.type),
    ["start", "finish", "done"],
  );
  assertEquals(answersOf(await run(streaming, { maxTokens: 1 })).length, 1);
  for (const [maxTokens, expected] of [[0, 0], [1, 1], [null, 64]] as const) {
    const events = await run(streaming, { maxTokens });
    assertEquals(usageOf(events).completionTokens, expected);
    // The last token is said, not read.
    assertEquals(usageOf(events).kv.seen, 10 + Math.max(0, expected - 1));
    assertEquals(answersOf(events).at(0)?.reason ?? "length", "length");
  }
});

Deno.test("generate() with echo and logprobs scores the prompt by the model's own logits", async () => {
  const { runtime } = full;
  const prompt = someTokens(30);
  const cache = uniformCache(runtime, 32, 0);
  const rows = await logitsOf(runtime, cache, prompt, 16);
  cache.dispose();
  const [{ tokens, text }] = answersOf(
    await run(full, {
      prompt: tokensPrompt(prompt),
      echo: true,
      logprobs: 3,
      maxTokens: 0,
    }),
  );
  assertEquals(tokens.map(({ id }) => id), prompt);
  assertEquals([tokens[0].logprob, tokens[0].top], [null, []]);
  prompt.slice(1).forEach((id, i) => {
    const expected = logSoftmax(rows[i]);
    const { logprob, top } = tokens[i + 1];
    assertAlmostEquals(logprob ?? NaN, expected[id], 1e-6);
    const best = expected.toSorted((a, b) => b - a).slice(0, 3);
    top.forEach(({ id, logprob }, rank) => {
      assertAlmostEquals(logprob, best[rank], 1e-6);
      assertAlmostEquals(logprob, expected[id], 1e-6);
    });
    assertEquals(top.length, 3);
  });
  const bytes = prompt.flatMap((id) => [...full.tokenizer.bytes(id)]);
  assertEquals(text, new TextDecoder().decode(Uint8Array.from(bytes)));
});

Deno.test("generate() scores all of a prompt that the slots cannot hold, the part that they can as the full cache does", async () => {
  const fields = {
    prompt: tokensPrompt(someTokens(400)),
    echo: true,
    logprobs: 0,
    maxTokens: 2,
  };
  const [inSlots] = answersOf(await run(streaming, fields));
  const [inFull] = answersOf(await run(full, fields));
  assertEquals(inSlots.tokens.length, 402);
  assert(inSlots.tokens.slice(1).every(({ logprob }) => logprob! < 0));
  const scores = ({ tokens }: typeof inSlots) =>
    tokens.map(({ logprob }) => logprob);
  assertEquals(scores(inSlots).slice(0, 49), scores(inFull).slice(0, 49));
  assertNotEquals(
    scores(inSlots).slice(49, 400),
    scores(inFull).slice(49, 400),
  );
});

Deno.test("generate() under full refuses a prompt longer than the slots before it takes a turn", async () => {
  const parts = await tinyParts({ method: "full", slots: 20 });
  const prompt = tokensPrompt(someTokens(21));
  const error = await assertRejects(
    () => run(parts, { prompt }),
    ContextLengthError,
    "it has 21 tokens",
  );
  assertEquals([error.promptTokens, error.slots], [21, 20]);
  assertFree(parts);
});

Deno.test("generate() under full ends with 'length' when the slots are full", async () => {
  const parts = await tinyParts({ method: "full", slots: 20 });
  for (const length of [10, 19, 20]) {
    const prompt = tokensPrompt(someTokens(length));
    const events = await run(parts, { prompt, maxTokens: 1000 });
    assertEquals(answersOf(events)[0].reason, "length");
    // The token that no longer fits is said, not read.
    assertEquals(usageOf(events).completionTokens, 20 - length + 1);
    const { seen, resident, evicted } = usageOf(events).kv;
    assertEquals([seen, resident, evicted], [20, 20, 0]);
  }
});

Deno.test("generate() under streaming_llm takes thousands of tokens", async () => {
  const events = await run(streaming, {
    prompt: tokensPrompt(someTokens(4000)),
    maxTokens: 1001,
  });
  const { completionTokens, kv } = usageOf(events);
  assertEquals([completionTokens, kv.seen], [1001, 5000]);
  assertLessOrEqual(kv.resident, 32 + 16);
  assertEquals(kv.resident + kv.evicted, kv.seen);
});

Deno.test("generate() stops in prefill when the signal aborts, and leaves nothing behind", async () => {
  const reason = new Error("gone");
  const prompt = tokensPrompt(someTokens(4000));
  const seen: string[] = [];
  const error = await assertRejects(async () => {
    const signal = abortAfter(5, reason);
    for await (const { type } of generate(streaming, ask({ prompt }), signal)) {
      seen.push(type);
    }
  });
  assertStrictEquals(error, reason);
  assertEquals(seen, ["start"]);
  assertFree(streaming);
});

Deno.test("generate() stops in decode when the signal aborts, at the next token", async () => {
  const leaver = new AbortController();
  const reason = new Error("gone");
  const events = generate(
    streaming,
    ask({ maxTokens: 100_000 }),
    leaver.signal,
  );
  let texts = 0;
  const error = await assertRejects(async () => {
    for await (const { type } of events) {
      if (type === "text" && ++texts === 5) leaver.abort(reason);
    }
  });
  assertStrictEquals(error, reason);
  assertEquals(texts, 5);
  assertFree(streaming);
});

Deno.test("generate() frees its place when its reader stops reading", async () => {
  for await (const { type } of generate(streaming, ask(), STAYS)) {
    if (type === "text") break;
  }
  assertFree(streaming);
});

Deno.test("generate() keeps its memory and its answers over fifty requests that were left", async () => {
  const parts = await tinyParts({ slots: 512 });
  const before = await run(parts);
  const memory = parts.runtime.memoryBytes;
  const prompt = tokensPrompt(someTokens(1000));
  for (let i = 0; i < 50; i++) {
    // In prefill (63 blocks), and later in decode.
    const signal = abortAfter(3 + 2 * i, "gone");
    const fields = { prompt, choices: 2, maxTokens: 10_000 };
    let reason: unknown = null;
    await run(parts, fields, signal).catch((error) => reason = error);
    assertEquals(reason, "gone");
    assertFree(parts);
  }
  assertEquals(await run(parts), before);
  // What `choices` needs beyond one dialogue lies outside this memory.
  assertEquals(parts.runtime.memoryBytes, memory);
});

/** A model whose last norm leads past the range of f32. */
const broken = {
  embeddingType: "F32",
  tensors: {
    "output_norm.weight": {
      shape: [64],
      type: 0,
      data: new Uint8Array(new Float32Array(64).fill(3e38).buffer),
    },
  },
} as const;

Deno.test("generate() ends with one error when logits are no numbers, and leaves nothing behind", async () => {
  const parts = await tinyParts({ gguf: broken });
  let memory = 0;
  for (const fields of [{}, { echo: true, logprobs: 1 }, { choices: 2 }]) {
    for (let i = 0; i < 20; i++) {
      await assertRejects(
        () => run(parts, fields),
        Error,
        "Cannot sample: the logit of token",
      );
      assertFree(parts);
      memory ||= parts.runtime.memoryBytes;
    }
  }
  assertEquals(parts.runtime.memoryBytes, memory);
});

Deno.test("generate() refuses what it cannot take, and leaves nothing behind", async () => {
  const bias = (id: number) => (
    { sampling: { ...LETTERS, logitBias: new Map([[id, 1]]) } }
  );
  const refused: readonly [string, Partial<GenerateRequest>][] = [
    ["it is empty", { prompt: tokensPrompt([]) }],
    ["it is empty", { prompt: { kind: "text", text: "" } }],
    ["it is empty", { prompt: { kind: "chat", messages: [] } }],
    ["token -1", { prompt: tokensPrompt([5, -1]) }],
    ["token 320", { prompt: tokensPrompt([320, 5]) }],
    ["token 1.5", { prompt: tokensPrompt([1.5]) }],
    ["token NaN", { prompt: tokensPrompt([NaN]) }],
    ["token 320", bias(320)],
    ["token -1", bias(-1)],
    ["empty string", { stop: [""] }],
  ];
  for (const [message, fields] of refused) {
    await assertRejects(() => run(streaming, fields), RangeError, message);
    assertFree(streaming);
  }
});

Deno.test("generate() runs two requests at once one after the other", async () => {
  const order: string[] = [];
  const request = async (name: string, from: number) => {
    const prompt = tokensPrompt(someTokens(30, from));
    const events = [];
    for await (const event of generate(streaming, ask({ prompt }), STAYS)) {
      order.push(name);
      events.push(event);
    }
    return events;
  };
  const both = Promise.all([request("first", 0), request("second", 9)]);
  await Promise.resolve();
  assertEquals([streaming.queue.running, streaming.queue.waiting], [1, 1]);
  const [first, second] = await both;
  assertEquals(order, order.toSorted());
  assertGreater(order.indexOf("second"), 3);
  assertFree(streaming);
  assertEquals(first, await request("first", 0));
  assertEquals(second, await request("second", 9));
});

Deno.test("generate() lets no more wait than the queue holds, and those who leave make room", async () => {
  const parts = await tinyParts({ queue: 1 });
  const leaver = new AbortController();
  const running = run(parts, { maxTokens: 50 });
  const waiting = run(parts, {}, leaver.signal);
  await assertRejects(() => run(parts), QueueFullError, "1 are waiting");
  const left = assertRejects(() => waiting, DOMException);
  leaver.abort();
  await left;
  assertEquals(answersOf(await run(parts)), answersOf(await run(parts)));
  assertEquals(usageOf(await running).completionTokens, 50);
  assertFree(parts);
});
