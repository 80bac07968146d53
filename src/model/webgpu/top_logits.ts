/**
 * @module
 */
import type { GpuBuffers } from "../../kernels/webgpu/buffers.ts";
import type { BoundKernel } from "../../kernels/webgpu/kernel.ts";
import {
  loadTopKernel,
  RANK,
  readTop,
  TOP_BYTES,
} from "../../kernels/webgpu/top.ts";
import { LOWEST_LOGIT } from "../runtime.ts";

/** Brings the highest logits of a row back from the device, a kilobyte instead of all of them. */
export class TopLogits {
  readonly #gpu: GpuBuffers;
  readonly #kernel: BoundKernel;
  readonly #found: GPUBuffer;
  readonly #staging: GPUBuffer;
  /** [vocab] */
  readonly #logits: Float32Array<ArrayBuffer>;

  private constructor(
    gpu: GpuBuffers,
    kernel: BoundKernel,
    found: GPUBuffer,
    vocab: number,
  ) {
    this.#gpu = gpu;
    this.#kernel = kernel;
    this.#found = found;
    this.#staging = gpu.staging(TOP_BYTES, "highest logits");
    this.#logits = new Float32Array(vocab);
  }

  /** @param logits Whose first [vocab] numbers are looked at. */
  static async create(
    gpu: GpuBuffers,
    logits: GPUBuffer,
    vocab: number,
  ): Promise<TopLogits> {
    const found = gpu.storage(TOP_BYTES, "highest logits");
    const kernel = await loadTopKernel(gpu.device, vocab);
    return new TopLogits(
      gpu,
      kernel.bind({ 4: logits, 5: found }),
      found,
      vocab,
    );
  }

  /**
   * The logits [vocab] with the `top` highest, LOWEST_LOGIT where there are lower ones; null where all must be looked at. Valid
   * until the next call.
   */
  async read(top: number): Promise<Float32Array | null> {
    if (top >= RANK) return null;
    const { device } = this.#gpu;
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    this.#kernel.dispatch(pass, 1);
    pass.end();
    device.queue.submit([encoder.finish()]);
    this.#logits.fill(LOWEST_LOGIT);
    let isKnown = false;
    await this.#gpu.map(this.#found, this.#staging, TOP_BYTES, ({ buffer }) => {
      isKnown = readTop(buffer, top, this.#logits);
    });
    return isKnown ? this.#logits : null;
  }
}
