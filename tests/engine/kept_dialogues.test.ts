import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { METHOD_NAMES, METHODS } from "../../src/cache/methods.ts";
import { Dialogue } from "../../src/engine/dialogue.ts";
import { generate, type GenerateParts } from "../../src/engine/generate.ts";
import { KeptDialogues } from "../../src/engine/kept_dialogues.ts";
import { Steps } from "../../src/engine/steps.ts";
import type { GenerateEvent, GenerateRequest } from "../../src/engine/types.ts";
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
import { tinyParts } from "../helpers/tiny_engine.ts";

const model = await tinyParts();

/** Enough for the slots to overflow, more than once. */
const PROMPT = someTokens(90);

const GREEDY = { ...LETTERS, temperature: 0, seed: null };

/** The same model with a shelf of its own. */
const keeping = (most: number): GenerateParts => ({
  ...model,
  kept: new KeptDialogues(most),
});

const run = (
  parts: GenerateParts,
  tokens: readonly number[],
  fields: Partial<GenerateRequest> = {},
): Promise<GenerateEvent[]> =>
  collect(generate(
    parts,
    ask({ prompt: tokensPrompt(tokens), maxTokens: 40, ...fields }),
    STAYS,
  ));

const cachedOf = (events: readonly GenerateEvent[]) =>
  usageOf(events).cachedTokens;

/** The tokens that a request for their scores was answered with. */
const tokensOf = (events: readonly GenerateEvent[]) =>
  answersOf(events)[0].tokens.map(({ id }) => id);

/** What a model without anything kept says to the same. */
const fresh = async (
  parts: GenerateParts,
  tokens: readonly number[],
  fields: Partial<GenerateRequest>,
) =>
  answersOf(
    await run({ ...parts, kept: new KeptDialogues(0) }, tokens, fields),
  );

for (const method of METHOD_NAMES) {
  Deno.test(`KeptDialogues: the next turn reads only what is new and is answered as if it were read whole: ${method}`, async () => {
    const slots = METHODS[method].score ? 32 : 512;
    const cache = {
      ...model.cache,
      methodName: method,
      method: METHODS[method],
      slots,
    };
    using kept = new KeptDialogues(1);
    const parts = { ...model, cache, kept };
    const greedy = { sampling: GREEDY, logprobs: 0 };
    const answer = tokensOf(await run(parts, PROMPT, greedy));
    assertEquals(answer.length, 40);

    const next = [...PROMPT, ...answer, ...someTokens(20, 5)];
    const events = await run(parts, next, greedy);
    // The last token of an answer is drawn, not read.
    assertEquals(cachedOf(events), PROMPT.length + 39);
    const [expected] = await fresh(parts, next, greedy);
    const [found] = answersOf(events);
    assertEquals(found.text, expected.text);
    found.tokens.forEach(({ logprob }, i) =>
      assertAlmostEquals(logprob!, expected.tokens[i].logprob!, 1e-3)
    );
  });
}

Deno.test("KeptDialogues: an answer that is wanted anew, or was changed, goes on from its prompt", async () => {
  using kept = new KeptDialogues(1);
  const parts = { ...model, kept };
  const [first] = answersOf(await run(parts, PROMPT));
  const again = await run(parts, PROMPT);
  assertEquals(cachedOf(again), PROMPT.length);
  assertEquals(answersOf(again), [first]);

  const changed = [...PROMPT, 5, 6, 7];
  const events = await run(parts, changed);
  assertEquals(cachedOf(events), PROMPT.length);
  assertEquals(answersOf(events), await fresh(parts, changed, {}));
});

Deno.test("KeptDialogues: several choices leave a dialogue that goes on from its prompt", async () => {
  using kept = new KeptDialogues(1);
  const parts = { ...model, kept };
  await run(parts, PROMPT, { choices: 3 });
  const events = await run(parts, [...PROMPT, 8], { choices: 2 });
  assertEquals(cachedOf(events), PROMPT.length);
  const expected = await fresh(parts, [...PROMPT, 8], { choices: 2 });
  assertEquals(answersOf(events), expected);
});

