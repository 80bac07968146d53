/**
 * What a task is given to work with: a model, and dialogues with it under the configuration that is judged.
 *
 * @module
 */
import { type MethodName, METHODS } from "../../src/cache/methods.ts";
import type { LearnedParts } from "../../src/cache/learned_parts.ts";
import { withLearned } from "../../src/cache/method.ts";
import { methodLayout } from "../../src/cache/method_layout.ts";
import type { OptionValues } from "../../src/cache/options.ts";
import { type StoreName, STORES } from "../../src/cache/store/stores.ts";
import { type CacheOptions, Dialogue } from "../../src/engine/dialogue.ts";
import { readGguf } from "../../src/model/gguf.ts";
import { findLearned } from "../../src/model/learned/find_learned.ts";
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
  /** What was learned of it, if anything. */
  readonly learned: LearnedParts | null;
}

/** A configuration of the cache. */
export interface Setup {
  readonly method: MethodName;
  /** Options of the method that do not have their fallbacks. */
  readonly values: OptionValues;
  /** Of each layer and head, after a compaction; null where nothing is evicted. */
  readonly slots: number | null;
  readonly store: StoreName;
  readonly block: number;
  readonly sinks: number;
  readonly window: number;
}

/**
 * Loads a model file.
 *
 * @param block The most tokens of a forward step.
 * @param learned As in `EngineOptions`.
 */
export async function loadModel(
  path: string,
  block: number,
  learned: string | null = null,
): Promise<Model> {
  const file = readGguf(path);
  const { size } = await Deno.stat(path);
  return {
    id: `${file.config.name}, ${size} bytes`,
    runtime: await SimdRuntime.load(file, { maxTokens: block }),
    tokenizer: loadTokenizer(file),
    learned: await findLearned(learned, file),
  };
}

/** What the engine is to be told of a configuration; where nothing is evicted there are as many slots as tokens. */
function cacheOptions(
  { learned }: Model,
  setup: Setup,
  tokens: number,
): CacheOptions {
  const { method, values, slots, store, block, sinks, window } = setup;
  return {
    methodName: method,
    method: withLearned(METHODS[method], learned, values),
    values,
    slots: slots ?? tokens,
    store,
    block,
    sinks,
    window,
  };
}

/** Starts a dialogue of at most `tokens` tokens; the bound counts only where nothing is evicted. */
export function openDialogue(
  model: Model,
  setup: Setup,
  tokens: number,
): Dialogue {
  return new Dialogue(model.runtime, cacheOptions(model, setup, tokens));
}

/**
 * Bytes that a dialogue of `tokens` tokens takes at its fullest: keys, values, what the method notes of a slot, and what it
 * corrects attention by.
 */
export function cacheBytes(
  model: Model,
  setup: Setup,
  tokens: number,
): number {
  const options = cacheOptions(model, setup, tokens);
  const { config } = model.runtime;
  const score = options.method.score?.({}) ?? null;
  const layout = methodLayout(options.method, score, config, options);
  const { offsets, headDim, biased, carried } = layout;
  const noted = 4 * ((biased ? 1 : 0) + carried);
  const slotBytes = STORES[setup.store].bytes(headDim) + noted;
  const corrections = Object.values(options.method.corrections ?? {})
    .reduce((sum, { byteLength }) => sum + byteLength, 0);
  return offsets[offsets.length - 1] * slotBytes + corrections;
}

/** `maxdecay:decay=0.9`, as it is asked for. */
export function methodTitle({ method, values }: Setup): string {
  const options = Object.entries(values).map(([name, value]) =>
    `${name}=${value}`
  );
  return [method, ...options].join(":");
}

/** The whole of a configuration in a few words. */
export function setupTitle(setup: Setup): string {
  const { slots, store } = setup;
  return [methodTitle(setup), ...(slots === null ? [] : [slots]), store]
    .join(" ");
}
