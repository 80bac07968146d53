/**
 * @module
 */
import type { Attention } from "../../kernels/kernels.ts";
import type {
  SlotPlane,
  SlotStore,
  SlotTools,
  TurnedKeys,
} from "./slot_store.ts";

/** Slots in full precision. A key is held rotated to its position, and turned by the difference when that changes. */
export class F32Store implements SlotStore {
  readonly planes: readonly SlotPlane[];
  readonly #tools: SlotTools;
  /** [slot, headDim] */
  readonly #keys: number;
  readonly #values: number;
  /** Of one vector. */
  readonly #bytes: number;

  constructor(tools: SlotTools, slots: number) {
    const bytes = tools.config.headDim * 4;
    this.#tools = tools;
    this.#bytes = bytes;
    this.#keys = tools.memory.allocate(slots * bytes);
    this.#values = tools.memory.allocate(slots * bytes);
    this.planes = [
      { pointer: this.#keys, bytes },
      { pointer: this.#values, bytes },
    ];
  }

  write(
    slot: number,
    key: number,
    value: number,
    position: number,
    stride = 0,
    count = 1,
  ): void {
    const { kernels, config } = this.#tools;
    const { headDim } = config;
    const at = slot * this.#bytes;
    kernels.copy(key, stride, this.#keys + at, count, headDim);
    kernels.copy(value, stride, this.#values + at, count, headDim);
    this.#rotate(this.#keys + at, position, count);
  }

  writeValue(slot: number, value: number): void {
    const { kernels, config } = this.#tools;
    const at = this.#values + slot * this.#bytes;
    kernels.copy(value, 0, at, 1, config.headDim);
  }

  readKey(slot: number, position: number, to: number): void {
    const from = this.#keys + slot * this.#bytes;
    this.#tools.memory.u8.copyWithin(to, from, from + this.#bytes);
    this.#rotate(to, -position);
  }

  turnedKeys(first: number): TurnedKeys {
    return { pointer: this.#keys + first * this.#bytes, isBytes: false };
  }

  readValue(slot: number, to: number): void {
    const from = this.#values + slot * this.#bytes;
    this.#tools.memory.u8.copyWithin(to, from, from + this.#bytes);
  }

  turn(slot: number, from: number, to: number): void {
    if (from === to) return;
    this.#rotate(this.#keys + slot * this.#bytes, to - from);
  }

  /** Turns keys: one by `position`, and where there are more, those behind it each by one more. */
  #rotate(from: number, position: number, keys = 1): void {
    const { kernels, rope, config } = this.#tools;
    const { headDim, ropeDim } = config;
    const bytes = this.#bytes;
    for (let key = 0; key < keys;) {
      const some = rope.span(position + key, keys - key);
      const rows = rope.rowsOf(position + key, some);
      const at = from + key * bytes;
      kernels.rotate(at, bytes, rows, some, 1, headDim, ropeDim);
      key += some;
    }
  }

  get form(): SlotStore["form"] {
    return { vector: this.#bytes, scale: 0 };
  }

  point(attention: Attention, first: number, _count: number): void {
    attention.keys = this.#keys + first * this.#bytes;
    attention.values = this.#values + first * this.#bytes;
  }

  run(attention: Attention): void {
    this.#tools.kernels.attend(attention);
  }
}
