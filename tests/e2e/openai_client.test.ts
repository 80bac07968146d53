/** The server as the official client sees it. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
} from "@std/assert";
import OpenAI from "openai";
import { untilIdle, untilLoad } from "../helpers/health.ts";
import type { ServerProcess } from "../helpers/server_process.ts";
import { LETTERS_BIAS, startTinyServer } from "../helpers/tiny_server.ts";

const HELLO = { role: "user", content: "Hello" } as const;
/** A text of letters at random, the same every time. */
const LETTERS = {
  model: "tiny",
  logit_bias: LETTERS_BIAS,
  seed: 1,
  max_tokens: 12,
};

function connect(server: ServerProcess, apiKey = "none"): OpenAI {
  return new OpenAI({ baseURL: `${server.url}/v1`, apiKey, maxRetries: 0 });
}

/** `usage` with the fields that are ours. */
function kvOf(usage: OpenAI.CompletionUsage | null | undefined) {
  return (usage as unknown as { kv: Record<string, unknown> }).kv;
}

Deno.test("the openai client reads several streams at once, each as if it were alone", async () => {
  await using server = await startTinyServer(["--parallel", "3"]);
  const client = connect(server);
  const requests = ["Hello", "What is it?", "Tell me more of that"].map(
    (content, seed) => ({
      ...LETTERS,
      seed,
      max_tokens: 200,
      messages: [{ role: "user", content } as const],
    }),
  );
  const alone: (string | null)[] = [];
  for (const request of requests) {
    const answer = await client.chat.completions.create(request);
    alone.push(answer.choices[0].message.content);
  }
  const order: number[] = [];
  const together = await Promise.all(requests.map(async (request, index) => {
    let text = "";
    const stream = await client.chat.completions.create({
      ...request,
      stream: true,
    });
    for await (const { choices: [choice] } of stream) {
      order.push(index);
      text += choice.delta.content ?? "";
    }
    return text;
  }));
  assertEquals(together, alone);
  const firsts = [0, 1, 2].map((index) => order.indexOf(index));
  const lasts = [0, 1, 2].map((index) => order.lastIndexOf(index));
  // All had begun when the first one ended.
  assert(Math.max(...firsts) < Math.min(...lasts), `${firsts} ${lasts}`);
});

