/**
 * The weights of a model in GPU buffers, read straight into them: the process holds no more than 128 KiB of the file at a
 * time.
 *
 * @module
 */
import { BLOCK } from "../../kernels/matrix.ts";
import type { GpuBuffers } from "../../kernels/webgpu/buffers.ts";
import {
  GPU_FORMS,
  type GpuForm,
  RowPacker,
} from "../../kernels/webgpu/packing.ts";
import type { GgufFile } from "../gguf.ts";
import {
  type LayerWeights,
  type ModelWeights,
  readWeights,
  type WeightsKeeper,
} from "../model_weights.ts";
import type { TensorReader } from "../tensor_reader.ts";

/** A matrix [rows, columns]; see `packing.ts`. */
export interface GpuMatrix extends GpuForm {
  readonly rows: number;
  readonly columns: number;
  readonly weights: GPUBuffer;
  /** Null where the form has none, as `offsets`. */
  readonly scales: GPUBuffer | null;
  readonly offsets: GPUBuffer | null;
}

/** Vectors are buffers of f32. */
export type GpuLayer = LayerWeights<GpuMatrix, GPUBuffer>;
export type GpuWeights = ModelWeights<GpuMatrix, GPUBuffer>;

/**
 * Reads every tensor of a file.
 *
 * @throws {ModelError} If the file ends early, cannot be read, or holds a value that is no finite number.
 */
export function loadGpuWeights(
  gpu: GpuBuffers,
  model: GgufFile,
): Promise<GpuWeights> {
  return readWeights(model, (file) => new Upload(gpu, file));
}

/** Bytes that may wait in the queue before they are sent: it holds a copy of them. */
const QUEUE_BYTES = 1 << 18;

/** Brings tensors into buffers of a device. */
class Upload implements WeightsKeeper<GpuMatrix, GPUBuffer> {
  readonly #gpu: GpuBuffers;
  readonly #file: TensorReader;
  readonly #packer = new RowPacker();
  #sent = 0;

  constructor(gpu: GpuBuffers, file: TensorReader) {
    this.#gpu = gpu;
    this.#file = file;
  }

  async matrix(name: string): Promise<GpuMatrix> {
    const tensor = this.#file.tensor(name);
    const { type, rows, columns } = tensor;
    const { bits, hasOffsets } = GPU_FORMS[type];
    const perRow = columns * bits / 8, blocks = columns / BLOCK;
    const weights = this.#gpu.storage(rows * perRow, name);
    const scales = bits === 32
      ? null
      : this.#gpu.storage(rows * blocks * 4, name);
    const offsets = hasOffsets
      ? this.#gpu.storage(rows * blocks * 4, name)
      : null;
    await this.#file.rows(tensor, (bytes, first) => {
      const packed = this.#packer.pack(type, columns, bytes);
      this.#gpu.write(weights, packed.weights, first * perRow);
      const at = first * blocks * 4;
      if (scales) this.#gpu.write(scales, packed.scales, at);
      if (offsets) this.#gpu.write(offsets, packed.offsets, at);
      return this.#drain();
    });
    return { bits, hasOffsets, rows, columns, weights, scales, offsets };
  }

  async vector(name: string): Promise<GPUBuffer> {
    return this.#gpu.storageOf(await this.#file.values(name), name);
  }

  /** Waits until what was written has left the queue, now and then. */
  async #drain(): Promise<void> {
    const { written } = this.#gpu.traffic;
    if (written - this.#sent < QUEUE_BYTES) return;
    this.#sent = written;
    const { queue } = this.#gpu.device;
    queue.submit([]);
    await queue.onSubmittedWorkDone();
  }
}
