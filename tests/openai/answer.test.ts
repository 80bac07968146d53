import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import {
  createHead,
  formatUsage,
  UsageSchema,
} from "../../src/openai/answer.ts";
import { formatHealth, Health } from "../../src/openai/health.ts";
import { formatModel, Model } from "../../src/openai/models.ts";
import { SCRIPTED_INFO, SCRIPTED_KV } from "../helpers/scripted_engine.ts";

Deno.test("createHead() names the answer, the model and all that a seed depends on", () => {
  const head = createHead("cmpl", SCRIPTED_INFO);
  assertMatch(head.id, /^cmpl-[0-9a-f]{32}$/);
  assertNotEquals(createHead("cmpl", SCRIPTED_INFO).id, head.id);
  assertEquals(
    [head.model, head.fingerprint],
    ["scripted", "fp_simd_streaming_llm_512"],
  );
  assertEquals(Number.isInteger(head.created), true);
});

Deno.test("formatUsage() sums the tokens and shows where they are", () => {
  const usage = {
    promptTokens: 7,
    cachedTokens: 0,
    completionTokens: 3,
    kv: SCRIPTED_KV,
  };
  const formatted = formatUsage(usage);
  assertEquals(formatted, {
    prompt_tokens: 7,
    completion_tokens: 3,
    total_tokens: 10,
    prompt_tokens_details: { cached_tokens: 0 },
    kv: { ...SCRIPTED_KV },
  });
  assertEquals(UsageSchema.strict().parse(formatted), formatted);
});

Deno.test("formatModel() and formatHealth() keep to their schemas", () => {
  const model = formatModel(SCRIPTED_INFO);
  assertEquals(Model.strict().parse(model), model);
  const health = formatHealth({ running: 1, waiting: 2 });
  assertEquals(Health.strict().parse(health), health);
});
