/**
 * A dialogue on the device as bytes, and back: through an image of its buffers in the process' memory.
 *
 * @module
 */
import type { SlotTable } from "../../cache/slots.ts";
import { GPU_STORES, slotParts } from "../../kernels/webgpu/gpu_stores.ts";
import {
  exportState,
  importState,
  type SavedCache,
  type SavedMemory,
} from "../saved_state.ts";
import type { GpuKvCache } from "./kv_cache.ts";
import type { SlotBuffers } from "./slot_buffers.ts";

/** See `exportState` of `saved_state.ts`. */
export async function exportGpuState(
  { slots, buffers }: GpuKvCache,
  spent?: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const image = new CacheImage(slots);
  for (const [buffer, planes] of image.contents(buffers!)) {
    const { buffer: records } = await buffers!.download(buffer);
    image.copy(new Int32Array(records), planes, "apart");
  }
  return exportState(image, image, spent);
}

/** See `importState` of `saved_state.ts`. */
export function importGpuState(
  { slots, buffers, corrected }: GpuKvCache,
  state: Uint8Array<ArrayBuffer>,
): void {
  const image = new CacheImage(slots);
  importState(image, image, state);
  for (const [buffer, planes] of image.contents(buffers!)) {
    const records = new Int32Array(buffer.size / 4);
    image.copy(records, planes, "together");
    buffers!.gpu.write(buffer, records);
  }
  if (slots.layout.biased) buffers!.writeBiases(slots);
  buffers!.writeUnits(slots, corrected);
}

/** An array over slots in an image: where it begins, and how much a slot has there, in 32-bit words. */
interface Plane {
  readonly start: number;
  readonly words: number;
}

/** What a dialogue has on the device, in planes as the other runtimes have them, side by side. */
class CacheImage implements SavedCache, SavedMemory {
  readonly slots: SlotTable;
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly f32: Float32Array<ArrayBuffer>;
  readonly store: SavedCache["store"];
  readonly attention: number;
  /** The device's biases follow from the slots' masses. */
  readonly biases = 0;
  readonly #words: Int32Array<ArrayBuffer>;
  /** Slots, live or not. */
  readonly #count: number;
  readonly #keys: readonly Plane[];
  readonly #values: readonly Plane[];
  readonly #attention: Plane;

  constructor(slots: SlotTable) {
    const { headDim, offsets, observed, store } = slots.layout;
    const count = offsets[offsets.length - 1];
    let end = 0;
    const plane = (words: number): Plane => {
      const start = end;
      end += count * words;
      return { start, words };
    };
    const { key, value } = slotParts(GPU_STORES[store], headDim);
    this.#keys = key.map(plane);
    this.#values = value.map(plane);
    this.#attention = plane(1);
    this.slots = slots;
    this.#count = count;
    this.#words = new Int32Array(end);
    this.u8 = new Uint8Array(this.#words.buffer);
    this.f32 = new Float32Array(this.#words.buffer);
    this.store = {
      planes: [...this.#keys, ...this.#values]
        .map(({ start, words }) => ({ pointer: start * 4, bytes: words * 4 })),
    };
    this.attention = observed ? this.#attention.start * 4 : 0;
  }

  /** Buffers of records, and the planes that these are made of. */
  contents(
    { keys, values, attention }: SlotBuffers,
  ): [GPUBuffer, readonly Plane[]][] {
    const rest = [this.#attention];
    return [[keys, this.#keys], [values, this.#values], [attention, rest]];
  }

  /** Takes the records of all slots apart into planes, or puts them together. */
  copy(
    records: Int32Array,
    planes: readonly Plane[],
    way: "apart" | "together",
  ): void {
    const image = this.#words;
    const size = planes.reduce((sum, { words }) => sum + words, 0);
    let first = 0;
    for (const { start, words } of planes) {
      for (let slot = 0; slot < this.#count; slot++) {
        const there = slot * size + first, here = start + slot * words;
        for (let i = 0; i < words; i++) {
          if (way === "apart") image[here + i] = records[there + i];
          else records[there + i] = image[here + i];
        }
      }
      first += words;
    }
  }

  /** Nothing to do: an image begins with zeros. */
  forgetAttention(): void {}
}
