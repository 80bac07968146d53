/**
 * From Node's requests and responses to those of `fetch`, and back.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError } from "../openai/api_error.ts";

/** Answers a request. */
export type Fetch = (request: Request) => Response | Promise<Response>;

/**
 * Answers `incoming` with what `fetch` makes of it. The request's signal
 * aborts, and the response's body is cancelled, when the client leaves.
 *
 * @param patience Seconds to wait for the rest of a request that is answered
 * already.
 */
export async function answerWith(
  fetch: Fetch,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  patience: number,
): Promise<void> {
  const left = new AbortController();
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) left.abort();
  });
  // A connection that breaks shows as "close", too.
  outgoing.on("error", () => {});
  const body = new IncomingBody(incoming);
  const request = toRequest(incoming, body, left.signal);
  const response = request ? await fetch(request) : notUnderstood().response();
  await send(response, outgoing, left.signal);
  if (!incoming.complete) body.discard(patience);
}

/** Null for what a `Request` cannot be, such as the method TRACE. */
function toRequest(
  incoming: IncomingMessage,
  body: IncomingBody,
  signal: AbortSignal,
): Request | null {
  const { method = "GET", url = "/", rawHeaders } = incoming;
  const hasBody = method !== "GET" && method !== "HEAD";
  try {
    const headers = new Headers();
    for (let at = 0; at < rawHeaders.length; at += 2) {
      headers.append(rawHeaders[at], rawHeaders[at + 1]);
    }
    const path = url.startsWith("/") ? url : `/${url}`;
    return new Request(`http://localhost${path}`, {
      method,
      headers,
      body: hasBody ? body.stream : null,
      signal,
    });
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function notUnderstood(): ApiError {
  const message = "Cannot read the request: its method, path or headers";
  return new ApiError(400, message, { code: "invalid_http" });
}

/** The bytes of a request, no faster than they are read. */
class IncomingBody {
  readonly #incoming: IncomingMessage;
  #wanted = true;

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
    // A connection that breaks also shows as the end of the response.
    incoming.on("error", () => {});
  }

  get stream(): ReadableStream<Uint8Array> {
    const incoming = this.#incoming;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        incoming.on("data", (chunk: Uint8Array) => {
          if (!this.#wanted) return;
          controller.enqueue(new Uint8Array(chunk));
          if ((controller.desiredSize ?? 0) <= 0) incoming.pause();
        });
        incoming.on("end", () => this.#wanted && controller.close());
        incoming.on("error", (error) => controller.error(error));
        incoming.pause();
      },
      pull: () => void incoming.resume(),
      cancel: () => {
        this.#wanted = false;
      },
    });
  }

  /**
   * Lets the rest of a request run out that was answered early, for so many
   * seconds at most. Closing at once would reset the connection, and the client
   * might never see its answer.
   */
  discard(seconds: number): void {
    const incoming = this.#incoming;
    this.#wanted = false;
    if (incoming.destroyed) return;
    const timer = setTimeout(() => incoming.destroy(), seconds * 1000);
    const stop = () => clearTimeout(timer);
    for (const event of ["end", "close"]) incoming.once(event, stop);
    incoming.socket.once("close", stop);
    incoming.resume();
  }
}

async function send(
  response: Response,
  outgoing: ServerResponse,
  left: AbortSignal,
): Promise<void> {
  const reader = response.body?.getReader();
  const cancel = () => void reader?.cancel().catch(() => {});
  if (left.aborted) return cancel();
  left.addEventListener("abort", cancel, { once: true });
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  for (;;) {
    const { done, value } = await reader?.read() ?? { done: true };
    if (done || left.aborted) break;
    if (!outgoing.write(value)) await drained(outgoing);
  }
  if (!left.aborted) outgoing.end();
}

/** Resolves when there is room for more, or nobody to write to. */
function drained(outgoing: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  outgoing.once("drain", resolve);
  outgoing.once("close", resolve);
  return promise.finally(() => {
    outgoing.off("drain", resolve);
    outgoing.off("close", resolve);
  });
}
