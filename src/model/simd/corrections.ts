/**
 * @module
 */
import type { CorrectedAttention } from "../../cache/corrections.ts";
import type { SlotTable } from "../../cache/slots.ts";
import type { Attention } from "../../kernels/kernels.ts";
import type { LinearMemory } from "../../kernels/memory.ts";
import type { ModelConfig } from "../config.ts";

/** The corrections of one dialogue's attention in linear memory; see `Corrections`. */
export class SimdCorrections {
  readonly #memory: LinearMemory;
  readonly #corrected: CorrectedAttention;
  /** Query heads of a unit. */
  readonly #group: number;
  /** [unit, group, 3] f32: threads may attend in several units at a time. */
  readonly #lift: number;
  /** Pointers to [unit, group · headDim] f32. */
  readonly #gain: number;
  readonly #offset: number;
  /** Bytes of a unit's part of them. */
  readonly #bytes: number;

  constructor(
    memory: LinearMemory,
    config: ModelConfig,
    corrected: CorrectedAttention,
  ) {
    const { heads, kvHeads, headDim } = config;
    const { gain, offset } = corrected.corrections;
    this.#memory = memory;
    this.#corrected = corrected;
    this.#group = heads / kvHeads;
    this.#bytes = this.#group * headDim * 4;
    this.#lift = memory.allocate(gain.length / headDim * 12);
    this.#gain = memory.allocate(gain.byteLength);
    this.#offset = memory.allocate(offset.byteLength);
    memory.f32.set(gain, this.#gain / 4);
    memory.f32.set(offset, this.#offset / 4);
  }

  /** Lets `attention` lift the logits of the unit's heads by what is right for the evicted share. */
  aim(
    attention: Attention,
    slots: SlotTable,
    unit: number,
    share: number,
  ): void {
    const { corrections, sinks, window } = this.#corrected;
    const { stretch, sink, chosen } = corrections;
    const { f32 } = this.#memory;
    const lift = this.#lift + unit * this.#group * 12;
    let at = lift / 4;
    for (let i = 0; i < this.#group; i++) {
      const head = unit * this.#group + i;
      f32[at++] = 1 + share * stretch[head];
      f32[at++] = share * sink[head];
      f32[at++] = share * chosen[head];
    }
    attention.lift = lift;
    attention.liftFrom = sinks;
    attention.liftTo = slots.live[unit] - slots.pending - window;
  }

  /** Pointers to the unit's [group · headDim] gains and offsets. */
  gain(unit: number): number {
    return this.#gain + unit * this.#bytes;
  }
  offset(unit: number): number {
    return this.#offset + unit * this.#bytes;
  }

  dispose(): void {
    for (const pointer of [this.#lift, this.#gain, this.#offset]) {
      this.#memory.free(pointer);
    }
  }
}