Deno.test("KeptDialogues: other beginnings, caches and options are read whole", async () => {
  const others: Partial<GenerateRequest>[] = [
    { prompt: tokensPrompt([9, ...PROMPT]) },
    { prompt: tokensPrompt(PROMPT.slice(0, -1)) },
    { kv: { slots: 31 } },
    { kv: { method: "h2o" } },
    { echo: true, logprobs: 1 },
  ];
  for (const fields of others) {
    using kept = new KeptDialogues(1);
    const parts = { ...model, kept };
    await run(parts, PROMPT);
    assertEquals(cachedOf(await run(parts, PROMPT, fields)), 0);
  }
  using kept = new KeptDialogues(2);
  const parts = { ...model, kept };
  const kv = (mean: number) => ({ kv: { method: "h2o", options: { mean } } });
  await run(parts, PROMPT, kv(0));
  assertEquals(cachedOf(await run(parts, PROMPT, kv(1))), 0);
  assertEquals(cachedOf(await run(parts, PROMPT, kv(0))), PROMPT.length);
});

Deno.test("KeptDialogues: a client that leaves loses nothing that was read", async () => {
  using kept = new KeptDialogues(1);
  const parts = { ...model, kept };
  const request = ask({ prompt: tokensPrompt(PROMPT), maxTokens: 40 });
  const leaving = new AbortController();
  await assertRejects(
    async () => {
      for await (const event of generate(parts, request, leaving.signal)) {
        if (event.type === "text") leaving.abort(new Error("gone"));
      }
    },
    Error,
    "gone",
  );
  assertEquals(kept.count, 1);
  const events = await run(parts, PROMPT);
  assertEquals(cachedOf(events), PROMPT.length);
  assertEquals(answersOf(events), await fresh(parts, PROMPT, {}));

  // One that just stops reading its stream ends the same way.
  const stream = generate(parts, request, STAYS);
  await stream.next();
  await stream.next();
  await stream.return();
  assertEquals(cachedOf(await run(parts, PROMPT)), PROMPT.length);
});

Deno.test("KeptDialogues: what failed is not kept", async () => {
  using kept = new KeptDialogues(1);
  const runtime = new Proxy(model.runtime, {
    get(target, name) {
      if (name === "forward") return () => Promise.reject(new Error("broken"));
      const member = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const broken = { ...model, kept, runtime, steps: new Steps(runtime) };
  const memory = model.runtime.memoryBytes;
  await assertRejects(() => run(broken, [1, 2]), Error, "broken");
  assertEquals([kept.count, broken.queue.running], [0, 0]);
  assertEquals(model.runtime.memoryBytes, memory);
});

Deno.test("KeptDialogues holds no more than it may, and lets those unused longest go", async () => {
  for (const most of [0, 1, 3]) {
    const { kept, ...rest } = keeping(most);
    const parts = { ...rest, kept };
    const prompts = [1, 2, 3, 4].map((from) => someTokens(20, from));
    for (const prompt of prompts) await run(parts, prompt);
    assertEquals(kept.count, most);
    const memory = model.runtime.memoryBytes;
    const found: number[] = [];
    for (const prompt of prompts.toReversed().slice(0, 3)) {
      found.push(cachedOf(await run(parts, prompt)));
    }
    assertEquals(found, [0, 1, 2].map((i) => i < most ? 20 : 0));
    assertEquals(model.runtime.memoryBytes, memory);
    kept[Symbol.dispose]();
    assertEquals(kept.count, 0);
  }
});

Deno.test("KeptDialogues: a dialogue that knows only its highest logits goes on where there is more to read", async () => {
  for (const [top, isKnown] of [[1, false], [Infinity, true]] as const) {
    using kept = new KeptDialogues(1);
    const dialogue = new Dialogue(model.runtime, model.cache);
    await dialogue.prefill(PROMPT, "last", () => {}, STAYS);
    await dialogue.step(5, () => {}, STAYS, top);
    kept.put(dialogue);
    const known = await kept.take([...PROMPT, 5], model.cache);
    assertEquals(known === dialogue, isKnown);
    if (known) kept.put(known);
    const longer = await kept.take([...PROMPT, 5, 6], model.cache);
    assertEquals(longer, dialogue);
    await dialogue.prefill([6], "last", () => {}, STAYS);
    assertEquals(dialogue.hasAllLogits, true);
    kept.put(dialogue);
  }
});

Deno.test("KeptDialogues, disposed, keeps nothing any more", () => {
  const kept = new KeptDialogues(1);
  kept[Symbol.dispose]();
  kept.put(new Dialogue(model.runtime, model.cache));
  assertEquals([kept.count, kept.keeps], [0, false]);
});
