/**
 * Slots in few bits, over which attention works in whole numbers.
 *
 * @module
 */
import type { Attention } from "../../kernels/kernels.ts";
import type {
  SlotPlane,
  SlotStore,
  SlotTools,
  TurnedKeys,
} from "./slot_store.ts";

/** The keys of all slots. */
export interface KeySlots {
  readonly planes: readonly SlotPlane[];
  /** As {@link SlotStore.write}. */
  write(
    slot: number,
    key: number,
    position: number,
    stride: number,
    count: number,
  ): void;
  read(slot: number, position: number, to: number): void;
  /** As {@link SlotStore.turnedKeys}. */
  turned(
    first: number,
    count: number,
    scratch: (bytes: number) => number,
  ): TurnedKeys;
  turn(slot: number, from: number, to: number): void;
  /** Fills in where attention finds the keys of `count` slots from `first` on, in 8 bits. */
  point(attention: Attention, first: number, count: number): void;
}

/** The values of all slots. */
export interface ValueSlots {
  readonly planes: readonly SlotPlane[];
  /** As {@link SlotStore.write}. */
  write(slot: number, value: number, stride: number, count: number): void;
  read(slot: number, to: number): void;
  /** As {@link KeySlots.point}. */
  point(attention: Attention, first: number, count: number): void;
  /** Makes the mixtures of values that attention gave what they stand for. */
  finish(attention: Attention): void;
}

/** Keys in one form and values in another. */
export class QuantizedStore implements SlotStore {
  readonly planes: readonly SlotPlane[];
  readonly #tools: SlotTools;
  readonly #keys: KeySlots;
  readonly #values: ValueSlots;

  constructor(tools: SlotTools, keys: KeySlots, values: ValueSlots) {
    this.planes = [...keys.planes, ...values.planes];
    this.#tools = tools;
    this.#keys = keys;
    this.#values = values;
  }

  write(
    slot: number,
    key: number,
    value: number,
    position: number,
    stride = 0,
    count = 1,
  ): void {
    this.#keys.write(slot, key, position, stride, count);
    this.#values.write(slot, value, stride, count);
  }

  readKey(slot: number, position: number, to: number): void {
    this.#keys.read(slot, position, to);
  }

  turnedKeys(
    first: number,
    count: number,
    scratch: (bytes: number) => number,
  ): TurnedKeys {
    return this.#keys.turned(first, count, scratch);
  }

  readValue(slot: number, to: number): void {
    this.#values.read(slot, to);
  }

  writeValue(slot: number, value: number): void {
    this.#values.write(slot, value, 0, 1);
  }

  turn(slot: number, from: number, to: number): void {
    this.#keys.turn(slot, from, to);
  }

  get form(): SlotStore["form"] {
    return { vector: this.#tools.config.headDim, scale: 4 };
  }

  point(attention: Attention, first: number, count: number): void {
    this.#keys.point(attention, first, count);
    this.#values.point(attention, first, count);
  }

  run(attention: Attention): void {
    this.#tools.kernels.attendInt8(attention);
    this.#values.finish(attention);
  }
}
