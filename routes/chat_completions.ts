/**
 * `POST /v1/chat/completions`
 *
 * @module
 */
import { createRoute } from "@hono/zod-openapi";
import {
  ChatCompletionRequest,
  parseChatRequest,
} from "../src/openai/chat_request.ts";
import {
  chatChunks,
  ChatCompletion,
  chatCompletion,
  ChatCompletionChunk,
} from "../src/openai/chat_response.ts";
import type { Endpoint } from "./endpoint.ts";
import { generation } from "./generation.ts";
import { answers, body, refusals } from "./openapi.ts";

/** Answers a conversation. */
export const chatCompletions: Endpoint = {
  definition: createRoute({
    method: "post",
    path: "/v1/chat/completions",
    summary: "Answer a conversation, or continue its last message",
    request: { body: body(ChatCompletionRequest) },
    responses: {
      200: answers(ChatCompletion, ChatCompletionChunk),
      ...refusals(400, 404, 408, 413, 503, 504),
    },
  }),
  handler: (services) =>
    generation(services, {
      idPrefix: "chatcmpl",
      parse: parseChatRequest,
      chunks: chatChunks,
      whole: chatCompletion,
    }),
};
