/**
 * Carries out plans on the device.
 *
 * @module
 */
import type { Plan } from "../../cache/plan.ts";
import type { SlotTable } from "../../cache/slots.ts";
import type { BoundKernel } from "../../kernels/webgpu/kernel.ts";
import { NOTHING } from "../../kernels/webgpu/kernels.ts";
import type { GpuKvCache } from "./kv_cache.ts";
import type { SlotSource } from "./slot_buffers.ts";

/** What compactions of one dialogue work with. */
export class Compactor {
  /** As `SlotBuffers.keys` and `values`: where the new slots are put together. */
  readonly #keys: GPUBuffer;
  readonly #values: GPUBuffer;
  readonly #source: SlotSource;
  readonly #slots: number;
  /** What `gather.wgsl` reads, of which `#used` words are in use. */
  #words!: Int32Array<ArrayBuffer>;
  #floats!: Float32Array;
  #plan!: GPUBuffer;
  #gather!: BoundKernel;
  #used = 0;

  constructor(source: SlotSource, slots: number) {
    const { gpu, keys, values } = source.buffers;
    this.#source = source;
    this.#slots = slots;
    this.#keys = gpu.storage(keys.size, "new keys");
    this.#values = gpu.storage(values.size, "new values");
    // Enough for plans that mix each slot into one other, or let it join one.
    this.#reserve(3 + 8 * slots);
  }

  /** Makes room for plans of so many words. */
  #reserve(words: number): void {
    const { buffers, kernels, turns } = this.#source;
    const { gpu, keys, values } = buffers;
    this.#words = new Int32Array(words);
    this.#floats = new Float32Array(this.#words.buffer);
    this.#plan = gpu.storage(words * 4, "plan");
    this.#gather = kernels.gather.bind({
      3: turns,
      5: keys,
      6: values,
      7: this.#keys,
      8: this.#values,
      14: this.#plan,
    });
  }

  /** Moves, mixes and turns keys and values as `plan` says, then updates the table of slots. */
  apply({ slots, corrected }: GpuKvCache, plan: Plan): void {
    const { buffers } = this.#source;
    const isChange = this.#writePlan(slots, plan);
    const encoder = buffers.gpu.device.createCommandEncoder();
    if (isChange) {
      const pass = encoder.beginComputePass();
      this.#gather.dispatchAll(pass, this.#slots);
      pass.end();
      const { keys, values } = buffers;
      encoder.copyBufferToBuffer(this.#keys, 0, keys, 0, keys.size);
      encoder.copyBufferToBuffer(this.#values, 0, values, 0, values.size);
    }
    encoder.clearBuffer(buffers.attention);
    buffers.gpu.device.queue.submit([encoder.finish()]);
    slots.apply(plan);
    if (slots.layout.biased) buffers.writeBiases(slots);
    buffers.writeUnits(slots, corrected);
  }

  /** Whether the plan changes anything in the buffers; it is on the device then. */
  #writePlan(slots: SlotTable, plan: Plan): boolean {
    const all = plan.rowStart[plan.rows];
    const members = this.#begin(this.#slots, plan.rows, all);
    const words = this.#words;
    words.set(
      plan.rowStart.subarray(0, plan.rows + 1),
      members - plan.rows - 1,
    );
    let isChange = false;
    for (let unit = 0; unit < plan.count.length; unit++) {
      const start = plan.offsets[unit], before = slots.offsets[unit];
      for (let i = start; i < start + plan.count[unit]; i++) {
        const source = plan.source[i], row = plan.valueRow[i];
        const after = plan.position[i];
        if (source < 0) this.#place(i, source, 0, after, row);
        else {
          const old = before + source;
          this.#place(i, old, slots.position[old], after, row);
          isChange ||= old !== i || slots.position[old] !== after;
        }
        if (row < 0) continue;
        this.#writeRow(slots, plan, row, before, members);
        isChange = true;
      }
    }
    if (isChange) this.#upload();
    return isChange;
  }

  /** Writes the members of a row; `before` is the first old slot of its unit. */
  #writeRow(
    { position }: SlotTable,
    plan: Plan,
    row: number,
    before: number,
    members: number,
  ): void {
    for (let m = plan.rowStart[row]; m < plan.rowStart[row + 1]; m++) {
      const old = before + plan.member[m];
      const word = members + 3 * m;
      this.#words[word] = old;
      this.#words[word + 1] = position[old];
      this.#floats[word + 2] = plan.weight[m];
    }
  }

  /** Begins a plan of so many new slots, rows and members, in which no slot is filled; gives the place of the first member. */
  #begin(slots: number, rows: number, members: number): number {
    const first = 3 + 4 * slots + rows;
    this.#used = first + 3 * members;
    if (this.#used > this.#words.length) this.#reserve(this.#used * 2);
    this.#words[0] = slots;
    this.#words[1] = rows;
    for (let slot = 0; slot < slots; slot++) {
      this.#place(slot, NOTHING, 0, 0, -1);
    }
    return first;
  }

  #place(
    slot: number,
    source: number,
    before: number,
    after: number,
    valueRow: number,
  ): void {
    const at = 2 + 4 * slot;
    this.#words[at] = source;
    this.#words[at + 1] = before;
    this.#words[at + 2] = after;
    this.#words[at + 3] = valueRow;
  }

  #upload(): void {
    const { gpu } = this.#source.buffers;
    gpu.write(this.#plan, this.#words.subarray(0, this.#used));
  }
}
