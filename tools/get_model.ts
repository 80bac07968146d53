/**
 * Gets the default model, as `deno task serve` does, unless it is there.
 *
 * @module
 */
import { parseConfig } from "../src/config.ts";
import { ModelError } from "../src/engine/errors.ts";
import { resolveModel } from "../src/model/source.ts";

const { model, cacheDir } = parseConfig([], {});
const log = (line: string) => console.error(line);
const progress = Deno.stderr.isTerminal();
try {
  const { signal } = new AbortController();
  await resolveModel(model, { cacheDir, log, progress }, signal);
} catch (error) {
  if (!(error instanceof ModelError)) throw error;
  console.error(error.message);
  Deno.exitCode = 1;
}
