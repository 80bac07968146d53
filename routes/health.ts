/**
 * `GET /health`
 *
 * @module
 */
import { createRoute } from "@hono/zod-openapi";
import { formatHealth, Health } from "../src/openai/health.ts";
import type { Endpoint } from "./endpoint.ts";
import { answers, refusals } from "./openapi.ts";

/** Tells whether requests are answered; needs no API key. */
export const health: Endpoint = {
  definition: createRoute({
    method: "get",
    path: "/health",
    summary: "Tell whether requests are answered",
    security: [],
    responses: { 200: answers(Health), ...refusals(503) },
  }),
  handler: ({ engine }) => async (c) => {
    const { load } = await engine();
    return c.json(formatHealth(load));
  },
};
