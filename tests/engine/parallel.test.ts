import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
} from "@std/assert";
import { METHOD_NAMES, METHODS } from "../../src/cache/methods.ts";
import { generate, type GenerateParts } from "../../src/engine/generate.ts";
import { Steps } from "../../src/engine/steps.ts";
import type { GenerateEvent, GenerateRequest } from "../../src/engine/types.ts";
import { readGguf } from "../../src/model/gguf.ts";
import { SimdRuntime } from "../../src/model/simd/runtime.ts";
import {
  answersOf,
  ask,
  collect,
  LETTERS,
  someTokens,
  STAYS,
  tokensPrompt,
  usageOf,
} from "../helpers/generation.ts";
import { tinyEngine, tinyParts } from "../helpers/tiny_engine.ts";
import { writeTinyGguf } from "../helpers/tiny_gguf.ts";

/** Requests of all sorts: short and long, drawn by seeds, scored, with several choices. */
const REQUESTS: readonly Partial<GenerateRequest>[] = [
  { prompt: tokensPrompt(someTokens(10)), maxTokens: 60 },
  { prompt: tokensPrompt(someTokens(150, 5)), maxTokens: 30 },
  { prompt: tokensPrompt(someTokens(33, 9)), maxTokens: 40, choices: 2 },
  {
    prompt: tokensPrompt(someTokens(70, 40)),
    maxTokens: 25,
    logprobs: 2,
    sampling: { ...LETTERS, temperature: 0.7, topP: 0.9, seed: 8 },
  },
  {
    prompt: tokensPrompt(someTokens(20, 77)),
    maxTokens: 5,
    logprobs: 0,
    echo: true,
  },
  { prompt: tokensPrompt(someTokens(90, 3)), maxTokens: 50 },
];

const run = (
  parts: GenerateParts,
  fields: Partial<GenerateRequest>,
  signal = STAYS,
) => collect(generate(parts, ask(fields), signal));

/** What is said to each request when there is no other. */
async function oneByOne(parts: GenerateParts): Promise<GenerateEvent[][]> {
  const all: GenerateEvent[][] = [];
  for (const fields of REQUESTS) all.push(await run(parts, fields));
  return all;
}

for (const method of METHOD_NAMES) {
  const slots = METHODS[method].score ? 32 : null;

  Deno.test(`generate() gives each of several requests what it would give it alone: ${method}`, async () => {
    const expected = await oneByOne(await tinyParts({ method, slots }));
    const parts = await tinyParts({ method, slots, parallel: 4 });
    for (let time = 0; time < 2; time++) {
      const all = REQUESTS.map((fields) => run(parts, fields));
      await Promise.resolve();
      assertEquals([parts.queue.running, parts.queue.waiting], [4, 2]);
      assertEquals(await Promise.all(all), expected);
      assertEquals([parts.queue.running, parts.queue.waiting], [0, 0]);
      assertEquals(parts.spaces.length, 4);
    }
  });
}

Deno.test("generate() gives several requests the same with threads", async () => {
  const { path, folder } = await writeTinyGguf();
  const file = readGguf(path);
  const runtime = await SimdRuntime.load(file, { maxTokens: 19, threads: 2 });
  await Deno.remove(folder, { recursive: true });
  const steps = new Steps(runtime, 4);
  const parts = { ...await tinyParts({ parallel: 4 }), runtime, steps };
  const expected = await oneByOne(await tinyParts());
  const all = REQUESTS.map((fields) => run(parts, fields));
  assertEquals(await Promise.all(all), expected);
  runtime.dispose();
});

Deno.test("generate() answers requests at the same time, and one that is not read holds up none", async () => {
  const parts = await tinyParts({ parallel: 3 });
  const slow = generate(parts, ask({ maxTokens: 400 }), STAYS);
  for (let i = 0; i < 3; i++) await slow.next();
  const order: string[] = [];
  const read = async (name: string) => {
    for await (const _ of generate(parts, ask({ maxTokens: 30 }), STAYS)) {
      order.push(name);
    }
  };
  await Promise.all([read("a"), read("b")]);
  // They took turns, token by token.
  const changes = order.filter((name, i) => name !== order[i - 1]).length;
  assertGreater(changes, 20);
  assertEquals(parts.queue.running, 1);
  await slow.return();
  assertEquals(parts.queue.running, 0);
});

