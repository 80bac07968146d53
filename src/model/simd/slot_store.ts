/**
 * Keys and values of slots in linear memory, whatever their precision.
 *
 * @module
 */
import type { Attention, Kernels } from "../../kernels/kernels.ts";
import type { LinearMemory } from "../../kernels/memory.ts";
import type { ModelConfig } from "../config.ts";
import type { RopeTable } from "./rope_table.ts";

/** What stores and compactions work with. */
export interface SlotTools {
  readonly memory: LinearMemory;
  readonly kernels: Kernels;
  readonly rope: RopeTable;
  readonly config: ModelConfig;
}

/** Attention over 8 bits reads values eight slots at a time, and so up to so many too far. */
export const VALUES_BEHIND = 7;

/** An array over all slots of a dialogue. */
export interface SlotPlane {
  readonly pointer: number;
  /** Bytes of one slot, a multiple of 4. */
  readonly bytes: number;
}

/** Keys that lie side by side. */
export interface TurnedKeys {
  readonly pointer: number;
  /** Whether they are int8; else f32. */
  readonly isBytes: boolean;
}

/** The slots of one dialogue. Vectors are [headDim] f32 at pointers; slots are indices in the arrays over all slots. */
export interface SlotStore {
  /** Everything that must move when a slot moves. */
  readonly planes: readonly SlotPlane[];
  /**
   * Fills a slot; or `count` of them from `slot` on with vectors that are `stride` bytes apart, the first of which is seen at
   * `position`. Keys are not rotated; both may be changed.
   */
  write(
    slot: number,
    key: number,
    value: number,
    position: number,
    stride?: number,
    count?: number,
  ): void;
  /** Reads a key, turned back from `position`. */
  readKey(slot: number, position: number, to: number): void;
  /**
   * Finds the keys of `count` slots from `first` on, as they are seen, each up to a positive factor.
   *
   * @param scratch Gives a pointer to so many bytes.
   */
  turnedKeys(
    first: number,
    count: number,
    scratch: (bytes: number) => number,
  ): TurnedKeys;
  readValue(slot: number, to: number): void;
  /** Puts another value in a slot; it may be changed. */
  writeValue(slot: number, value: number): void;
  /** Makes a key that is seen at `from` seen at `to`. */
  turn(slot: number, from: number, to: number): void;
  /** Fills in where attention finds `count` slots from `first` on; valid for the next calls of `run`. */
  point(attention: Attention, first: number, count: number): void;
  /** Attention over slots in the form that `point` gave. */
  run(attention: Attention): void;
  /** Bytes of a key and of a value in that form, and of the scale that each has. */
  readonly form: { readonly vector: number; readonly scale: number };
}
