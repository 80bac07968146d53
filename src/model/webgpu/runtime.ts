/**
 * The model on a GPU: linear layers in ONNX Runtime, attention and the cache in kernels of our own, on one device.
 *
 * @module
 */
import type { CorrectedAttention } from "../../cache/corrections.ts";
import type { CacheLayout } from "../../cache/layout.ts";
import type { Needs } from "../../cache/method.ts";
import type { Plan } from "../../cache/plan.ts";
import {
  checkStore,
  defaultStore,
  type StoreName,
} from "../../cache/store/stores.ts";
import type { Observation } from "../../cache/unit_view.ts";
import { ModelError } from "../../engine/errors.ts";
import { largestBuffer, type Traffic } from "../../kernels/webgpu/buffers.ts";
import type { Arithmetic } from "../../kernels/webgpu/kernels.ts";
import { checkBatch } from "../check_batch.ts";
import type { ModelConfig } from "../config.ts";
import type { GgufFile } from "../gguf.ts";
import type { KvCache, LogitsSink, Runtime, Sequence } from "../runtime.ts";
import { adapterName, findAdapter } from "./adapter.ts";
import { GpuModel } from "./gpu_model.ts";
import { GpuKvCache } from "./kv_cache.ts";
import { lossError } from "./loss.ts";
import { GpuObservation } from "./observe.ts";
import { largestArray } from "./slot_buffers.ts";
import { exportGpuState, importGpuState } from "./state.ts";

/** Most tokens of a step, whatever is asked for: more gain nothing and take memory. */
const MOST_TOKENS = 256;

/** How the runtime is to work. */
export interface WebGpuOptions {
  /** Most tokens of one forward step. Default 64. */
  readonly maxTokens?: number;
  /** How dialogues will mostly be held: its kernels are tested at load, others when they are first needed. */
  readonly store?: StoreName;
  /** What queries are multiplied with keys of 8 bits in; default f32. */
  readonly arithmetic?: Arithmetic;
}

/** See {@link Runtime}. */
export class WebGpuRuntime implements Runtime {
  readonly kind = "webgpu";
  readonly config: ModelConfig;
  readonly maxTokens: number;
  /** What the GPU calls itself. */
  readonly adapter: string;
  /** Bytes that crossed over to the device and back, since it was loaded. */
  readonly traffic: Readonly<Traffic>;
  readonly #limits: GPUSupportedLimits;
  readonly #load: () => Promise<GpuModel>;
  /** The model on the device, or on its way there. */
  #model: Promise<GpuModel>;

  private constructor(
    { config }: GgufFile,
    { limits, name }: { limits: GPUSupportedLimits; name: string },
    maxTokens: number,
    traffic: Traffic,
    load: () => Promise<GpuModel>,
  ) {
    this.config = config;
    this.maxTokens = maxTokens;
    this.adapter = name;
    this.traffic = traffic;
    this.#limits = limits;
    this.#load = load;
    this.#model = load();
  }

  /**
   * Brings a model onto a device.
   *
   * @throws {ModelError} If the file is damaged, or its sizes are none that the kernels can work with.
   * @throws {RangeError} If the device cannot hold the model.
   * @throws {Error} If it fails its test or is lost.
   */
  static async load(
    file: GgufFile,
    adapter: GPUAdapter,
    options: WebGpuOptions = {},
  ): Promise<WebGpuRuntime> {
    checkSizes(file);
    const { limits } = adapter;
    const name = adapterName(adapter);
    const maxTokens = Math.min(options.maxTokens ?? 64, MOST_TOKENS);
    const { arithmetic = "f32" } = options;
    const store = options.store ?? defaultStore(file.config.headDim);
    const traffic = { written: 0, read: 0 };
    // An adapter gives one device; after a loss another is asked for.
    let first: GPUAdapter | null = adapter;
    const runtime = new WebGpuRuntime(
      file,
      { limits, name },
      maxTokens,
      traffic,
      async () => {
        const next = first ?? await findReplacement(adapter);
        first = null;
        return GpuModel.load(
          next,
          file,
          { maxTokens, store, arithmetic },
          traffic,
        );
      },
    );
    await runtime.#model;
    return runtime;
  }

