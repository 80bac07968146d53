/**
 * Talking to an app, and reading what it says.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";

/** Anything with the `request` of Hono. */
export interface Requestable {
  request(path: string, init?: RequestInit): Response | Promise<Response>;
}

/** Sends `body` as JSON, or as it is if it is a string. */
export async function post(
  app: Requestable,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return await app.request(path, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "Content-Type": "application/json", ...headers },
  });
}

/** What must hold for an error besides its status. */
export interface ExpectedError {
  readonly code: string;
  readonly param?: string | null;
  readonly message?: string;
}

/** Checks status, shape and words of an error. */
export async function assertApiError(
  response: Response,
  status: number,
  { code, param = null, message }: ExpectedError,
): Promise<void> {
  const body = await response.json();
  assertEquals(
    [response.status, body.error?.code, body.error?.param],
    [status, code, param],
    JSON.stringify(body),
  );
  assertEquals(Object.keys(body), ["error"]);
  assertEquals(Object.keys(body.error), ["message", "type", "param", "code"]);
  assertEquals(
    body.error.type,
    status < 500 ? "invalid_request_error" : "server_error",
  );
  assertMatch(response.headers.get("Content-Type") ?? "", /^application\/json/);
  if (message !== undefined) assertEquals(body.error.message, message);
}

/** The data of all frames; each must be one unnamed `data:` line. */
export function readFrames(text: string): string[] {
  assert(text.endsWith("\n\n"), "the stream ends within a frame");
  return text.slice(0, -2).split("\n\n").map((frame) => {
    assertMatch(frame, /^data: [^\n]*$/);
    return frame.slice("data: ".length);
  });
}

/** The chunks of a stream that ends well. */
// deno-lint-ignore no-explicit-any
export async function readChunks(response: Response): Promise<any[]> {
  assertEquals(response.status, 200);
  assertMatch(
    response.headers.get("Content-Type") ?? "",
    /^text\/event-stream/,
  );
  const frames = readFrames(await response.text());
  assertEquals(frames.pop(), "[DONE]");
  return frames.map((frame) => JSON.parse(frame));
}
