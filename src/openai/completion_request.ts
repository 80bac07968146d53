/**
 * The request of `POST /v1/completions`.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { Prompt } from "../engine/types.ts";
import { badParameter } from "./api_error.ts";
import {
  BOUNDS,
  type Call,
  commonFields,
  readCall,
  readKv,
  readSampling,
  readStop,
  type RequestDefaults,
} from "./request_fields.ts";
import {
  isOneOf,
  refuseUnsupported,
  type Unsupported,
  validate,
} from "./validate.ts";

/** Schema of the body. */
export const CompletionRequest = z.object({
  // Read by readPrompts(): a union would try every branch on millions of ids.
  prompt: z.unknown().openapi({
    anyOf: [
      { type: "string" },
      { type: "array", items: { type: "string" } },
      { type: "array", items: { type: "integer" } },
      { type: "array", items: { type: "array", items: { type: "integer" } } },
    ],
    description: "Raw text, in which special tokens are parsed, or token ids.",
  }),
  max_tokens: z.int().min(0).nullish()
    .describe("0 only with echo: the prompt is scored, nothing produced."),
  echo: z.boolean().nullish(),
  logprobs: z.int().min(0).max(BOUNDS.topLogprobs).nullish(),
  best_of: z.int().min(1).nullish(),
  ...commonFields,
}).openapi("CompletionRequest", { required: ["prompt"] });

const UNSUPPORTED: Unsupported = { suffix: isOneOf("") };

/**
 * Reads a body.
 *
 * @throws {ApiError} With status 400, about the first thing that is wrong.
 */
export function parseCompletionRequest(
  json: unknown,
  defaults: RequestDefaults,
): Call {
  const fields = validate(CompletionRequest, json);
  refuseUnsupported(json as object, UNSUPPORTED);
  const choices = fields.n ?? 1;
  const maxTokens = fields.max_tokens ?? defaults.maxTokens;
  const echo = fields.echo ?? false;
  if ((fields.best_of ?? choices) !== choices) {
    throw badParameter(
      "best_of",
      "it differs from n",
      "unsupported_parameter",
    );
  }
  if (maxTokens === 0 && !echo) {
    throw badParameter("max_tokens", "0 asks for nothing without echo");
  }
  const shared = {
    maxTokens,
    choices,
    stop: readStop(fields.stop),
    logprobs: fields.logprobs ?? null,
    echo,
    sampling: readSampling(fields),
    ...readKv(fields.kv),
  };
  const prompts = readPrompts(fields.prompt);
  const requests = prompts.map((prompt) => ({ prompt, ...shared }));
  return readCall(fields, "prompt", requests);
}

/** The prompts behind any of the four forms of `prompt`. */
function readPrompts(value: unknown): Prompt[] {
  if (value === undefined || value === null) {
    const code = "missing_required_parameter";
    throw badParameter("prompt", "it is missing", code);
  }
  if (!Array.isArray(value)) return [readPrompt(value, "prompt")];
  if (value.length === 0) throw badParameter("prompt", "it is empty");
  if (typeof value[0] === "number") return [readPrompt(value, "prompt")];
  if (value.length > BOUNDS.prompts) {
    throw badParameter("prompt", `more than ${BOUNDS.prompts} prompts`);
  }
  return value.map((item, at) => readPrompt(item, `prompt[${at}]`));
}

function readPrompt(value: unknown, path: string): Prompt {
  if (typeof value === "string") {
    return Object.freeze({ kind: "text", text: value });
  }
  if (!Array.isArray(value)) {
    const state = "expected a string or an array of token ids";
    throw badParameter(path, state, "invalid_type");
  }
  if (value.length === 0) throw badParameter(path, "it is empty");
  const wrong = value.findIndex((id) => !Number.isInteger(id) || id < 0);
  if (wrong >= 0) {
    const state = "expected a token id, a whole number from 0";
    throw badParameter(`${path}[${wrong}]`, state, "invalid_type");
  }
  return Object.freeze({ kind: "tokens", tokens: Object.freeze([...value]) });
}
