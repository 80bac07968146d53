/**
 * In what precision slots are held: the one list of stores.
 *
 * @module
 */

/** How a store holds a slot. */
export interface Store {
  readonly summary: string;
  /** Bytes of a slot's key and value, with everything that belongs to them. */
  bytes(headDim: number): number;
}

/** Every store that a dialogue can choose; a runtime may have fewer. */
export const STORES = {
  f32: {
    summary: "Exact.",
    bytes: (headDim: number) => headDim * 8,
  },
  int8: {
    summary:
      "Keys, keys turned to their position, and values in 8 bits, each with a scale.",
    bytes: (headDim: number) => headDim * 3 + 24,
  },
} satisfies Record<string, Store>;

/** The name of a store. */
export type StoreName = keyof typeof STORES;

/** All names, in the order of the list. */
export const STORE_NAMES = Object.keys(STORES) as StoreName[];
