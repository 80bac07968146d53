/**
 * What a task is given to work with: a model, and dialogues with it under the configuration that is judged.
 *
 * @module
 */
import { type MethodName, METHODS } from "../../src/cache/methods.ts";
import { methodLayout } from "../../src/cache/method_layout.ts";
import type { Method } from "../../src/cache/method.ts";
import { Dialogue } from "../../src/engine/dialogue.ts";
import { readGguf } from "../../src/model/gguf.ts";
import type { Runtime } from "../../src/model/runtime.ts";
import { SimdRuntime } from "../../src/model/simd/runtime.ts";
import { loadTokenizer } from "../../src/text/bpe_tokenizer.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";

/** A model in memory. */
export interface Model {
  /** Its name and the size of its file: other weights give other figures. */
  readonly id: string;
  readonly runtime: Runtime;
  readonly tokenizer: Tokenizer;
}

/** A configuration of the cache. */
export interface Setup {
  readonly method: MethodName;
  /** Of each layer and head, after a compaction; null where nothing is evicted. */
  readonly slots: number | null;
  readonly store: StoreName;
  readonly block: number;
  readonly sinks: number;
  readonly window: number;
}

/** In what form slots are held. */
export type StoreName = "f32";

/** All of them. */
export const STORE_NAMES: readonly StoreName[] = ["f32"];

/** Bytes of a slot's key and value. */
const SLOT_BYTES: Readonly<Record<StoreName, (headDim: number) => number>> = {
  f32: (headDim) => 2 * headDim * 4,
};

/** Loads a model file; `block` is the most tokens of a forward step. */
export async function loadModel(path: string, block: number): Promise<Model> {
  const file = await readGguf(path);
  const { size } = await Deno.stat(path);
  return {
    id: `${file.config.name}, ${size} bytes`,
    runtime: await SimdRuntime.load(file, { maxTokens: block }),
    tokenizer: loadTokenizer(file),
  };
}

/** Starts a dialogue of at most `tokens` tokens; the bound counts only where nothing is evicted. */
export function openDialogue(
  { runtime }: Model,
  setup: Setup,
  tokens: number,
): Dialogue {
  const { method: methodName, block, sinks, window } = setup;
  const method: Method = METHODS[methodName];
  const slots = setup.slots ?? tokens;
  return new Dialogue(runtime, {
    methodName,
    method,
    slots,
    block,
    sinks,
    window,
  });
}

/** Bytes that a dialogue of `tokens` tokens takes at its fullest: keys, values, and what the method notes of a slot. */
export function cacheBytes(
  { runtime }: Model,
  setup: Setup,
  tokens: number,
): number {
  const { slots, block, sinks, window } = setup;
  const method: Method = METHODS[setup.method];
  const score = method.score?.() ?? null;
  const size = { slots: slots ?? tokens, block, sinks, window };
  const layout = methodLayout(method, score, runtime.config, size);
  const { offsets, headDim, biased, carried } = layout;
  const numbers = (biased ? 1 : 0) + carried;
  const slotBytes = SLOT_BYTES[setup.store](headDim) + 4 * numbers;
  return offsets[offsets.length - 1] * slotBytes;
}
