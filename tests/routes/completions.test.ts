import { assert, assertEquals } from "@std/assert";
import { createApp } from "../../routes/app.ts";
import { ContextLengthError } from "../../src/engine/errors.ts";
import { assertApiError, post, readChunks } from "../helpers/http.ts";
import {
  says,
  SCRIPTED_KV,
  ScriptedEngine,
} from "../helpers/scripted_engine.ts";

const PATH = "/v1/completions";
const engine = new ScriptedEngine(says([" upon", " a"], { echo: "Once" }));
const app = createApp({ engine });

Deno.test("POST /v1/completions answers in one piece", async () => {
  const response = await post(app, PATH, { prompt: "Once" });
  const { id, created, ...rest } = await response.json();
  assert(id.startsWith("cmpl-"));
  assert(Number.isInteger(created));
  assertEquals(rest, {
    object: "text_completion",
    model: "scripted",
    system_fingerprint: "fp_simd_streaming_llm_512",
    choices: [{
      index: 0,
      text: " upon a",
      logprobs: null,
      finish_reason: "stop",
    }],
    usage: {
      prompt_tokens: 7,
      completion_tokens: 2,
      total_tokens: 9,
      prompt_tokens_details: { cached_tokens: 0 },
      kv: { ...SCRIPTED_KV },
    },
  });
});

Deno.test("POST /v1/completions scores a prompt with max_tokens 0", async () => {
  const body = { prompt: "Once", max_tokens: 0, echo: true, logprobs: 1 };
  const { choices } = await (await post(app, PATH, body)).json();
  assertEquals(choices, [{
    index: 0,
    text: "Once",
    logprobs: {
      tokens: ["Once"],
      token_logprobs: [-0.5],
      top_logprobs: [{ Once: -0.5 }],
      text_offset: [0],
    },
    finish_reason: "stop",
  }]);
});

Deno.test("POST /v1/completions numbers choices by prompt, streamed and whole alike", async () => {
  const body = { prompt: ["a", [1, 2], "c"], n: 2, echo: true, logprobs: 0 };
  const whole = await (await post(app, PATH, body)).json();
  const stream_options = { include_usage: true };
  const chunks = await readChunks(
    await post(app, PATH, { ...body, stream: true, stream_options }),
  );
  assertEquals(whole.choices.map(({ index }: { index: number }) => index), [
    ...[0, 1, 2, 3, 4, 5],
  ]);
  for (const { index, text, logprobs, finish_reason } of whole.choices) {
    const pieces = chunks.flatMap(({ choices }) => choices)
      .filter((choice) => choice.index === index);
    assertEquals(pieces.map(({ text }) => text).join(""), text);
    assertEquals(
      pieces.flatMap(({ logprobs }) => logprobs?.text_offset ?? []),
      logprobs.text_offset,
    );
    assertEquals(pieces.at(-1).finish_reason, finish_reason);
  }
  assertEquals(whole.usage.prompt_tokens, 21);
  assertEquals(chunks.at(-1).usage, whole.usage);
});

Deno.test("POST /v1/completions refuses what the model cannot take before it streams", async () => {
  const choosy = createApp({
    engine: new ScriptedEngine(() => {
      throw new ContextLengthError(900, 512);
    }),
  });
  for (const stream of [true, false]) {
    const response = await post(choosy, PATH, { prompt: "long", stream });
    await assertApiError(response, 400, {
      code: "context_length_exceeded",
      param: "prompt",
      message: "Cannot take the prompt: it has 900 tokens and the cache, " +
        "which evicts nothing under this method, holds 512",
    });
    await assertApiError(
      await post(app, PATH, { prompt: [1, 999], stream }),
      400,
      { code: "invalid_value", param: "prompt" },
    );
  }
});
