/**
 * The answers of `POST /v1/completions`, streamed and whole.
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
import { CompletionLogprobs, CompletionLogprobsWriter } from "./logprobs.ts";

const fields = {
  id: z.string(),
  object: z.literal("text_completion"),
  created: z.int().describe("Unix seconds."),
  model: z.string(),
  system_fingerprint: z.string(),
};

const ChunkChoice = z.object({
  index: z.int(),
  text: z.string(),
  logprobs: CompletionLogprobs.nullable(),
  finish_reason: FinishReasonSchema.nullable(),
});

/** One `data:` frame of a streamed answer. */
export const CompletionChunk = z.object({
  ...fields,
  choices: z.array(ChunkChoice),
  usage: UsageSchema.nullish(),
}).openapi("CompletionChunk");

/** A whole answer. */
export const Completion = z.object({
  ...fields,
  choices: z.array(ChunkChoice.extend({ finish_reason: FinishReasonSchema })),
  usage: UsageSchema,
}).openapi("Completion");

type Chunk = z.output<typeof CompletionChunk>;
type Choice = z.output<typeof Completion>["choices"][number];

/** The chunks of an answer: texts, then why each choice ended. */
export async function* completionChunks(
  events: AsyncIterable<GenerateEvent>,
  head: AnswerHead,
  options: AnswerOptions,
): AsyncGenerator<Chunk, void, void> {
  const chunk = (choice?: z.output<typeof ChunkChoice>): Chunk => ({
    id: head.id,
    object: "text_completion",
    created: head.created,
    model: head.model,
    system_fingerprint: head.fingerprint,
    choices: choice ? [choice] : [],
    ...(options.includeUsage ? { usage: null } : {}),
  });
  const writers = Array.from(
    { length: options.choices },
    () => new CompletionLogprobsWriter(options.tokenBytes),
  );
  for await (const event of events) {
    if (event.type === "text") {
      const { choice: index, text, tokens } = event;
      if (text === "" && tokens.length === 0) continue;
      const logprobs = options.logprobs
        ? writers[index].write(text, tokens)
        : null;
      yield chunk({ index, text, logprobs, finish_reason: null });
    } else if (event.type === "finish") {
      const { choice: index, reason: finish_reason } = event;
      yield chunk({ index, text: "", logprobs: null, finish_reason });
    } else if (event.type === "done" && options.includeUsage) {
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
export async function completion(
  chunks: AsyncIterable<Chunk>,
  { logprobs }: AnswerOptions,
): Promise<z.output<typeof Completion>> {
  const choices: Choice[] = [];
  for await (const chunk of chunks) {
    for (const piece of chunk.choices) {
      choices[piece.index] ??= emptyChoice(piece.index, logprobs);
      append(choices[piece.index], piece);
    }
    if (chunk.usage) return { ...chunk, choices, usage: chunk.usage };
  }
  throw new Error("Cannot finish the answer: its events ended without usage");
}

function emptyChoice(index: number, logprobs: boolean): Choice {
  return {
    index,
    text: "",
    logprobs: logprobs
      ? { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] }
      : null,
    finish_reason: "stop",
  };
}

function append(choice: Choice, piece: z.output<typeof ChunkChoice>): void {
  choice.text += piece.text;
  choice.finish_reason = piece.finish_reason ?? choice.finish_reason;
  if (choice.logprobs === null || piece.logprobs === null) return;
  const { tokens, token_logprobs, top_logprobs, text_offset } = piece.logprobs;
  for (let i = 0; i < tokens.length; i++) {
    choice.logprobs.tokens.push(tokens[i]);
    choice.logprobs.token_logprobs.push(token_logprobs[i]);
    choice.logprobs.top_logprobs.push(top_logprobs[i]);
    choice.logprobs.text_offset.push(text_offset[i]);
  }
}
