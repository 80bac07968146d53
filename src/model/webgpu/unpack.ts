/**
 * Slots in f32, whatever the store.
 *
 * @module
 */
import type { BoundKernel } from "../../kernels/webgpu/kernel.ts";
import { NOTHING } from "../../kernels/webgpu/kernels.ts";
import type { SlotBuffers, SlotSource } from "./slot_buffers.ts";

/** Says that vector `index` is that of slot `slot`, an index in the arrays over slots, which is seen at `position`. */
export type NameSlot = (index: number, slot: number, position: number) => void;

/** What is wanted of slots: keys as they came, keys as they are seen, or keys as they came and values. */
export type Unpacked = "keys" | "turnedKeys" | "both";

/** Unpacks keys, and values if they are wanted, into buffers of its own. */
export class SlotUnpacker {
  /** Most vectors. */
  readonly room: number;
  /** [room, headDim] */
  readonly keys: GPUBuffer;
  /** The same, or null. */
  readonly values: GPUBuffer | null;
  readonly #buffers: SlotBuffers;
  /** What `unpack.wgsl` reads. */
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #wanted: GPUBuffer;
  readonly #unpack: readonly BoundKernel[];

  constructor(source: SlotSource, room: number, what: Unpacked) {
    const { buffers, kernels, turns, headDim } = source;
    const { gpu, keys, values } = buffers;
    const bytes = room * headDim * 4;
    this.room = room;
    this.#buffers = buffers;
    this.#words = new Int32Array(1 + 2 * room);
    this.#wanted = gpu.storage(this.#words.byteLength, "wanted slots");
    this.keys = gpu.storage(bytes, "unpacked keys");
    this.values = what === "both"
      ? gpu.storage(bytes, "unpacked values")
      : null;
    const { unpackKeys, unpackTurned, unpackValues } = kernels;
    const forKeys = what === "turnedKeys" ? unpackTurned : unpackKeys;
    const wanted = { 14: this.#wanted };
    this.#unpack = [
      forKeys.bind({ 3: turns, 5: keys, ...wanted, 15: this.keys }),
      ...this.values
        ? [unpackValues.bind({ 6: values, ...wanted, 15: this.values })]
        : [],
    ];
  }

  /**
   * Unpacks `count` vectors, at most `room`.
   *
   * @param list Names their slots; those that it does not name stay what they were.
   */
  run(count: number, list: (name: NameSlot) => void): void {
    if (count === 0) return;
    const words = this.#words;
    words[0] = count;
    words.fill(NOTHING, 1, 1 + 2 * count);
    list((index, slot, position) => {
      words[1 + 2 * index] = slot;
      words[2 + 2 * index] = position;
    });
    const { gpu } = this.#buffers;
    gpu.write(this.#wanted, words.subarray(0, 1 + 2 * count));
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const kernel of this.#unpack) kernel.dispatchAll(pass, count);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
  }
}
