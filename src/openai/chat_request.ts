/**
 * The request of `POST /v1/chat/completions`.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { ChatMessage } from "../engine/types.ts";
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
  isEmptyList,
  isOneOf,
  refuseUnsupported,
  type Unsupported,
  validate,
} from "./validate.ts";

const Content = z.union([
  z.string(),
  z.array(z.object({ type: z.literal("text"), text: z.string() }))
    .min(1).max(BOUNDS.contentParts),
]);

const Message = z.object({
  role: z.enum(["system", "developer", "user", "assistant", "tool"]),
  content: Content.nullish()
    .describe("Text, or parts of it; only an assistant's may be missing."),
  name: z.string().max(256).nullish(),
}).openapi("ChatMessage");

/** Schema of the body. */
export const ChatCompletionRequest = z.object({
  messages: z.array(Message).min(1).max(BOUNDS.messages)
    .describe("If the last one is the assistant's, it is continued."),
  max_completion_tokens: z.int().min(1).nullish(),
  max_tokens: z.int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(BOUNDS.topLogprobs).nullish(),
  ...commonFields,
}).openapi("ChatCompletionRequest");

const UNSUPPORTED: Unsupported = {
  tools: isEmptyList,
  tool_choice: isOneOf("none", "auto"),
  functions: isEmptyList,
  function_call: isOneOf("none", "auto"),
  response_format: (value) => (value as { type?: unknown }).type === "text",
  modalities: (value) => Array.isArray(value) && value.every(isOneOf("text")),
  audio: () => false,
  web_search_options: () => false,
  verbosity: isOneOf("medium"),
};

const UNSUPPORTED_IN_MESSAGE: Unsupported = {
  tool_calls: isEmptyList,
  function_call: () => false,
  audio: () => false,
};

/**
 * Reads a body.
 *
 * @throws {ApiError} With status 400, about the first thing that is wrong.
 */
export function parseChatRequest(
  json: unknown,
  defaults: RequestDefaults,
): Call {
  const fields = validate(ChatCompletionRequest, json);
  const raw = json as { messages: object[] };
  refuseUnsupported(raw, UNSUPPORTED);
  raw.messages.forEach((message, at) =>
    refuseUnsupported(message, UNSUPPORTED_IN_MESSAGE, `messages[${at}].`)
  );
  if (typeof fields.top_logprobs === "number" && !fields.logprobs) {
    throw badParameter("top_logprobs", "logprobs is not true");
  }
  const messages = Object.freeze(fields.messages.map(readMessage));
  return readCall(fields, "messages", [{
    prompt: Object.freeze({ kind: "chat", messages }),
    maxTokens: fields.max_completion_tokens ?? fields.max_tokens ??
      defaults.maxTokens,
    choices: fields.n ?? 1,
    stop: readStop(fields.stop),
    logprobs: fields.logprobs ? fields.top_logprobs ?? 0 : null,
    echo: false,
    sampling: readSampling(fields),
    ...readKv(fields.kv),
  }]);
}

function readMessage(
  { role, content, name }: z.output<typeof Message>,
  at: number,
): ChatMessage {
  if (role !== "assistant" && typeof content !== "string" && !content) {
    throw badParameter(
      `messages[${at}].content`,
      `a message of role ${role} needs it`,
      "missing_required_parameter",
    );
  }
  return Object.freeze({
    role: role === "developer" ? "system" : role,
    content: joinContent(content),
    ...(name ? { name } : {}),
  });
}

/** Parts become lines of their own. */
function joinContent(content: z.output<typeof Message>["content"]): string {
  if (typeof content === "string") return content;
  return (content ?? []).map(({ text }) => text).join("\n");
}
