import { assert, assertEquals } from "@std/assert";
import {
  DEFAULT_SAMPLING,
  type SamplingOptions,
} from "../../../src/engine/types.ts";
import { createSampler } from "../../../src/sampling/sampler.ts";
import { gpuTest, withTinyGpu } from "../../helpers/gpu.ts";
import { uniformCache } from "../../helpers/stream.ts";

const TOKENS = 40;
const FORMS: Readonly<Record<string, Partial<SamplingOptions>>> = {
  greedy: { temperature: 0 },
  "the five likeliest": { temperature: 0.8, topK: 5, topP: 0.9 },
  "the 40 likeliest": { temperature: 1.5, topK: 40, minP: 0.05 },
  // More than are ever brought back apart from the rest.
  "the 100 likeliest": { temperature: 1.5, topK: 100 },
};

for (const [name, form] of Object.entries(FORMS)) {
  gpuTest(
    `the highest logits alone give the same tokens as all of them: ${name}`,
    async () => {
      await withTinyGpu({}, async (runtime) => {
        const { vocab } = runtime.config;
        const options = { ...DEFAULT_SAMPLING, seed: 7, ...form };
        const answer = async (top: number | undefined) => {
          const sampler = createSampler(options, vocab, 0);
          const cache = uniformCache(runtime, TOKENS, 0);
          const tokens = [1];
          let lowest = 0;
          while (tokens.length < TOKENS) {
            await runtime.forward(
              [{ cache, tokens: tokens.slice(-1), logits: "last", top }],
              (logits) => {
                lowest = Math.min(lowest, ...logits);
                tokens.push(sampler.sample(logits));
              },
            );
          }
          return { tokens, lowest };
        };
        const all = await answer(undefined);
        const { top } = createSampler(options, vocab, 0);
        const highest = await answer(top);
        assertEquals(highest.tokens, all.tokens);
        assert(new Set(all.tokens).size > 3);
        // All were brought back in the one case, and but the highest in the other.
        assertEquals([all, highest].map(({ lowest }) => lowest < -1e30), [
          false,
          top < 64,
        ]);
      });
    },
  );
}
