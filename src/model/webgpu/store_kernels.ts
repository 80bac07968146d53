/**
 * @module
 */
import type { StoreName } from "../../cache/store/stores.ts";
import {
  type GpuKernels,
  type HeadShape,
  loadGpuKernels,
} from "../../kernels/webgpu/kernels.ts";
import { selfTest } from "../../kernels/webgpu/self_test.ts";

/** The kernels of each store on one device: tested and compiled when the first dialogue needs them. */
export class StoreKernels {
  readonly #device: GPUDevice;
  readonly #shape: HeadShape;
  readonly #known = new Map<StoreName, Promise<GpuKernels>>();

  /** @param shape Of the model's heads. */
  constructor(device: GPUDevice, shape: HeadShape) {
    this.#device = device;
    this.#shape = shape;
  }

  /**
   * The kernels of a store that can hold such heads.
   *
   * @throws {Error} If the device computes wrongly or refuses one.
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
    await selfTest(this.#device, store);
    return await loadGpuKernels(this.#device, this.#shape, store);
  }
}
