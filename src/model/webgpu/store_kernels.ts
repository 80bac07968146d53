/**
 * @module
 */
import type { StoreName } from "../../cache/store/stores.ts";
import { GPU_STORES } from "../../kernels/webgpu/gpu_stores.ts";
import {
  type Arithmetic,
  type GpuKernels,
  type HeadShape,
  loadGpuKernels,
} from "../../kernels/webgpu/kernels.ts";
import { selfTest } from "../../kernels/webgpu/self_test.ts";

/** The kernels of each store on one device: tested and compiled when the first dialogue needs them. */
export class StoreKernels {
  readonly #device: GPUDevice;
  readonly #shape: HeadShape;
  readonly #arithmetic: Arithmetic;
  readonly #known = new Map<StoreName, Promise<GpuKernels>>();

  /**
   * @param shape Of the model's heads.
   * @param arithmetic What keys of 8 bits are attended in; others are in f32.
   */
  constructor(device: GPUDevice, shape: HeadShape, arithmetic: Arithmetic) {
    this.#device = device;
    this.#shape = shape;
    this.#arithmetic = arithmetic;
  }

  /**
   * The kernels of a store that can hold such heads.
   *
   * @throws {Error} If the device computes wrongly, refuses one or lacks the arithmetic.
   */
  of(store: StoreName): Promise<GpuKernels> {
    let kernels = this.#known.get(store);
    if (!kernels) {
      kernels = this.#load(store);
      this.#known.set(store, kernels);
    }
    return kernels;
  }

  async #load(store: StoreName): Promise<GpuKernels> {
    const device = this.#device;
    const isBytes = GPU_STORES[store].keys === "int8";
    const arithmetic = isBytes ? this.#arithmetic : "f32";
    if (arithmetic === "f16" && !device.features.has("shader-f16")) {
      throw new Error("Cannot attend in f16: the GPU has no shader-f16");
    }
    await selfTest(device, store, arithmetic);
    return await loadGpuKernels(device, this.#shape, store, arithmetic);
  }
}
