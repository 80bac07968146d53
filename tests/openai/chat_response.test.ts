import { assertEquals, assertRejects } from "@std/assert";
import type { GenerateEvent } from "../../src/engine/types.ts";
import type { AnswerOptions } from "../../src/openai/answer.ts";
import {
  chatChunks,
  ChatCompletion,
  chatCompletion,
  ChatCompletionChunk,
} from "../../src/openai/chat_response.ts";
import { scored, SCRIPTED_KV } from "../helpers/scripted_engine.ts";
import { fromList } from "../helpers/from_list.ts";

const HEAD = { id: "chatcmpl-1", created: 5, model: "m", fingerprint: "fp_x" };
const SHARED = {
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 5,
  model: "m",
  system_fingerprint: "fp_x",
} as const;
const USAGE = {
  prompt_tokens: 3,
  completion_tokens: 2,
  total_tokens: 5,
  prompt_tokens_details: { cached_tokens: 0 },
  kv: { ...SCRIPTED_KV },
};

const options = (given: Partial<AnswerOptions> = {}): AnswerOptions => ({
  choices: 1,
  logprobs: false,
  includeUsage: false,
  tokenBytes: (id) => Uint8Array.of(id),
  ...given,
});

const EVENTS: readonly GenerateEvent[] = [
  { type: "start", promptTokens: 3 },
  { type: "text", choice: 0, text: "He", tokens: [] },
  { type: "text", choice: 0, text: "", tokens: [] },
  { type: "text", choice: 0, text: "y", tokens: [] },
  { type: "finish", choice: 0, reason: "length" },
  {
    type: "done",
    usage: {
      promptTokens: 3,
      cachedTokens: 0,
      completionTokens: 2,
      kv: SCRIPTED_KV,
    },
  },
];

const chunksOf = (
  events: readonly GenerateEvent[],
  given: Partial<AnswerOptions> = {},
) => Array.fromAsync(chatChunks(fromList(events), HEAD, options(given)));

const choice = (delta: object, finish_reason: string | null = null) => ({
  index: 0,
  delta,
  logprobs: null,
  finish_reason,
});

Deno.test("chatChunks() gives the role, the texts, then why it ended", async () => {
  const chunks: unknown[] = await chunksOf(EVENTS);
  assertEquals(chunks, [
    {
      ...SHARED,
      choices: [choice({ role: "assistant", content: "", refusal: null })],
    },
    { ...SHARED, choices: [choice({ content: "He" })] },
    { ...SHARED, choices: [choice({ content: "y" })] },
    { ...SHARED, choices: [choice({}, "length")] },
  ]);
});

Deno.test("chatChunks() adds a chunk with the usage and no choices, and null to the others", async () => {
  const chunks = await chunksOf(EVENTS, { includeUsage: true });
  assertEquals(chunks.map(({ usage }) => usage), [
    ...[null, null, null, null],
    USAGE,
  ]);
  assertEquals(chunks.at(-1)?.choices, []);
});

Deno.test("chatChunks() opens every choice before the first text", async () => {
  const chunks = await chunksOf(EVENTS, { choices: 3 });
  assertEquals(
    chunks.slice(0, 4).map(({ choices: [{ index, delta }] }) => [
      index,
      delta.role,
    ]),
    [[0, "assistant"], [1, "assistant"], [2, "assistant"], [0, undefined]],
  );
});

Deno.test("chatChunks() sends tokens that have no text yet", async () => {
  const events: GenerateEvent[] = [
    { type: "text", choice: 0, text: "", tokens: [scored([0xc3])] },
  ];
  const [chunk] = await chunksOf(events, { logprobs: true });
  assertEquals(chunk.choices[0].delta, { content: "" });
  assertEquals(
    chunk.choices[0].logprobs?.content.map(({ bytes }) => bytes),
    [[0xc3]],
  );
});

Deno.test("chatCompletion() says the same in one piece", async () => {
  const given = options({ includeUsage: true });
  const answer: unknown = await chatCompletion(
    chatChunks(fromList(EVENTS), HEAD, given),
    given,
  );
  assertEquals(answer, {
    ...SHARED,
    object: "chat.completion",
    choices: [{
      index: 0,
      message: { role: "assistant", content: "Hey", refusal: null },
      logprobs: null,
      finish_reason: "length",
    }],
    usage: USAGE,
  });
});

Deno.test("chatCompletion() joins the log-probabilities of each choice", async () => {
  const given = options({ includeUsage: true, logprobs: true, choices: 2 });
  const events: GenerateEvent[] = [
    EVENTS[0],
    { type: "text", choice: 0, text: "a", tokens: [scored("a")] },
    { type: "finish", choice: 0, reason: "stop" },
    { type: "text", choice: 1, text: "b", tokens: [scored("b")] },
    { type: "text", choice: 1, text: "c", tokens: [scored("c")] },
    { type: "finish", choice: 1, reason: "stop" },
    EVENTS[5],
  ];
  const { choices } = await chatCompletion(
    chatChunks(fromList(events), HEAD, given),
    given,
  );
  assertEquals(
    choices.map(({ logprobs }) => logprobs?.content.map(({ token }) => token)),
    [["a"], ["b", "c"]],
  );
});

Deno.test("chatCompletion() has an empty list where no token came but scores were asked for", async () => {
  const given = options({ includeUsage: true, logprobs: true });
  const events = [EVENTS[0], EVENTS[4], EVENTS[5]];
  const { choices } = await chatCompletion(
    chatChunks(fromList(events), HEAD, given),
    given,
  );
  assertEquals(choices[0].logprobs, { content: [], refusal: null });
});

Deno.test("chatCompletion() refuses events that end too early", async () => {
  const given = options({ includeUsage: true });
  await assertRejects(
    () =>
      chatCompletion(
        chatChunks(fromList(EVENTS.slice(0, 3)), HEAD, given),
        given,
      ),
    Error,
    "Cannot finish the answer: its events ended without usage",
  );
});

Deno.test("ChatCompletionChunk and ChatCompletion describe what is sent", async () => {
  const given = options({ includeUsage: true });
  const chunks = await Array.fromAsync(
    chatChunks(fromList(EVENTS), HEAD, given),
  );
  for (const chunk of chunks) {
    assertEquals(ChatCompletionChunk.strict().parse(chunk), chunk);
  }
  const answer = await chatCompletion(fromList(chunks), given);
  assertEquals(ChatCompletion.strict().parse(answer), answer);
});
