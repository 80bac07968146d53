import { assertEquals, assertRejects } from "@std/assert";
import type { GenerateEvent } from "../../src/engine/types.ts";
import type { AnswerOptions } from "../../src/openai/answer.ts";
import {
  Completion,
  completion,
  CompletionChunk,
  completionChunks,
} from "../../src/openai/completion_response.ts";
import { fromList } from "../helpers/from_list.ts";
import { scored, SCRIPTED_KV } from "../helpers/scripted_engine.ts";

const HEAD = { id: "cmpl-1", created: 5, model: "m", fingerprint: "fp_x" };
const SHARED = {
  id: "cmpl-1",
  object: "text_completion",
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
  choices: 2,
  logprobs: false,
  includeUsage: false,
  tokenBytes: (id) => Uint8Array.of(id),
  ...given,
});

const EVENTS: readonly GenerateEvent[] = [
  { type: "start", promptTokens: 3 },
  { type: "text", choice: 0, text: "é", tokens: [scored("é", null)] },
  { type: "text", choice: 0, text: "a", tokens: [scored("a")] },
  { type: "finish", choice: 0, reason: "length" },
  { type: "text", choice: 1, text: "b", tokens: [scored("b")] },
  { type: "finish", choice: 1, reason: "stop" },
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

const chunksOf = (given: Partial<AnswerOptions> = {}) =>
  Array.fromAsync(completionChunks(fromList(EVENTS), HEAD, options(given)));

Deno.test("completionChunks() gives the texts of each choice, then why it ended", async () => {
  const piece = (index: number, text: string, finish: string | null = null) => (
    {
      ...SHARED,
      choices: [{ index, text, logprobs: null, finish_reason: finish }],
    }
  );
  const chunks: unknown[] = await chunksOf();
  assertEquals(chunks, [
    piece(0, "é"),
    piece(0, "a"),
    piece(0, "", "length"),
    piece(1, "b"),
    piece(1, "", "stop"),
  ]);
});

Deno.test("completionChunks() adds a chunk with the usage and no choices, and null to the others", async () => {
  const chunks = await chunksOf({ includeUsage: true });
  assertEquals(chunks.map(({ usage }) => usage), [
    ...[null, null, null, null, null],
    USAGE,
  ]);
  assertEquals(chunks.at(-1)?.choices, []);
});

Deno.test("completion() says the same in one piece, log-probabilities joined by choice", async () => {
  const given = options({ includeUsage: true, logprobs: true });
  const answer: unknown = await completion(
    completionChunks(fromList(EVENTS), HEAD, given),
    given,
  );
  assertEquals(answer, {
    ...SHARED,
    choices: [{
      index: 0,
      text: "éa",
      logprobs: {
        tokens: ["é", "a"],
        token_logprobs: [null, -0.5],
        top_logprobs: [null, { a: -0.5 }],
        text_offset: [0, 1],
      },
      finish_reason: "length",
    }, {
      index: 1,
      text: "b",
      logprobs: {
        tokens: ["b"],
        token_logprobs: [-0.5],
        top_logprobs: [{ b: -0.5 }],
        text_offset: [0],
      },
      finish_reason: "stop",
    }],
    usage: USAGE,
  });
});

Deno.test("completion() takes a prompt of 300,000 scored tokens", async () => {
  const given = options({ choices: 1, includeUsage: true, logprobs: true });
  const tokens = Array(300_000).fill(scored("a"));
  const text = "a".repeat(tokens.length);
  const events: GenerateEvent[] = [
    { type: "text", choice: 0, text, tokens },
    EVENTS[3],
    EVENTS[6],
  ];
  const { choices: [{ logprobs }] } = await completion(
    completionChunks(fromList(events), HEAD, given),
    given,
  );
  assertEquals(logprobs?.text_offset.at(-1), 299_999);
});

Deno.test("completion() refuses events that end too early", async () => {
  const given = options({ includeUsage: true });
  const events = fromList(EVENTS.slice(0, 3));
  await assertRejects(
    () => completion(completionChunks(events, HEAD, given), given),
    Error,
    "Cannot finish the answer: its events ended without usage",
  );
});

Deno.test("CompletionChunk and Completion describe what is sent", async () => {
  const given = options({ includeUsage: true, logprobs: true });
  const chunks = await chunksOf(given);
  for (const chunk of chunks) {
    assertEquals(CompletionChunk.strict().parse(chunk), chunk);
  }
  const answer = await completion(fromList(chunks), given);
  assertEquals(Completion.strict().parse(answer), answer);
});
