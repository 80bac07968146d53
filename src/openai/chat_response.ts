/**
 * The answers of `POST /v1/chat/completions`, streamed and whole.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { GenerateEvent } from "../engine/types.ts";
import {
  type AnswerHead,
  type AnswerOptions,
  FinishReasonSchema,
  formatUsage,
  UsageSchema,
} from "./answer.ts";
import { ChatLogprob, chatLogprob } from "./logprobs.ts";

const Logprobs = z.object({
  content: z.array(ChatLogprob),
  refusal: z.null(),
}).nullable();

const head = {
  id: z.string(),
  created: z.int().describe("Unix seconds."),
  model: z.string(),
  system_fingerprint: z.string(),
};

const ChunkChoice = z.object({
  index: z.int(),
  delta: z.object({
    role: z.literal("assistant").optional(),
    content: z.string().optional(),
    refusal: z.null().optional(),
  }),
  logprobs: Logprobs,
  finish_reason: FinishReasonSchema.nullable(),
});

/** One `data:` frame of a streamed answer. */
export const ChatCompletionChunk = z.object({
  ...head,
  object: z.literal("chat.completion.chunk"),
  choices: z.array(ChunkChoice),
  usage: UsageSchema.nullish(),
}).openapi("ChatCompletionChunk");

/** A whole answer. */
export const ChatCompletion = z.object({
  ...head,
  object: z.literal("chat.completion"),
  choices: z.array(z.object({
    index: z.int(),
    message: z.object({
      role: z.literal("assistant"),
      content: z.string(),
      refusal: z.null(),
    }),
    logprobs: Logprobs,
    finish_reason: FinishReasonSchema,
  })),
  usage: UsageSchema,
}).openapi("ChatCompletion");

type Chunk = z.output<typeof ChatCompletionChunk>;
type Choice = z.output<typeof ChatCompletion>["choices"][number];

/** The chunks of an answer: roles, then texts, then why each choice ended. */
export async function* chatChunks(
  events: AsyncIterable<GenerateEvent>,
  head: AnswerHead,
  options: AnswerOptions,
): AsyncGenerator<Chunk, void, void> {
  const chunk = (choice?: z.output<typeof ChunkChoice>): Chunk => ({
    id: head.id,
    object: "chat.completion.chunk",
    created: head.created,
    model: head.model,
    system_fingerprint: head.fingerprint,
    choices: choice ? [choice] : [],
    ...(options.includeUsage ? { usage: null } : {}),
  });
  for await (const event of events) {
    if (event.type === "start") {
      const delta = { role: "assistant", content: "", refusal: null } as const;
      for (let index = 0; index < options.choices; index++) {
        yield chunk({ index, delta, logprobs: null, finish_reason: null });
      }
    } else if (event.type === "text") {
      const { choice: index, text: content } = event;
      if (content === "" && event.tokens.length === 0) continue;
      const logprobs = options.logprobs
        ? {
          content: event.tokens.map((token) =>
            chatLogprob(token, options.tokenBytes)
          ),
          refusal: null,
        }
        : null;
      yield chunk({ index, delta: { content }, logprobs, finish_reason: null });
    } else if (event.type === "finish") {
      const { choice: index, reason: finish_reason } = event;
      yield chunk({ index, delta: {}, logprobs: null, finish_reason });
    } else if (options.includeUsage) {
      yield { ...chunk(), usage: formatUsage(event.usage) };
    }
  }
}

/**
 * The same answer in one piece.
 *
 * @param chunks With the usage.
 * @param logprobs Whether they were asked for.
 */
export async function chatCompletion(
  chunks: AsyncIterable<Chunk>,
  { logprobs }: AnswerOptions,
): Promise<z.output<typeof ChatCompletion>> {
  const choices: Choice[] = [];
  for await (const chunk of chunks) {
    for (const piece of chunk.choices) {
      choices[piece.index] ??= emptyChoice(piece.index, logprobs);
      append(choices[piece.index], piece);
    }
    if (chunk.usage) {
      const object = "chat.completion";
      return { ...chunk, object, choices, usage: chunk.usage };
    }
  }
  throw new Error("Cannot finish the answer: its events ended without usage");
}

function emptyChoice(index: number, logprobs: boolean): Choice {
  return {
    index,
    message: { role: "assistant", content: "", refusal: null },
    logprobs: logprobs ? { content: [], refusal: null } : null,
    finish_reason: "stop",
  };
}

function append(choice: Choice, piece: z.output<typeof ChunkChoice>): void {
  choice.message.content += piece.delta.content ?? "";
  choice.logprobs?.content.push(...piece.logprobs?.content ?? []);
  choice.finish_reason = piece.finish_reason ?? choice.finish_reason;
}
