/**
 * The model on the CPU: quantised weights and caches in one WebAssembly memory, the steps in SIMD kernels.
 *
 * @module
 */
import type { CacheLayout } from "../../cache/layout.ts";
import type { Plan } from "../../cache/plan.ts";
import { ModelError } from "../../engine/errors.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { LinearMemory } from "../../kernels/memory.ts";
import { loadSimdKernels } from "../../kernels/simd.ts";
import type { ModelConfig } from "../config.ts";
import type { GgufFile } from "../gguf.ts";
import type { KvCache, LogitsSink, Runtime, Sequence } from "../runtime.ts";
import { compact } from "./compact.ts";
import { Forward } from "./forward.ts";
import { SimdKvCache } from "./kv_cache.ts";
import { RopeTable } from "./rope_table.ts";
import { exportState, importState } from "./state.ts";
import { loadWeights } from "./weights.ts";

/** Choices of {@link SimdRuntime.load}. */
export interface SimdOptions {
  /** Most tokens of one forward step; default 64. */
  readonly maxTokens?: number;
  /** Makes the kernels; default: the fastest compiled ones that this engine runs. */
  readonly kernels?: (memory: LinearMemory) => Promise<Kernels>;
}

/** See {@link Runtime}. */
export class SimdRuntime implements Runtime {
  readonly kind = "simd";
  readonly config: ModelConfig;
  readonly maxTokens: number;
  readonly #memory: LinearMemory;
  readonly #kernels: Kernels;
  readonly #rope: RopeTable;
  readonly #forward: Forward;

  private constructor(
    config: ModelConfig,
    memory: LinearMemory,
    kernels: Kernels,
    rope: RopeTable,
    forward: Forward,
  ) {
    this.config = config;
    this.maxTokens = forward.maxTokens;
    this.#memory = memory;
    this.#kernels = kernels;
    this.#rope = rope;
    this.#forward = forward;
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
    const { maxTokens = 64, kernels: create = loadSimdKernels } = options;
    checkSizes(file);
    const memory = new LinearMemory();
    const kernels = await create(memory);
    const weights = await loadWeights(memory, file);
    const rope = new RopeTable(memory, file.config, weights.ropeFactors);
    const forward = new Forward(
      { config: file.config, memory, kernels, weights, rope },
      maxTokens,
    );
    return new SimdRuntime(file.config, memory, kernels, rope, forward);
  }

  /** Bytes of weights, caches and scratch space. */
  get memoryBytes(): number {
    return this.#memory.byteLength;
  }

  createCache(layout: CacheLayout): KvCache {
    const cache = new SimdKvCache(this.#memory, layout);
    const most = Math.max(...layout.slots) + layout.block;
    this.#forward.reserveScores(most);
    return cache;
  }

  forward(batch: readonly Sequence[], sink: LogitsSink): Promise<void> {
    return attempt(() => this.#forward.run(batch, sink));
  }

  apply(cache: KvCache, plan: Plan): Promise<void> {
    const tools = {
      memory: this.#memory,
      kernels: this.#kernels,
      rope: this.#rope,
      config: this.config,
    };
    return attempt(() => compact(tools, own(cache), plan));
  }

  exportState(cache: KvCache): Promise<Uint8Array<ArrayBuffer>> {
    return attempt(() => exportState(this.#memory, own(cache)));
  }

  importState(cache: KvCache, state: Uint8Array<ArrayBuffer>): Promise<void> {
    return attempt(() => importState(this.#memory, own(cache), state));
  }

  /** Nothing to do: the memory goes with the last reference to it. */
  dispose(): void {}
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
