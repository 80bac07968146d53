/**
 * API keys.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { ApiError } from "../openai/api_error.ts";

/**
 * Lets through who shows one of `keys` as `Authorization: Bearer`, and all who
 * ask for a path of `open`. How long it takes tells nothing about the keys.
 */
export function bearerAuth(
  keys: readonly string[],
  open: readonly string[],
): MiddlewareHandler {
  const known = Promise.all(keys.map(digest));
  return async (c, next) => {
    if (!open.includes(c.req.path)) {
      const header = c.req.header("Authorization") ?? "";
      const shown = await digest(/^Bearer +(\S+)$/i.exec(header)?.[1] ?? "");
      const matches = (await known).map((key) => equal(key, shown));
      if (!matches.includes(true)) throw unauthorized();
    }
    await next();
  };
}

/** Digests have one length and differ everywhere where texts differ at all. */
async function digest(text: string): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** Compares to the end, wherever they differ. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}

function unauthorized(): ApiError {
  const message = "Cannot let the request in: " +
    "it needs a valid API key as 'Authorization: Bearer KEY'";
  return new ApiError(401, message, {
    code: "invalid_api_key",
    headers: { "WWW-Authenticate": "Bearer" },
  });
}
