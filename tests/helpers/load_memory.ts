/**
 * Loads the default model and tells what that took; run in a process of its own.
 *
 * @module
 */
import { readGguf } from "../../src/model/gguf.ts";
import { SimdRuntime } from "../../src/model/simd/runtime.ts";
import { loadTokenizer } from "../../src/text/bpe_tokenizer.ts";
import { realModelPath } from "./real_model.ts";

/** In bytes. */
export interface LoadRecord {
  /** The model file. */
  readonly file: number;
  /** The process before the weights, metadata and tokenizer in place. */
  readonly before: number;
  /** The most that was seen while the weights were loaded. */
  readonly peak: number;
}

async function record(): Promise<LoadRecord> {
  const path = realModelPath();
  const file = readGguf(path);
  const tokenizer = loadTokenizer(file);
  const before = Deno.memoryUsage().rss;
  let peak = before;
  const sample = () => peak = Math.max(peak, Deno.memoryUsage().rss);
  // The tensors are read in small parts, between which timers run.
  const timer = setInterval(sample, 1);
  const runtime = await SimdRuntime.load(file);
  sample();
  clearInterval(timer);
  if (tokenizer.vocabSize !== runtime.config.vocab) {
    throw new Error("Cannot compare: the tokenizer is another model's");
  }
  return { file: (await Deno.stat(path)).size, before, peak };
}

if (import.meta.main) console.log(JSON.stringify(await record()));
