import { assert, assertEquals } from "@std/assert";
import { createApp } from "../../routes/app.ts";
import { assertApiError, post, readChunks } from "../helpers/http.ts";
import {
  says,
  SCRIPTED_KV,
  ScriptedEngine,
} from "../helpers/scripted_engine.ts";

const PATH = "/v1/chat/completions";
const HELLO = { messages: [{ role: "user", content: "Hi" }] };
const engine = new ScriptedEngine(says(["Hello", " you"]));
const app = createApp({ engine, limits: { maxTokens: 77 } });

const USAGE = {
  prompt_tokens: 7,
  completion_tokens: 2,
  total_tokens: 9,
  prompt_tokens_details: { cached_tokens: 0 },
  kv: { ...SCRIPTED_KV },
};

Deno.test("POST /v1/chat/completions answers in one piece", async () => {
  const response = await post(app, PATH, { ...HELLO, model: "scripted" });
  const { id, created, ...rest } = await response.json();
  assert(id.startsWith("chatcmpl-"));
  assert(Number.isInteger(created));
  assertEquals(rest, {
    object: "chat.completion",
    model: "scripted",
    system_fingerprint: "fp_simd_streaming_llm_512",
    choices: [{
      index: 0,
      message: { role: "assistant", content: "Hello you", refusal: null },
      logprobs: null,
      finish_reason: "stop",
    }],
    usage: USAGE,
  });
});

Deno.test("POST /v1/chat/completions streams chunks of one head, role first and [DONE] last", async () => {
  const response = await post(app, PATH, { ...HELLO, stream: true });
  const chunks = await readChunks(response);
  const [{ id, created }] = chunks;
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    id,
    object: "chat.completion.chunk",
    created,
    model: "scripted",
    system_fingerprint: "fp_simd_streaming_llm_512",
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  });
  assertEquals(chunks, [
    chunk({ role: "assistant", content: "", refusal: null }),
    chunk({ content: "Hello" }),
    chunk({ content: " you" }),
    chunk({}, "stop"),
  ]);
});

Deno.test("POST /v1/chat/completions ends a stream with the usage only where that was asked for", async () => {
  const stream_options = { include_usage: true };
  const chunks = await readChunks(
    await post(app, PATH, { ...HELLO, stream: true, stream_options }),
  );
  assertEquals(chunks.at(-1).choices, []);
  assertEquals(chunks.map(({ usage }) => usage), [
    null,
    null,
    null,
    null,
    USAGE,
  ]);
});

Deno.test("POST /v1/chat/completions answers n times, streamed and whole alike", async () => {
  const body = { ...HELLO, n: 3, logprobs: true, top_logprobs: 0 };
  const whole = await (await post(app, PATH, body)).json();
  const chunks = await readChunks(
    await post(app, PATH, { ...body, stream: true }),
  );
  for (const { index, message, logprobs } of whole.choices) {
    const deltas = chunks.flatMap(({ choices }) => choices)
      .filter((choice) => choice.index === index);
    assertEquals(deltas[0].delta.role, "assistant");
    assertEquals(deltas.at(-1).finish_reason, "stop");
    const text = deltas.map(({ delta }) => delta.content ?? "").join("");
    assertEquals(text, message.content);
    const tokens = deltas.flatMap(({ logprobs }) => logprobs?.content ?? []);
    assertEquals(tokens, logprobs.content);
    assertEquals(tokens.length, 2);
  }
  assertEquals(whole.choices.length, 3);
});

Deno.test("POST /v1/chat/completions gives the engine the typed request", async () => {
  await post(app, PATH, { ...HELLO, temperature: 0, stop: "x" });
  const { prompt, maxTokens, stop, sampling } = engine.requests.at(-1)!;
  assertEquals(prompt, {
    kind: "chat",
    messages: [{ role: "user", content: "Hi" }],
  });
  assertEquals([maxTokens, stop, sampling.temperature], [77, ["x"], 0]);
});

Deno.test("POST /v1/chat/completions takes a body without content type, and any key it does not know", async () => {
  const body = JSON.stringify({ ...HELLO, new_thing: 1 });
  const response = await app.request(PATH, { method: "POST", body });
  assertEquals(response.status, 200);
  await response.body?.cancel();
});

Deno.test("POST /v1/chat/completions refuses bad bodies and goes on", async () => {
  const asked = engine.requests.length;
  await assertApiError(await post(app, PATH, "{"), 400, {
    code: "invalid_json",
  });
  await assertApiError(await post(app, PATH, {}), 400, {
    code: "missing_required_parameter",
    param: "messages",
  });
  const tools = [{ type: "function" }];
  await assertApiError(await post(app, PATH, { ...HELLO, tools }), 400, {
    code: "unsupported_parameter",
    param: "tools",
  });
  await assertApiError(await post(app, PATH, { ...HELLO, model: "x" }), 404, {
    code: "model_not_found",
    param: "model",
  });
  const logit_bias = { 300: 1 };
  await assertApiError(await post(app, PATH, { ...HELLO, logit_bias }), 400, {
    code: "invalid_value",
    param: "logit_bias",
  });
  assertEquals(engine.requests.length, asked);
  assertEquals((await post(app, PATH, HELLO)).status, 200);
});
