/** Keys in 8 bits are turned exactly: however they got to a position, and back. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { GpuBuffers } from "../../../src/kernels/webgpu/buffers.ts";
import { LAYER_STRIDE } from "../../../src/kernels/webgpu/kernel.ts";
import {
  type GpuKernels,
  loadGpuKernels,
  STEP_WORDS,
  UNIT_WORDS,
} from "../../../src/kernels/webgpu/kernels.ts";
import { noise } from "../../../src/kernels/webgpu/kernel_case.ts";
import { turnTable } from "../../../src/kernels/webgpu/turn_tables.ts";
import { gpuTest, withDevice } from "../../helpers/gpu.ts";

const SHAPE = { headDim: 64, heads: 1, kvHeads: 1, ropeDim: 64 };
const SLOTS = 64;
/** Of a key with its scale, and of a value. */
const WORDS = 17;
const FAR = [1, 255, 4096, 70_001, 2 ** 30 + 12_345, -3, -900_000];

/** Slots on a device that are written as one turn of a dialogue, or moved. */
class Slots {
  readonly #gpu: GpuBuffers;
  readonly #kernels: GpuKernels;
  readonly #turns: GPUBuffer;
  readonly #bytes = SLOTS * WORDS * 4;

  constructor(device: GPUDevice, kernels: GpuKernels) {
    const frequencies = Float64Array.from(
      { length: 32 },
      (_, i) => 10_000 ** (-i / 32),
    );
    this.#gpu = new GpuBuffers(device);
    this.#kernels = kernels;
    this.#turns = this.#gpu.storageOf(turnTable(frequencies), "turns");
  }

  #buffer(): GPUBuffer {
    return this.#gpu.storage(this.#bytes, "slots");
  }

  /** Keys of noise, the first of which is seen at `next`. */
  append(next: number): GPUBuffer {
    const keys = this.#buffer();
    const unit = new Int32Array(UNIT_WORDS);
    unit[2] = next;
    const step = new Int32Array(STEP_WORDS);
    step[0] = SLOTS;
    const vectors = this.#gpu.storageOf(noise(3, SLOTS * 64), "vectors");
    const uniform = (words: Int32Array<ArrayBuffer>, bytes: number) => {
      const buffer = this.#gpu.uniform(bytes, "uniform");
      this.#gpu.write(buffer, words);
      return buffer;
    };
    this.#run((pass) =>
      this.#kernels.append.bind({
        0: uniform(new Int32Array(1), LAYER_STRIDE),
        1: uniform(step, STEP_WORDS * 4),
        2: this.#gpu.storageOf(unit, "unit"),
        3: this.#turns,
        7: keys,
        8: this.#buffer(),
        9: this.#gpu.storage(SLOTS * 4, "biases"),
        12: vectors,
        13: vectors,
      }).dispatch(pass, 1, SLOTS, 0)
    );
    return keys;
  }

  /** The same keys, all seen `by` positions later than slot i at `first` + i. */
  move(keys: GPUBuffer, first: number, by: number): GPUBuffer {
    const moved = this.#buffer();
    const entries = Array.from(
      { length: SLOTS },
      (_, i) => [i, first + i, first + i + by, -1],
    );
    const plan = Int32Array.from([SLOTS, 0, entries, 0].flat(2));
    this.#run((pass) =>
      this.#kernels.gather.bind({
        3: this.#turns,
        5: keys,
        6: this.#buffer(),
        7: moved,
        8: this.#buffer(),
        14: this.#gpu.storageOf(plan, "plan"),
      }).dispatch(pass, SLOTS)
    );
    return moved;
  }

  #run(dispatch: (pass: GPUComputePassEncoder) => void): void {
    const { device } = this.#gpu;
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    dispatch(pass);
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  async read(keys: GPUBuffer): Promise<Uint8Array> {
    const staging = this.#gpu.staging(this.#bytes, "out");
    const floats = await this.#gpu.download(keys, staging, this.#bytes);
    return new Uint8Array(floats.buffer);
  }
}

gpuTest(
  "append and gather turn keys in 8 bits to the same bytes, and gather back to those that were there",
  async () => {
    await withDevice(async (device) => {
      const kernels = await loadGpuKernels(device, SHAPE, "int8", "f32");
      const slots = new Slots(device, kernels);
      const near = slots.append(0);
      const before = await slots.read(near);
      for (const by of FAR) {
        const moved = slots.move(near, 0, by);
        const bytes = await slots.read(moved);
        assertNotEquals(bytes, before);
        assertEquals(bytes, await slots.read(slots.append(by)), `${by}`);
        const back = await slots.read(slots.move(moved, by, -by));
        assertEquals(back, before, `${by}`);
      }
    });
  },
);