Deno.test("the openai client reads chats, streams, scores and errors", async (t) => {
  await using server = await startTinyServer(["--method", "streaming_llm"]);
  const client = connect(server);

  await t.step("models.list() and models.retrieve()", async () => {
    const { data: [model] } = await client.models.list();
    assertEquals(model.id, "tiny");
    assertEquals((await client.models.retrieve("tiny")).id, "tiny");
  });

  await t.step("chat.completions.create() answers", async () => {
    const answer = await client.chat.completions.create({
      ...LETTERS,
      messages: [HELLO],
    });
    const [choice] = answer.choices;
    assertEquals(answer.choices.length, 1);
    assertEquals(choice.finish_reason, "length");
    assertMatch(choice.message.content ?? "", /^[a-z]{12,24}$/);
    assertEquals(answer.usage?.completion_tokens, 12);
    assertEquals(kvOf(answer.usage).method, "streaming_llm");
    assertEquals(
      kvOf(answer.usage).seen,
      answer.usage!.total_tokens - 1,
    );
  });

  await t.step("a stream says the same as a whole answer", async () => {
    const request = {
      ...LETTERS,
      messages: [HELLO],
      n: 2,
      logprobs: true,
      top_logprobs: 2,
    };
    const whole = await client.chat.completions.create(request);
    const stream = await client.chat.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await Array.fromAsync(stream);
    for (const { index, message, logprobs } of whole.choices) {
      const pieces = chunks.flatMap(({ choices }) => choices)
        .filter((choice) => choice.index === index);
      const text = pieces.map(({ delta }) => delta.content ?? "").join("");
      assertEquals(text, message.content);
      assertEquals(
        pieces.flatMap(({ logprobs }) => logprobs?.content ?? []),
        logprobs?.content ?? [],
      );
      assertEquals(logprobs?.content?.length, 12);
      assertEquals(logprobs?.content?.[0].top_logprobs.length, 2);
    }
    assertEquals(chunks.at(-1)?.usage, whole.usage);
    assert(
      whole.choices[0].message.content !== whole.choices[1].message.content,
    );
  });

  await t.step(
    "the client's own stream helper puts a message together",
    async () => {
      const stream = client.chat.completions.stream({
        ...LETTERS,
        messages: [HELLO],
      });
      const message = await stream.finalMessage();
      assertEquals(message.role, "assistant");
      assertMatch(message.content ?? "", /^[a-z]{12,24}$/);
    },
  );

  await t.step("completions.create() scores a prompt", async () => {
    const prompt = [50, 60, 70, 80];
    const scoring = {
      model: "tiny",
      prompt,
      echo: true,
      logprobs: 3,
    };
    const { choices: [choice], usage } = await client.completions.create({
      ...scoring,
      max_tokens: 0,
    });
    const { token_logprobs, top_logprobs } = choice.logprobs!;
    assertEquals(choice.logprobs!.tokens!.length, 4);
    assertEquals(token_logprobs![0], null);
    for (let at = 1; at < 4; at++) {
      assert(token_logprobs![at] < 0);
      const top = Object.values(top_logprobs![at]);
      assert(top.length === 3 || top.length === 4);
    }
    assertEquals(usage?.prompt_tokens, 4);
    assertEquals(usage?.completion_tokens, 0);

    const longer = await client.completions.create({
      ...LETTERS,
      ...scoring,
      max_tokens: 2,
    });
    const scores = longer.choices[0].logprobs!.token_logprobs!;
    assertEquals(scores.length, 6);
    for (let at = 1; at < 4; at++) {
      assertAlmostEquals(scores[at], token_logprobs![at], 1e-4);
    }
  });

  await t.step("completions.create() takes several prompts", async () => {
    const answer = await client.completions.create({
      ...LETTERS,
      prompt: ["one", "two"],
      n: 2,
      max_tokens: 3,
    });
    assertEquals(answer.choices.map(({ index }) => index), [0, 1, 2, 3]);
    assertEquals(answer.usage?.completion_tokens, 12);
  });

  await t.step("a stop string ends the text before it", async () => {
    const request = { ...LETTERS, prompt: "once", max_tokens: 30 };
    const { choices: [free] } = await client.completions.create(request);
    const stop = free.text.slice(10, 13);
    const { choices: [stopped] } = await client.completions.create({
      ...request,
      stop,
    });
    assertEquals(stopped.text, free.text.slice(0, free.text.indexOf(stop)));
    assertEquals(stopped.finish_reason, "stop");
  });

  await t.step("a dialogue longer than the slots goes on", async () => {
    const prompt = Array.from({ length: 3000 }, (_, at) => 3 + at % 300);
    const { usage } = await client.completions.create({ ...LETTERS, prompt });
    const kv = kvOf(usage) as Record<string, number>;
    assertEquals(kv.slots, 512);
    assertEquals(kv.seen, 3011);
    assertEquals(kv.seen, kv.resident + kv.fused + kv.evicted);
    assert(kv.evicted >= 3011 - 512 - 64);
  });

  await t.step("a stream that the client aborts frees its place", async () => {
    const stream = await client.chat.completions.create({
      ...LETTERS,
      messages: [HELLO],
      max_tokens: 1_000_000,
      stream: true,
    });
    let chunks = 0;
    for await (const _ of stream) if (++chunks === 5) break;
    await untilIdle(server);
  });

  await t.step(
    "a long prompt whose client leaves frees its place",
    async () => {
      const leaving = new AbortController();
      const prompt = Array(300_000).fill(99);
      const answer = client.completions.create(
        { ...LETTERS, prompt },
        { signal: leaving.signal },
      );
      const left = assertRejects(() => answer, OpenAI.APIUserAbortError);
      await untilLoad(server, ({ running }) => running === 1);
      leaving.abort();
      await left;
      await untilIdle(server);
    },
  );

  await t.step(
    "errors have their class, status, code and parameter",
    async () => {
      const chat = (fields: object) =>
        client.chat.completions.create(
          { model: "tiny", messages: [HELLO], ...fields } as never,
        );
      const complete = (prompt: number[] | string) =>
        client.completions.create({ model: "tiny", prompt });
      const { BadRequestError, NotFoundError } = OpenAI;
      const cases = [
        [() => chat({ messages: [] }), BadRequestError, 400, "messages"],
        [() => chat({ temperature: 9 }), BadRequestError, 400, "temperature"],
        [() => chat({ tools: [{}] }), BadRequestError, 400, "tools"],
        [() => chat({ model: "gpt" }), NotFoundError, 404, "model"],
        [() => complete([9999]), BadRequestError, 400, "prompt"],
        [() => complete(""), BadRequestError, 400, "prompt"],
      ] as const;
      for (const [call, errorClass, status, param] of cases) {
        const error = await assertRejects(call, OpenAI.APIError);
        assert(error instanceof errorClass, `${error}`);
        assertEquals([error.status, error.param], [status, param]);
        assertMatch(error.message, /^\d+ Cannot /);
      }
      const answer = await chat({ max_tokens: 1 });
      assertEquals(answer.choices.length, 1);
    },
  );
  assertEquals(server.stderr.split("\n").length, 2, server.stderr);
});

Deno.test("the openai client must show a key where the server has some", async () => {
  await using server = await startTinyServer(["--api-key", "right,also"]);
  const ask = (key: string) => connect(server, key).models.list();
  assertEquals((await ask("also")).data[0].id, "tiny");
  const error = await assertRejects(
    () => ask("wrong"),
    OpenAI.AuthenticationError,
  );
  assertEquals(error.code, "invalid_api_key");
});

Deno.test("a prompt longer than the context is refused under full, with the counts", async () => {
  await using server = await startTinyServer(["--method", "full"]);
  const client = connect(server);
  const error = await assertRejects(
    () =>
      client.completions.create({ model: "tiny", prompt: Array(600).fill(9) }),
    OpenAI.BadRequestError,
  );
  assertEquals([error.code, error.param], [
    "context_length_exceeded",
    "prompt",
  ]);
  assertMatch(error.message, /it has 600 tokens .* holds 512$/);
  const { usage } = await client.completions.create({
    ...LETTERS,
    prompt: [9, 9],
  });
  assertEquals(kvOf(usage).evicted, 0);
});
