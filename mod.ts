/**
 * locoloop as a library, and as an edge function: `deno serve mod.ts` and
 * platforms that call a default export's `fetch` take their settings from the
 * `LOCOLOOP_*` environment at the first request, and load the model then.
 * (`Deno.serve()` behind the first tells of a client that leaves only once its
 * answer has begun; `main.ts` listens by other means.)
 *
 * @module
 */
import { parseConfig, readEnvironment } from "./src/config.ts";
import { describeError } from "./src/describe_error.ts";
import type { Fetch } from "./src/http/node_adapter.ts";
import { toApiError } from "./src/openai/api_error.ts";
import { configuredApp } from "./src/server.ts";
import { startEngine } from "./src/start_engine.ts";

export { type AppOptions, createApp } from "./routes/app.ts";
export { type Config, ConfigError, parseConfig } from "./src/config.ts";
export { type EngineOptions, loadEngine } from "./src/engine/engine.ts";
export { DEFAULT_SLOTS } from "./src/engine/engine_size.ts";
export {
  ContextLengthError,
  ModelError,
  QueueFullError,
} from "./src/engine/errors.ts";
export * from "./src/engine/types.ts";
export type { EngineProvider } from "./src/http/engine_source.ts";
export { Lifecycle } from "./src/http/lifecycle.ts";
export type { Fetch } from "./src/http/node_adapter.ts";
export { DEFAULT_LIMITS, type Limits } from "./src/http/limits.ts";
export { resolveModel, type ResolveOptions } from "./src/model/source.ts";

/** The app that the environment describes. */
function environmentApp(): Fetch {
  const config = parseConfig([], readEnvironment());
  const { signal } = new AbortController();
  const load = () => startEngine(config, console.error, signal);
  return configuredApp(config, load, { report }).fetch;
}

function report(error: unknown): void {
  console.error(describeError(error));
}

/** Calls `make` at the first request: importing this module needs no permission. */
function onFirstRequest(make: () => Fetch): Fetch {
  let fetch: Fetch | null = null;
  return (request) => {
    try {
      fetch ??= make();
    } catch (error) {
      return toApiError(error, report).response();
    }
    return fetch(request);
  };
}

const server: { fetch: Fetch } = { fetch: onFirstRequest(environmentApp) };
export default server;
