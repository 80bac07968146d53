/**
 * The application behind a listening socket.
 *
 * @module
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { createApp } from "../routes/app.ts";
import type { Config } from "./config.ts";
import type { EngineProvider } from "./http/engine_source.ts";
import { Lifecycle } from "./http/lifecycle.ts";

/** Seconds for the last bytes to leave once all requests are over. */
const FLUSH_SECONDS = 1;

/** The application that a configuration describes. */
export function configuredApp(
  config: Config,
  engine: EngineProvider,
  lifecycle: Lifecycle = new Lifecycle(),
): OpenAPIHono {
  const { maxTokens, timeout, bodyLimit } = config;
  return createApp({
    engine,
    lifecycle,
    apiKeys: config.apiKey,
    corsOrigins: config.corsOrigin,
    limits: { maxTokens, timeout, bodyLimit },
  });
}

/** A server that listens. */
export class Server {
  readonly #lifecycle = new Lifecycle();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** @throws {Error} If the address cannot be listened on. */
  constructor(config: Config, engine: EngineProvider) {
    const app = configuredApp(config, engine, this.#lifecycle);
    this.#server = listen(config, (request) => app.fetch(request));
  }

  /** Where to reach it from this machine. */
  get url(): string {
    const { hostname, port } = this.#server.addr;
    const anywhere = hostname === "0.0.0.0" || hostname === "::";
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    return `http://${anywhere ? "localhost" : host}:${port}`;
  }

  /**
   * Refuses new requests with 503, waits up to `seconds` for those under way,
   * aborts what is left then, and stops listening.
   */
  async close(seconds: number): Promise<void> {
    await atMost(seconds, this.#lifecycle.drain());
    this.#lifecycle.stop();
    await atMost(FLUSH_SECONDS, this.#server.shutdown());
  }
}

function listen(
  { host, port }: Config,
  handler: (request: Request) => Response | Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: host, port, onListen() {} }, handler);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    const state = error instanceof Deno.errors.AddrInUse
      ? "the port is in use"
      : error instanceof Error
      ? error.message
      : String(error);
    const address = `${host}:${port}`;
    throw new Error(`Cannot listen on ${address}: ${state}`, { cause: error });
  }
}

/** Waits for `work`, but not longer than so many seconds. */
export async function atMost(
  seconds: number,
  work: Promise<unknown>,
): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, seconds * 1000);
  try {
    await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
