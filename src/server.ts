/**
 * The application behind a listening socket.
 *
 * @module
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { type AppOptions, createApp } from "../routes/app.ts";
import type { Config } from "./config.ts";
import type { EngineProvider } from "./http/engine_source.ts";
import { Lifecycle } from "./http/lifecycle.ts";
import { DEFAULT_LIMITS } from "./http/limits.ts";
import { Listener } from "./http/listener.ts";

/** Seconds for the last bytes to leave once all requests are over. */
const FLUSH_SECONDS = 1;

/** The application that a configuration describes. */
export function configuredApp(
  config: Config,
  engine: EngineProvider,
  options: Pick<AppOptions, "lifecycle" | "report"> = {},
): OpenAPIHono {
  const { maxTokens, timeout, bodyLimit } = config;
  return createApp({
    ...options,
    engine,
    apiKeys: config.apiKey,
    corsOrigins: config.corsOrigin,
    limits: { maxTokens, timeout, bodyLimit },
  });
}

/** A server that listens. */
export class Server {
  readonly #lifecycle: Lifecycle;
  readonly #listener: Listener;

  private constructor(lifecycle: Lifecycle, listener: Listener) {
    this.#lifecycle = lifecycle;
    this.#listener = listener;
  }

  /**
   * Listens where `config` says.
   *
   * @throws {Error} If the address cannot be listened on.
   */
  static async open(config: Config, engine: EngineProvider): Promise<Server> {
    const { host, port, timeout } = config;
    const { patience } = DEFAULT_LIMITS;
    const lifecycle = new Lifecycle();
    const app = configuredApp(config, engine, { lifecycle });
    const report = console.error;
    const options = { host, port, patience, timeout, report };
    return new Server(lifecycle, await Listener.open(app.fetch, options));
  }

  /** Where to reach it from this machine. */
  get url(): string {
    const { host, port } = this.#listener.address;
    const anywhere = host === "0.0.0.0" || host === "::";
    const name = host.includes(":") ? `[${host}]` : host;
    return `http://${anywhere ? "localhost" : name}:${port}`;
  }

  /**
   * Refuses new requests with 503, waits up to `seconds` for those under way,
   * aborts what is left then, and stops listening.
   */
  async close(seconds: number): Promise<void> {
    await atMost(seconds, this.#lifecycle.drain());
    this.#lifecycle.stop();
    await atMost(FLUSH_SECONDS, this.#listener.close());
    this.#listener.closeNow();
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
