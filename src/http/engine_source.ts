/**
 * The engine of a server, which may still be loading.
 *
 * @module
 */
import type { Engine } from "../engine/types.ts";
import { unavailable } from "../openai/api_error.ts";

/**
 * An engine; or one that is being loaded, until when requests are refused; or
 * a function that loads it when the first request needs it, and whose end
 * requests wait for.
 */
export type EngineProvider = Engine | Promise<Engine> | (() => Promise<Engine>);

/** Gives the engine, or throws an {@link ApiError} with status 503. */
export type EngineSource = () => Promise<Engine>;

/** Seconds after which a model is likely to have loaded. */
const LOADING_SECONDS = 5;

/** @param report Is told why a load on demand failed. */
export function engineSource(
  provider: EngineProvider,
  report: (error: unknown) => void,
): EngineSource {
  if (typeof provider === "function") return onDemand(provider, report);
  if (provider instanceof Promise) return whenLoaded(provider);
  return () => Promise.resolve(provider);
}

/** Refuses at once while loading: a client is better served elsewhere. */
function whenLoaded(loading: Promise<Engine>): EngineSource {
  let settled = false;
  loading.then(() => settled = true, () => settled = true);
  return async () => {
    if (!settled) throw modelLoading();
    return await loading.catch(() => {
      throw modelFailed();
    });
  };
}

/** Loads once; after a failure the next request tries again. */
function onDemand(
  load: () => Promise<Engine>,
  report: (error: unknown) => void,
): EngineSource {
  let loading: Promise<Engine> | null = null;
  return () =>
    loading ??= load().catch((error) => {
      loading = null;
      report(error);
      throw modelFailed();
    });
}

function modelLoading() {
  const message = "Cannot answer yet: the model is loading";
  return unavailable("model_loading", message, LOADING_SECONDS);
}

function modelFailed() {
  const message = "Cannot answer: the model failed to load";
  return unavailable("model_failed", message, LOADING_SECONDS);
}
