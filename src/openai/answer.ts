/**
 * What the answers of both endpoints have in common.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { ModelInfo, Usage } from "../engine/types.ts";

/** What every chunk of an answer repeats. */
export interface AnswerHead {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  readonly model: string;
  /** The same for equal seeds to give equal texts. */
  readonly fingerprint: string;
}

/** The head of a new answer. */
export function createHead(prefix: string, info: ModelInfo): AnswerHead {
  const { id, runtime, method, slots } = info;
  return Object.freeze({
    id: `${prefix}-${crypto.randomUUID().replaceAll("-", "")}`,
    created: Math.floor(Date.now() / 1000),
    model: id,
    fingerprint: `fp_${runtime}_${method}_${slots}`,
  });
}

/** How an answer is to be written down. */
export interface AnswerOptions {
  readonly choices: number;
  readonly logprobs: boolean;
  /** Adds a last chunk with the usage, and `usage: null` to the others. */
  readonly includeUsage: boolean;
  /** Token id to its bytes. */
  tokenBytes(id: number): Uint8Array;
}

/** Token counts; `kv` is an extension. */
export const UsageSchema = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  prompt_tokens_details: z.object({
    cached_tokens: z.int()
      .describe("Tokens of the prompt that a kept dialogue had read already."),
  }),
  kv: z.object({
    method: z.string(),
    slots: z.number()
      .describe("Slots of each layer and head after a compaction, averaged."),
    seen: z.int().describe("resident + fused + evicted"),
    resident: z.int().describe("Tokens held verbatim, averaged and rounded."),
    fused: z.int().describe("Tokens behind fused slots, averaged, rounded."),
    evicted: z.int().describe("Tokens dropped, averaged and rounded."),
    recalled: z.int().describe("Tokens brought back from outside the slots."),
  }).describe("Where the tokens of the dialogue are."),
}).openapi("Usage");

/** `usage` of an answer. */
export function formatUsage(usage: Usage): z.output<typeof UsageSchema> {
  const { promptTokens, cachedTokens, completionTokens, kv } = usage;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
    kv: { ...kv },
  };
}

/** Why a choice ended. */
export const FinishReasonSchema = z.enum(["stop", "length"]);
