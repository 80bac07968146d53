/**
 * Where the tests find the default model.
 *
 * @module
 */

const PATH = ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf";

/**
 * Path of the default model's file.
 *
 * @throws {Error} If it is not there.
 */
export function realModelPath(): string {
  try {
    Deno.statSync(PATH);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `Cannot find the default model at ${PATH}: ` +
        "run `deno task test`, which gets it first",
    );
  }
  return PATH;
}
