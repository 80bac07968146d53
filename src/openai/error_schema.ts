/**
 * Schema of {@link ./api_error.ts}'s body.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";

/** Every failure. */
export const ErrorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.enum(["invalid_request_error", "server_error"]),
    param: z.string().nullable()
      .describe("The parameter at fault, such as messages[0].role."),
    code: z.string().nullable(),
  }),
}).openapi("Error");
