/**
 * Carries out plans on the device.
 *
 * @module
 */
import type { SlotConvolution } from "../../cache/convolution.ts";
import type { Plan } from "../../cache/plan.ts";
import type { SlotTable } from "../../cache/slots.ts";
import type { BoundKernel } from "../../kernels/webgpu/kernel.ts";
import { NOTHING } from "../../kernels/webgpu/kernels.ts";
import type { GpuKvCache } from "./kv_cache.ts";
import type { SlotBuffers, SlotTools } from "./slot_buffers.ts";

/** Most workgroups of a dispatch in one dimension. */
const MOST_GROUPS = 65_535;

/** What compactions of one dialogue work with. */
export class Compactor {
  /** As `SlotBuffers.keys` and `values`: where slots are put together. */
  readonly keys: GPUBuffer;
  readonly values: GPUBuffer;
  readonly #tools: SlotTools;
  readonly #buffers: SlotBuffers;
  readonly #slots: number;
  /** What `gather.wgsl` reads, of which `#used` words are in use. */
  #words!: Int32Array<ArrayBuffer>;
  #floats!: Float32Array;
  #plan!: GPUBuffer;
  #gather!: BoundKernel;
  #used = 0;

  constructor(tools: SlotTools, buffers: SlotBuffers, slots: number) {
    const { gpu, keys, values } = buffers;
    this.#tools = tools;
    this.#buffers = buffers;
    this.#slots = slots;
    this.keys = gpu.storage(keys.size, "new keys");
    this.values = gpu.storage(values.size, "new values");
    // Enough for plans that mix each slot into one other.
    this.#reserve(3 + 6 * slots);
  }

  /** Makes room for plans of so many words. */
  #reserve(words: number): void {
    const { kernels, workspace } = this.#tools;
    const { gpu, keys, values } = this.#buffers;
    this.#words = new Int32Array(words);
    this.#floats = new Float32Array(this.#words.buffer);
    this.#plan = gpu.storage(words * 4, "plan");
    this.#gather = kernels.gather.bind({
      3: workspace.angles,
      4: this.#plan,
      5: keys,
      6: values,
      7: this.keys,
      8: this.values,
    });
  }

  /** Moves, mixes and turns keys and values as `plan` says, then updates the table of slots. */
  apply({ slots, corrected }: GpuKvCache, plan: Plan): void {
    const buffers = this.#buffers;
    const isChange = this.#writePlan(slots, plan);
    const encoder = buffers.gpu.device.createCommandEncoder();
    if (isChange) {
      this.#dispatch(encoder, this.#slots);
      for (
        const [made, kept] of [[this.keys, buffers.keys], [
          this.values,
          buffers.values,
        ]]
      ) {
        encoder.copyBufferToBuffer(made, 0, kept, 0, kept.size);
      }
    }
    encoder.clearBuffer(buffers.attention);
    buffers.gpu.device.queue.submit([encoder.finish()]);
    slots.apply(plan);
    if (slots.layout.biased) buffers.writeBiases(slots);
    buffers.writeUnits(slots, corrected);
  }

  /**
   * Puts keys, turned back, into `keys`: of all live slots in their places, or of those that the last block added side by
   * side, unit after unit.
   *
   * @returns Slots of which `keys` holds them, from the first.
   */
  turnBack(slots: SlotTable, onlyFresh: boolean): number {
    const { offsets, live, position, pending } = slots;
    const count = onlyFresh ? live.length * pending : this.#slots;
    if (count === 0) return 0;
    this.#begin(count, 0, 0);
    for (let unit = 0; unit < live.length; unit++) {
      const end = offsets[unit] + live[unit];
      const start = onlyFresh ? end - pending : offsets[unit];
      const to = onlyFresh ? unit * pending : start;
      for (let i = start; i < end; i++) {
        this.#place(to + i - start, i, -position[i]);
      }
    }
    this.#put(count);
    return count;
  }

  /** Puts keys, turned back, and values of some slots side by side, unit after unit. */
  collect(
    { offsets, position }: SlotTable,
    wanted: readonly Pick<SlotConvolution, "unit" | "slots">[],
  ): void {
    const count = wanted.reduce((sum, { slots }) => sum + slots.length, 0);
    this.#begin(count, 0, 0);
    let to = 0;
    for (const { unit, slots } of wanted) {
      for (const slot of slots) {
        const at = offsets[unit] + slot;
        this.#place(to++, at, -position[at]);
      }
    }
    this.#put(count);
  }

  /** Fills `count` slots as the words say. */
  #put(count: number): void {
    this.#upload();
    const { device } = this.#buffers.gpu;
    const encoder = device.createCommandEncoder();
    this.#dispatch(encoder, count);
    device.queue.submit([encoder.finish()]);
  }

  /** Fills `count` new slots. */
  #dispatch(encoder: GPUCommandEncoder, count: number): void {
    const pass = encoder.beginComputePass();
    const columns = Math.min(count, MOST_GROUPS);
    this.#gather.dispatch(pass, columns, Math.ceil(count / columns));
    pass.end();
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
        const source = plan.source[i];
        if (source < 0) {
          this.#place(i, source, 0);
          this.#writeRow(slots, plan, i, before, members);
          isChange = true;
        } else {
          const turn = plan.position[i] - slots.position[before + source];
          this.#place(i, before + source, turn);
          isChange ||= before + source !== i || turn !== 0;
        }
      }
    }
    if (isChange) this.#upload();
    return isChange;
  }

  /** Writes the members of the row at new slot `at`; `before` is the first old slot of its unit. */
  #writeRow(
    { position }: SlotTable,
    plan: Plan,
    at: number,
    before: number,
    members: number,
  ): void {
    const row = ~plan.source[at];
    for (let m = plan.rowStart[row]; m < plan.rowStart[row + 1]; m++) {
      const old = before + plan.member[m];
      const word = members + 3 * m;
      this.#words[word] = old;
      this.#words[word + 1] = plan.position[at] - position[old];
      this.#floats[word + 2] = plan.weight[m];
    }
  }

  /** Begins a plan of so many new slots, rows and members, in which no slot is filled; gives the place of the first member. */
  #begin(slots: number, rows: number, members: number): number {
    const first = 3 + 2 * slots + rows;
    this.#used = first + 3 * members;
    if (this.#used > this.#words.length) this.#reserve(this.#used * 2);
    this.#words[0] = slots;
    this.#words[1] = rows;
    for (let slot = 0; slot < slots; slot++) this.#place(slot, NOTHING, 0);
    return first;
  }

  #place(slot: number, source: number, turn: number): void {
    this.#words[2 + 2 * slot] = source;
    this.#words[3 + 2 * slot] = turn;
  }

  #upload(): void {
    this.#buffers.gpu.write(this.#plan, this.#words.subarray(0, this.#used));
  }
}
