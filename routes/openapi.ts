/**
 * `GET /openapi.json`: the document, and the pieces of it that endpoints share.
 *
 * @module
 */
import type { OpenAPIHono, z } from "@hono/zod-openapi";
import project from "../deno.json" with { type: "json" };
import { ErrorSchema } from "../src/openai/error_schema.ts";

const REFUSALS = {
  400: "The request is wrong",
  404: "There is no such thing",
  408: "The client sends too slowly",
  413: "The body is too large",
  503: "Not now; Retry-After says when",
  504: "It took too long",
};

/** A JSON body that has to be there. */
export function body<S extends z.ZodType>(schema: S) {
  return { required: true, content: { "application/json": { schema } } };
}

/** An answer as JSON and, where there are `chunks`, also as a stream of them. */
export function answers(schema: z.ZodType, chunks?: z.ZodType) {
  const stream = chunks && { "text/event-stream": { schema: chunks } };
  const content = { "application/json": { schema }, ...stream };
  return { description: "The answer", content };
}

/** Errors, all of one shape. */
export function refusals<S extends keyof typeof REFUSALS>(...statuses: S[]) {
  const content = { "application/json": { schema: ErrorSchema } };
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: REFUSALS[status], content },
    ]),
  ) as Record<S, { description: string; content: typeof content }>;
}

/** The document about all that is registered with `app`. */
export function openApiDocument(app: OpenAPIHono): object {
  const name = "apiKey";
  const scheme = { type: "http", scheme: "bearer" } as const;
  app.openAPIRegistry.registerComponent("securitySchemes", name, scheme);
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "locoloop", version: project.version },
    security: [{ [name]: [] }],
  });
}
