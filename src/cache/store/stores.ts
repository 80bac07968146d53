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
  /** What headDim must be a multiple of. */
  readonly multiple: number;
  /** Bytes of a slot in the form that attention reads, where that is made anew for each unit. */
  spreadBytes(headDim: number): number;
}

/** Every store that a dialogue can choose; a runtime may have fewer. */
export const STORES = {
  f32: {
    summary: "Exact.",
    bytes: (headDim: number) => headDim * 8,
    multiple: 4,
    spreadBytes: () => 0,
  },
  int8: {
    summary: "Keys and values in 8 bits.",
    bytes: (headDim: number) => headDim * 2 + 8,
    multiple: 16,
    spreadBytes: () => 0,
  },
  k8v4: {
    summary: "Keys in 8 bits, values in 4 behind a Hadamard transform.",
    bytes: (headDim: number) => headDim * 1.5 + 8,
    multiple: 32,
    spreadBytes: (headDim: number) => headDim,
  },
  int4: {
    summary: "Keys and values in 4 bits behind a Hadamard transform.",
    bytes: (headDim: number) => headDim + 12,
    multiple: 32,
    spreadBytes: (headDim: number) => headDim * 2 + 8,
  },
} satisfies Record<string, Store>;

/**
 * @throws {RangeError} If heads of this size cannot be held so.
 */
export function checkStore(store: StoreName, headDim: number): void {
  const { multiple } = STORES[store];
  if (headDim % multiple === 0) return;
  throw new RangeError(
    `Cannot hold slots in ${store}: headDim is ${headDim}, expected a multiple of ${multiple}`,
  );
}

/** The store where nobody names one: what int8 cannot hold, f32 can. */
export function defaultStore(headDim: number): StoreName {
  return headDim % STORES.int8.multiple === 0 ? "int8" : "f32";
}

/** The name of a store. */
export type StoreName = keyof typeof STORES;

/** All names, in the order of the list. */
export const STORE_NAMES = Object.keys(STORES) as StoreName[];
