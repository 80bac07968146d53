/**
 * The real model with the kernels that define the operations, whose activations are f32, against transformers. Slow: plain
 * TypeScript multiplies some hundred thousand million weights here.
 */
import { assertEquals, assertLess } from "@std/assert";
import { ReferenceKernels } from "../../../src/kernels/reference.ts";
import { readGguf } from "../../../src/model/gguf.ts";
import { SimdRuntime } from "../../../src/model/simd/runtime.ts";
import { Agreement } from "../../helpers/kl.ts";
import { readGreedySet, readKlSet } from "../../helpers/oracle.ts";
import { realModelPath } from "../../helpers/real_model.ts";
import { argmax, run, uniformCache } from "../../helpers/stream.ts";

const runtime = await SimdRuntime.load(readGguf(realModelPath()), {
  kernels: (memory) => Promise.resolve(new ReferenceKernels(memory)),
});

/** Three of the ten recorded texts, 256 positions each: a minute instead of five. */
const TEXTS = ["prose", "python", "french"];

Deno.test("SimdRuntime with reference kernels has the distributions of transformers", async () => {
  const agreement = new Agreement();
  const texts = (await readKlSet()).filter(({ name }) => TEXTS.includes(name));
  assertEquals(texts.length, TEXTS.length);
  for (const { tokens, next } of texts) {
    const cache = uniformCache(runtime, tokens.length, 0);
    await run(runtime, cache, tokens, (logits, i) => {
      agreement.add(next, i, logits);
    });
    cache.dispose();
  }
  assertLess(agreement.meanKl, 1e-4);
  assertEquals(agreement.sameBest, 1);
});

Deno.test("SimdRuntime with reference kernels decodes the greedy tokens of transformers", async () => {
  const chats = await readGreedySet();
  const caches = chats.map(({ prompt, tokens }) =>
    uniformCache(runtime, prompt.length + tokens.length, 0)
  );
  const best = chats.map(() => 0);
  for (const [i, { prompt }] of chats.entries()) {
    await run(runtime, caches[i], prompt, (logits) => {
      best[i] = argmax(logits);
    });
  }
  // All conversations side by side, so that each weight is decoded once a step.
  const produced = chats.map(() => [] as number[]);
  for (let step = 0; step < chats[0].tokens.length; step++) {
    best.forEach((token, i) => produced[i].push(token));
    const batch = caches.map((cache, i) => (
      { cache, tokens: [best[i]], logits: "last" as const }
    ));
    await runtime.forward(batch, (logits, _, i) => best[i] = argmax(logits));
  }
  assertEquals(produced, chats.map(({ tokens }) => [...tokens]));
});
