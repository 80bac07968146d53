/**
 * A dialogue on the device as bytes, and back: through an image of its buffers in the process' memory.
 *
 * @module
 */
import type { SlotTable } from "../../cache/slots.ts";
import { GPU_STORES, slotWords } from "../../kernels/webgpu/gpu_stores.ts";
import {
  exportState,
  importState,
  type SavedCache,
  type SavedMemory,
} from "../saved_state.ts";
import type { GpuKvCache } from "./kv_cache.ts";

/** See `exportState` of `saved_state.ts`. */
export async function exportGpuState(
  { slots, buffers }: GpuKvCache,
): Promise<Uint8Array<ArrayBuffer>> {
  const image = new CacheImage(slots);
  const { keys, values, attention } = buffers!;
  for (const [part, buffer] of [keys, values, attention].entries()) {
    image.parts[part].set(
      (await buffers!.download(buffer)).subarray(0, image.parts[part].length),
    );
  }
  return exportState(image, image);
}

/** See `importState` of `saved_state.ts`. */
export function importGpuState(
  { slots, buffers, corrected }: GpuKvCache,
  state: Uint8Array<ArrayBuffer>,
): void {
  const image = new CacheImage(slots);
  importState(image, image, state);
  const { keys, values, attention, gpu } = buffers!;
  for (const [part, buffer] of [keys, values, attention].entries()) {
    gpu.write(buffer, image.parts[part]);
  }
  if (slots.layout.biased) buffers!.writeBiases(slots);
  buffers!.writeUnits(slots, corrected);
}

/** The buffers of a dialogue side by side: keys, values, attention. */
class CacheImage implements SavedCache, SavedMemory {
  readonly slots: SlotTable;
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly f32: Float32Array<ArrayBuffer>;
  readonly store: SavedCache["store"];
  readonly attention: number;
  /** The device's biases follow from the slots' masses. */
  readonly biases = 0;
  readonly parts: readonly Float32Array<ArrayBuffer>[];

  constructor(slots: SlotTable) {
    const { headDim, offsets, observed, store } = slots.layout;
    const count = offsets[offsets.length - 1];
    const { key, value } = slotWords(GPU_STORES[store], headDim);
    const values = count * key, attention = values + count * value;
    this.slots = slots;
    this.f32 = new Float32Array(attention + count);
    this.u8 = new Uint8Array(this.f32.buffer);
    // A record is what the planes of other runtimes have of a slot, in their order.
    this.store = {
      planes: [
        { pointer: 0, bytes: key * 4 },
        { pointer: values * 4, bytes: value * 4 },
      ],
    };
    this.attention = observed ? attention * 4 : 0;
    this.parts = [
      this.f32.subarray(0, values),
      this.f32.subarray(values, attention),
      this.f32.subarray(attention),
    ];
  }

  /** Nothing to do: an image begins with zeros. */
  forgetAttention(): void {}
}