Deno.test("generate() goes on with the others when one leaves, at any time", async () => {
  const parts = await tinyParts({ parallel: 3 });
  const [first, second, third] = [0, 1, 5];
  const expected = await oneByOne(await tinyParts());
  let memory = 0;
  for (const tokens of [0, 1, 4, 20]) {
    const leaver = new AbortController();
    const leaves = async () => {
      let said = 0;
      const request = ask({ ...REQUESTS[second], maxTokens: 300 });
      for await (const event of generate(parts, request, leaver.signal)) {
        if (event.type === "text" && ++said > tokens) {
          leaver.abort(new Error("left"));
        }
      }
    };
    const [a, , b] = await Promise.all([
      run(parts, REQUESTS[first]),
      assertRejects(leaves, Error, "left"),
      run(parts, REQUESTS[third]),
    ]);
    assertEquals([a, b], [expected[first], expected[third]]);
    assertEquals([parts.queue.running, parts.spaces.length], [0, 3]);
    memory ||= parts.runtime.memoryBytes;
  }
  assertEquals(parts.runtime.memoryBytes, memory);
});

Deno.test("generate() keeps the dialogues of requests that ran at once, and goes on with each", async () => {
  const parts = await tinyParts({ parallel: 2, keep: 2 });
  const greedy = { ...LETTERS, temperature: 0, seed: null };
  const turn = async (tokens: readonly number[]) => {
    const fields = { prompt: tokensPrompt(tokens), logprobs: 0 };
    const events = await run(parts, { ...fields, sampling: greedy });
    const said = answersOf(events)[0].tokens.map(({ id }) => id);
    return { said, cached: usageOf(events).cachedTokens };
  };
  const prompts = [someTokens(50), someTokens(60, 9)];
  const first = await Promise.all(prompts.map(turn));
  assertEquals(first.map(({ cached }) => cached), [0, 0]);
  assertEquals(parts.kept.count, 2);
  const memory = parts.runtime.memoryBytes;
  const longer = prompts.map((prompt, i) => [
    ...prompt,
    ...first[i].said,
    ...someTokens(8, i),
  ]);
  const second = await Promise.all(longer.map(turn));
  // The last token that is drawn is not read.
  assertEquals(second.map(({ cached }) => cached), [57, 67]);
  assertEquals(parts.kept.count, 2);
  assertEquals(parts.runtime.memoryBytes, memory);
  // A third takes the place of the one unused longest.
  await turn(someTokens(20, 200));
  assertEquals(parts.kept.count, 2);
  assertEquals(parts.runtime.memoryBytes, memory);
});

Deno.test("loadEngine() answers as many requests at once as `parallel` says", async () => {
  const engine = await tinyEngine({ parallel: 3, queue: 1 });
  const request = ask({
    prompt: { kind: "chat", messages: [{ role: "user", content: "to it" }] },
  });
  const all = [1, 2, 3, 4].map(() => collect(engine.generate(request, STAYS)));
  await Promise.resolve();
  assertEquals(engine.load, { running: 3, waiting: 1 });
  const texts = (await Promise.all(all)).map((events) => answersOf(events)[0]);
  assert(texts[0].text.length > 7);
  assertEquals(texts, texts.map(() => texts[0]));
  engine.close();
});

Deno.test("loadEngine() refuses to keep fewer dialogues than run", async () => {
  const error = await assertRejects(
    () => tinyEngine({ parallel: 4, keep: 2 }),
    RangeError,
  );
  assertEquals(
    error.message,
    "Cannot keep 2 of 4 dialogues that run at once: --keep is 0, or at least --parallel",
  );
  const engine = await tinyEngine({ parallel: 4, keep: 0 });
  engine.close();
});
