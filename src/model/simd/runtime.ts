/**
 * The model on the CPU: quantised weights and caches in one WebAssembly memory, the steps in SIMD kernels.
 *
 * @module
 */
import type { CorrectedAttention } from "../../cache/corrections.ts";
import { type CacheLayout, mostLive } from "../../cache/layout.ts";
import type { Needs } from "../../cache/method.ts";
import type { Plan } from "../../cache/plan.ts";
import { checkStore, STORES } from "../../cache/store/stores.ts";
import type { Observation } from "../../cache/unit_view.ts";
import { ModelError } from "../../engine/errors.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { LinearMemory } from "../../kernels/memory.ts";
import { loadSimdKernels } from "../../kernels/simd.ts";
import type { ModelConfig } from "../config.ts";
import type { GgufFile } from "../gguf.ts";
import type { KvCache, LogitsSink, Runtime, Sequence } from "../runtime.ts";
import { exportState, importState } from "../saved_state.ts";
import { compact } from "./compact.ts";
import { Forward } from "./forward.ts";
import type { LinesReport } from "./lines_tally.ts";
import { SimdKvCache } from "./kv_cache.ts";
import { Observer } from "./observe.ts";
import { RopeTable } from "./rope_table.ts";
import { type SlotTools, VALUES_BEHIND } from "./slot_store.ts";
import { loadWeights } from "./weights.ts";

/** Choices of {@link SimdRuntime.load}. */
export interface SimdOptions {
  /** Most tokens of one forward step; default 64. */
  readonly maxTokens?: number;
  /** How many threads compute; default 1. */
  readonly threads?: number;
  /** Makes the kernels; default: the fastest compiled ones that this engine runs. */
  readonly kernels?: (memory: LinearMemory) => Promise<Kernels>;
}

/** See {@link Runtime}. */
export class SimdRuntime implements Runtime {
  readonly kind = "simd";
  readonly config: ModelConfig;
  readonly maxTokens: number;
  readonly #tools: SlotTools;
  readonly #forward: Forward;
  readonly #observer: Observer;
  /** [headDim] f32 that the stores use by turns. */
  readonly #vector: number;

  private constructor(tools: SlotTools, forward: Forward) {
    this.config = tools.config;
    this.maxTokens = forward.maxTokens;
    this.#tools = tools;
    this.#forward = forward;
    this.#observer = new Observer(tools);
    this.#vector = tools.memory.allocate(tools.config.headDim * 4);
  }

  /**
   * Reads a model file into memory.
   *
   * @throws {ModelError} If the file is damaged, or its sizes are none that the kernels can work with.
   * @throws {RangeError} If the model is larger than a WebAssembly memory (4 GiB).
   */
  static async load(
    file: GgufFile,
    options: SimdOptions = {},
  ): Promise<SimdRuntime> {
    const { maxTokens = 64, threads = 1 } = options;
    const create = options.kernels ??
      ((memory) => loadSimdKernels(memory, null, threads));
    checkSizes(file);
    const memory = new LinearMemory(threads > 1);
    const kernels = await create(memory);
    const weights = await loadWeights(memory, file);
    const { config } = file;
    const rope = new RopeTable(memory, kernels, config, weights.ropeFactors);
    const tools = { config, memory, kernels, rope };
    const forward = new Forward({ ...tools, weights }, maxTokens);
    return new SimdRuntime(tools, forward);
  }

  /** Bytes of weights, caches and scratch space. */
  get memoryBytes(): number {
    return this.#tools.memory.byteLength;
  }

  /** All statistics can be had; slots in few bits are read sixteen bytes at a time. */
  check({ store, headDim }: CacheLayout, _needs: Needs): void {
    checkStore(store, headDim);
  }

  createCache(
    layout: CacheLayout,
    corrected: CorrectedAttention | null = null,
  ): KvCache {
    const vector = this.#vector;
    const cache = new SimdKvCache(this.#tools, layout, vector, corrected);
    const most = mostLive(layout);
    const { spreadBytes } = STORES[layout.store];
    this.#forward.reserveScores(most);
    const spread = (most + VALUES_BEHIND) * spreadBytes(layout.headDim);
    this.#forward.reserveSpread(spread);
    if (layout.coverage < 1) this.#forward.lines.reserve(most);
    return cache;
  }

  /** What prefill has computed of the attention of dialogues that need not all of it. */
  get prefillLines(): LinesReport {
    return this.#forward.lines.report;
  }

  forward(batch: readonly Sequence[], sink: LogitsSink): Promise<void> {
    return attempt(() => this.#forward.run(batch, sink));
  }

  observe(cache: KvCache, _needs: Needs): Promise<Observation> {
    return attempt(() => this.#observer.of(own(cache)));
  }

  apply(cache: KvCache, plan: Plan): Promise<void> {
    return attempt(() => compact(this.#tools, own(cache), plan));
  }

  exportState(
    cache: KvCache,
    spent?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return attempt(() => exportState(this.#tools.memory, own(cache), spent));
  }

  importState(cache: KvCache, state: Uint8Array<ArrayBuffer>): Promise<void> {
    return attempt(() => importState(this.#tools.memory, own(cache), state));
  }

  /** Sends threads home; the memory goes with the last reference to it. */
  dispose(): void {
    this.#tools.kernels.dispose();
  }
}

/** Calls `run` at once; what it throws becomes a rejection. */
function attempt<T>(run: () => T): Promise<T> {
  try {
    return Promise.resolve(run());
  } catch (error) {
    return Promise.reject(error);
  }
}

function own(cache: KvCache): SimdKvCache {
  if (cache instanceof SimdKvCache) return cache;
  throw new TypeError("Cannot use the cache: it belongs to another runtime");
}

/** Vectors are read four values at a time. */
function checkSizes({ path, config }: GgufFile): void {
  for (const size of ["hidden", "headDim", "ropeDim", "ffn"] as const) {
    if (config[size] % 4 === 0) continue;
    throw new ModelError(
      `Cannot load ${path}: ${size} is ${
        config[size]
      }, expected a multiple of 4`,
    );
  }
}
