/**
 * `POST /v1/completions`
 *
 * @module
 */
import { createRoute } from "@hono/zod-openapi";
import {
  CompletionRequest,
  parseCompletionRequest,
} from "../src/openai/completion_request.ts";
import {
  Completion,
  completion,
  CompletionChunk,
  completionChunks,
} from "../src/openai/completion_response.ts";
import type { Endpoint } from "./endpoint.ts";
import { generation } from "./generation.ts";
import { answers, body, refusals } from "./openapi.ts";

/** Continues or scores raw texts. */
export const completions: Endpoint = {
  definition: createRoute({
    method: "post",
    path: "/v1/completions",
    summary: "Continue raw texts or tokens, or score them",
    request: { body: body(CompletionRequest) },
    responses: {
      200: answers(Completion, CompletionChunk),
      ...refusals(400, 404, 408, 413, 503, 504),
    },
  }),
  handler: (services) =>
    generation(services, {
      idPrefix: "cmpl",
      parse: parseCompletionRequest,
      chunks: completionChunks,
      whole: completion,
    }),
};
