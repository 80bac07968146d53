/**
 * What an endpoint is made of.
 *
 * @module
 */
import type { createRoute } from "@hono/zod-openapi";
import type { Handler } from "hono";
import type { Services } from "./services.ts";

/** One path and method: its entry in the OpenAPI document and what it does. */
export interface Endpoint {
  readonly definition: ReturnType<typeof createRoute>;
  handler(services: Services): Handler;
}
