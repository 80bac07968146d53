/**
 * The server's state as `/health` shows it.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { Engine } from "../engine/types.ts";

/** A server that answers requests. */
export const Health = z.object({
  status: z.literal("ok"),
  running: z.int().describe("Requests that have their turn."),
  waiting: z.int().describe("Requests that wait for theirs."),
}).openapi("Health");

export function formatHealth(
  { running, waiting }: Engine["load"],
): z.output<typeof Health> {
  return { status: "ok", running, waiting };
}
