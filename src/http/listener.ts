/**
 * A listening socket in front of a `fetch` function.
 *
 * It is Node's server, not `Deno.serve()`: up to Deno 2.9 that one does not
 * see a client leave between the request's body and the response's head, which
 * is where a request waits for its turn; and it waits for ever for a client
 * that sends half a head.
 *
 * @module
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { ApiError } from "../openai/api_error.ts";
import { answerWith, type Fetch } from "./node_adapter.ts";

/** Milliseconds that a connection is kept for a client's next request. */
const KEEP_ALIVE = 75_000;
/** Milliseconds between two looks for clients that are too slow. */
const CHECK_INTERVAL = 1000;

/** Where to listen, and how long to wait for clients. */
export interface ListenOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Seconds for the head of a request. */
  readonly patience: number;
  /** Seconds for all of a request. */
  readonly timeout: number;
  /** Takes what goes wrong behind `fetch`. */
  report(error: unknown): void;
}

/** A socket that listens. */
export class Listener {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * Listens, and answers what comes with `fetch`.
   *
   * @throws {Deno.errors.NotCapable} If the permission is missing.
   * @throws {Error} If the address cannot be listened on.
   */
  static async open(fetch: Fetch, options: ListenOptions): Promise<Listener> {
    const { host, port, patience, timeout, report } = options;
    const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    await requirePermission(address);
    const server = createServer({
      headersTimeout: patience * 1000,
      requestTimeout: timeout * 1000,
      connectionsCheckingInterval: CHECK_INTERVAL,
      keepAliveTimeout: KEEP_ALIVE,
      noDelay: true,
    }, (request, response) => {
      answerWith(fetch, request, response, patience).catch((error) => {
        report(error);
        response.destroy();
      });
    });
    server.on("clientError", refuse);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    try {
      server.listen(port, host, resolve);
      await promise;
    } catch (error) {
      throw listenError(error, address);
    }
    server.off("error", reject);
    return new Listener(server);
  }

  get address(): { readonly host: string; readonly port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  /** Listens no more; resolves when all connections have ended. */
  close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeIdleConnections();
    return promise;
  }

  /** Ends all connections, whatever they are at. */
  closeNow(): void {
    this.#server.closeAllConnections();
  }
}

/** Answers what is not HTTP, or comes too slowly to become a request. */
function refuse(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const late = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const { status, body } = late
    ? requestError(408, "it comes too slowly", "request_timeout")
    : requestError(400, "it is not HTTP", "invalid_http");
  const reason = late ? "Request Timeout" : "Bad Request";
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function requestError(status: number, state: string, code: string) {
  const error = new ApiError(status, `Cannot read the request: ${state}`, {
    code,
  });
  return { status, body: JSON.stringify(error.body()) };
}

/** Node's server would throw where nobody can catch it. */
async function requirePermission(host: string): Promise<void> {
  const { state } = await Deno.permissions.request({ name: "net", host });
  if (state === "granted") return;
  throw new Deno.errors.NotCapable(
    `Requires net access to "${host}", run again with the --allow-net flag`,
  );
}

function listenError(error: unknown, address: string): Error {
  const { code, message } = error as Error & { code?: string };
  const state = code === "EADDRINUSE" ? "the port is in use" : message;
  return new Error(`Cannot listen on ${address}: ${state}`, { cause: error });
}
