/**
 * Everything of a model that lives on one device, and goes with it when the device is lost.
 *
 * @module
 */
import type { StoreName } from "../../cache/store/stores.ts";
import { GpuBuffers, type Traffic } from "../../kernels/webgpu/buffers.ts";
import type { BoundKernel } from "../../kernels/webgpu/kernel.ts";
import { loadConvolveKernel } from "../../kernels/webgpu/convolve.ts";
import { testConvolve } from "../../kernels/webgpu/convolve_check.ts";
import {
  type Arithmetic,
  loadEmbedKernel,
} from "../../kernels/webgpu/kernels.ts";
import { testTop } from "../../kernels/webgpu/top_check.ts";
import type { GgufFile } from "../gguf.ts";
import { checkFits, openDevice } from "./adapter.ts";
import { ConvolutionWeights } from "./convolve_slots.ts";
import { GpuForward } from "./forward.ts";
import type { GpuKvCache } from "./kv_cache.ts";
import { LinearSteps } from "./linear_steps.ts";
import { LossWatch } from "./loss.ts";
import { SlotBuffers, type SlotTools } from "./slot_buffers.ts";
import { StoreKernels } from "./store_kernels.ts";
import { TopLogits } from "./top_logits.ts";
import { type GpuWeights, loadGpuWeights } from "./weights.ts";
import { withinMemory } from "./within_memory.ts";
import { createWorkspace, type Workspace } from "./workspace.ts";

/** What a model on a device is to be able to do. */
export interface GpuOptions {
  /** Most tokens of a step. */
  readonly maxTokens: number;
  /** How dialogues will be held, as far as is known: its kernels are tested at once. */
  readonly store: StoreName;
  /** What keys of 8 bits are attended in. */
  readonly arithmetic: Arithmetic;
}

/** The parts that a model is put together from. */
interface Parts {
  readonly gpu: GpuBuffers;
  readonly watch: LossWatch;
  readonly kernels: StoreKernels;
  readonly tools: SlotTools;
  readonly linear: LinearSteps;
  readonly forward: GpuForward;
}

/** A model on a device. */
export class GpuModel {
  readonly watch: LossWatch;
  readonly forward: GpuForward;
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.watch = parts.watch;
    this.forward = parts.forward;
  }

  /**
   * Opens a device, tests it, and brings the model over.
   *
   * @param traffic Counts what crosses over.
   * @throws {ModelError} If the file is damaged.
   * @throws {RangeError} If the device cannot hold the model.
   * @throws {Error} If it is lost, or fails its test.
   */
  static async load(
    adapter: GPUAdapter,
    file: GgufFile,
    options: GpuOptions,
    traffic: Traffic,
  ): Promise<GpuModel> {
    const device = await openDevice(adapter);
    const watch = new LossWatch(device);
    const gpu = new GpuBuffers(device, traffic);
    try {
      checkFits(file, device.limits);
      return await watch.wait(build(gpu, watch, file, options))
        .then((parts) => new GpuModel(parts));
    } catch (error) {
      device.destroy();
      throw error;
    }
  }

  /**
   * Gives a cache its slots, if it has none yet.
   *
   * @throws {RangeError} If the device has not enough memory.
   * @throws {Error} If it computes wrongly with the cache's store.
   */
  async attach(cache: GpuKvCache): Promise<void> {
    if (cache.buffers) return;
    const { slots, corrected } = cache;
    const { gpu, kernels, tools } = this.#parts;
    const own = await kernels.of(slots.layout.store);
    const buffers = await withinMemory(
      gpu.device,
      () => new SlotBuffers(tools, own, slots.layout, corrected),
      "another dialogue",
    );
    buffers.writeUnits(slots, corrected);
    cache.attach(buffers);
  }

  /** Frees the device; what runs on it fails. */
  async destroy(): Promise<void> {
    const { gpu, linear } = this.#parts;
    try {
      await linear.release();
    } finally {
      gpu.device.destroy();
    }
  }
}

async function build(
  gpu: GpuBuffers,
  watch: LossWatch,
  file: GgufFile,
  { maxTokens, store, arithmetic }: GpuOptions,
): Promise<Parts> {
  const { device, traffic } = gpu;
  const { config } = file;
  const kernels = new StoreKernels(device, config, arithmetic);
  await kernels.of(store);
  await testConvolve(device);
  await testTop(device);
  const weights = await withinMemory(
    device,
    () => loadGpuWeights(gpu, file),
    "the model",
  );
  const { ropeFactors } = weights;
  const workspace = createWorkspace(gpu, config, maxTokens, ropeFactors);
  const linear = await LinearSteps.create(
    device,
    config,
    weights,
    workspace,
    maxTokens,
  );
  const convolve = await loadConvolveKernel(device, config.headDim);
  const convolutions = new ConvolutionWeights(gpu, convolve);
  const embed = await bindEmbed(device, weights, workspace);
  const top = await TopLogits.create(gpu, workspace.logits, config.vocab);
  const tools = { config, gpu, workspace, linear, embed, top };
  return {
    gpu,
    watch,
    kernels,
    tools: { device, watch, traffic, convolutions, workspace },
    linear,
    forward: new GpuForward(tools, maxTokens),
  };
}

async function bindEmbed(
  device: GPUDevice,
  { embedding }: GpuWeights,
  { tokens, residual, nothing }: Workspace,
): Promise<BoundKernel> {
  const { rows, columns, bits, weights, scales, offsets } = embedding;
  const kernel = await loadEmbedKernel(device, rows, columns, bits);
  return kernel.bind({
    4: tokens,
    5: weights,
    6: scales ?? nothing,
    7: offsets ?? nothing,
    8: residual[0],
  });
}
