/**
 * The body of a request as JSON, within bounds of size and time.
 *
 * @module
 */
import { ApiError } from "../openai/api_error.ts";
import type { Limits } from "./limits.ts";

/**
 * Reads the body, whatever its content type says: many a curl command forgets
 * the header.
 *
 * @throws {ApiError} 400 for what is not JSON in UTF-8, 408 if the client
 * stops sending, 413 for a body over the limit, which is not read to its end.
 * @throws The signal's reason if it aborts.
 */
export async function readJson(
  request: Request,
  limits: Limits,
  signal: AbortSignal,
): Promise<unknown> {
  const bytes = await readBytes(request, limits, signal);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const state = error instanceof SyntaxError
      ? error.message
      : "it is not UTF-8";
    throw new ApiError(400, `Cannot read the body as JSON: ${state}`, {
      code: "invalid_json",
    });
  }
}

async function readBytes(
  request: Request,
  { bodyLimit, patience }: Limits,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const announced = Number(request.headers.get("Content-Length") ?? 0);
  if (announced > bodyLimit) throw tooLarge(bodyLimit);
  if (request.body === null) return new Uint8Array(0);

  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = request.body.getReader();
  try {
    for (;;) {
      const { done, value } = await readChunk(reader, patience, signal);
      if (done) break;
      size += value.length;
      if (size > bodyLimit) throw tooLarge(bodyLimit);
      chunks.push(value);
    }
  } catch (error) {
    // What is still to come is not wanted; that it cannot be told is no news.
    reader.cancel().catch(() => {});
    signal.throwIfAborted();
    if (error instanceof ApiError) throw error;
    const message = "Cannot read the body: it ends before its time";
    throw new ApiError(400, message, { code: "incomplete_body" });
  }
  return join(chunks, size);
}

/** The next chunk, which has to come in `patience` seconds. */
async function readChunk(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  patience: number,
  signal: AbortSignal,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  const { promise: refused, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  const timer = setTimeout(() => reject(tooSlow(patience)), patience * 1000);
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([reader.read(), refused]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function tooLarge(limit: number): ApiError {
  const message = `Cannot take the body: it has more than ${limit} bytes`;
  return new ApiError(413, message, { code: "body_too_large" });
}

function tooSlow(seconds: number): ApiError {
  const message = `Cannot read the body: nothing came for ${seconds} s`;
  return new ApiError(408, message, { code: "request_timeout" });
}