  /** All statistics can be had. */
  check(layout: CacheLayout, needs: Needs): void {
    checkStore(layout.store, layout.headDim);
    const bytes = largestArray(layout, needs);
    const most = largestBuffer(this.#limits);
    if (bytes <= most) return;
    throw new RangeError(
      `Cannot hold so many slots on the GPU: their keys take ${bytes} bytes, a buffer at most ${most}`,
    );
  }

  /** The device's memory is asked for at the first step, which fails if there is not enough. */
  createCache(
    layout: CacheLayout,
    corrected: CorrectedAttention | null = null,
  ): KvCache {
    this.check(layout, {});
    return new GpuKvCache(layout, corrected);
  }

  async forward(batch: readonly Sequence[], sink: LogitsSink): Promise<void> {
    batch.forEach(({ cache }) => own(cache));
    checkBatch(batch, this.config, this.maxTokens);
    for (const [index, sequence] of batch.entries()) {
      if (sequence.tokens.length === 0) continue;
      await this.#with(
        own(sequence.cache),
        (model) => model.forward.run(sequence, sink, index),
      );
    }
  }

  observe(cache: KvCache, needs: Needs): Promise<Observation> {
    const device = own(cache);
    return this.#with(device, () => GpuObservation.of(device, needs));
  }

  apply(cache: KvCache, plan: Plan): Promise<void> {
    const device = own(cache);
    return this.#with(device, () => {
      // Cannot be missing: what has plans has blocks.
      device.buffers!.compactor!.apply(device, plan);
    });
  }

  exportState(
    cache: KvCache,
    spent?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const device = own(cache);
    return this.#with(device, () => exportGpuState(device, spent));
  }

  importState(cache: KvCache, state: Uint8Array<ArrayBuffer>): Promise<void> {
    const device = own(cache);
    return this.#with(device, () => importGpuState(device, state));
  }

  /** Frees the device, once it is there; nobody need wait for it. */
  async dispose(): Promise<void> {
    // A model that could not be loaded has freed its device.
    const model = await this.#model.catch(() => null);
    await model?.destroy();
  }

  /** Runs `use` on the device that has the cache; fails when the device does. */
  async #with<T>(
    cache: GpuKvCache,
    use: (model: GpuModel) => T | Promise<T>,
  ): Promise<T> {
    if (cache.isLost) throw lossError("the dialogue was on it");
    const model = await this.#ready();
    await model.watch.wait(model.attach(cache));
    const run = async () => await use(model);
    return await model.watch.wait(run());
  }

  /** The model on a device that works. One that was lost is replaced; where that fails, whoever asks next tries again. */
  async #ready(): Promise<GpuModel> {
    const present = this.#model;
    const model = await present.catch(() => null);
    if (model && !model.watch.error) return model;
    if (this.#model === present) this.#model = this.#replace(model);
    return await this.#model;
  }

  async #replace(lost: GpuModel | null): Promise<GpuModel> {
    // What a lost device does not let go of is lost with it.
    await lost?.destroy().catch(() => {});
    try {
      return await this.#load();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw lossError(`no other could take its place: ${reason}`, error);
    }
  }
}

/** A GPU is not replaced by a CPU in disguise, on which every answer would run into its time limit. */
async function findReplacement(lost: GPUAdapter): Promise<GPUAdapter> {
  const adapter = await findAdapter();
  const { isFallbackAdapter } = adapter.info;
  if (!isFallbackAdapter || lost.info.isFallbackAdapter) return adapter;
  const name = adapterName(adapter);
  throw new Error(
    `Cannot use WebGPU: the only adapter, ${name}, is a fallback`,
  );
}

function own(cache: KvCache): GpuKvCache {
  if (cache instanceof GpuKvCache) return cache;
  throw new TypeError("Cannot use the cache: it belongs to another runtime");
}

/** Keys are read four values at a time, and rotated two at a time. */
function checkSizes({ path, config }: GgufFile): void {
  const { headDim, ropeDim } = config;
  if (headDim % 4 === 0 && ropeDim % 2 === 0) return;
  throw new ModelError(
    `Cannot load ${path}: headDim is ${headDim}, expected a multiple of 4`,
  );
}
