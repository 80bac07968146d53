/**
 * From a configuration to an engine.
 *
 * @module
 */
import type { Config } from "./config.ts";
import { loadEngine } from "./engine/engine.ts";
import type { Engine } from "./engine/types.ts";
import { COVERAGE } from "./model/prefill/lines.ts";
import { resolveModel } from "./model/source.ts";
import { DEFAULT_MODEL } from "./model/sources/default_model.ts";

/**
 * Gets the model that `config` names, if it is missing, and loads it. Says so where the method has to do without learned
 * parts.
 *
 * @param log Receives what happens, a line at a time.
 * @param signal Stops a download; loading itself is not stopped.
 * @throws {ModelError} If there is no such model or it cannot be used.
 */
export async function startEngine(
  config: Config,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Engine> {
  const { model, cacheDir, runtime, threads, method, slots } = config;
  const { sinks, window, block, queue, parallel, keep, maxTokens } = config;
  const { methodOptions, kv, learned, prefill, memory } = config;
  const progress = Deno.stderr.isTerminal();
  const sources = { cacheDir, log, progress };
  const modelPath = await resolveModel(model, sources, signal);
  const engine = await loadEngine({
    modelPath,
    // What `resolveModel` gives for no name has this sum, or it gives nothing.
    modelSha256: model === null ? DEFAULT_MODEL.sha256 : null,
    learned,
    runtime,
    threads,
    method,
    methodOptions,
    store: kv,
    coverage: prefill === "lines" ? COVERAGE : 1,
    slots,
    sinks,
    window,
    block,
    queue,
    parallel,
    keep,
    memory,
    maxTokens,
    // V8 has it where it was started with --expose-gc, as by `deno task serve`.
    collect: (globalThis as { gc?: () => void }).gc,
    log,
  });
  const { id, methods } = engine.info;
  const used = methods.find(({ name }) => name === method);
  if (used?.learned === "missing") {
    log(`There are no learned parts for ${id}: ${method} does without them`);
  }
  return engine;
}
