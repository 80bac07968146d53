/**
 * The types of values in a GGUF file's metadata, by their codes.
 *
 * @module
 */

/** A value that takes the same bytes whatever it is. */
export interface FixedType {
  readonly bytes: number;
  /** Reads one, little-endian. */
  read(view: DataView, at: number): number | bigint | boolean;
}

export const INT32 = 5;
export const STRING = 8;
export const ARRAY = 9;

/** All types but {@link STRING} and {@link ARRAY}. */
export const FIXED_TYPES: ReadonlyMap<number, FixedType> = new Map(
  [
    [0, { bytes: 1, read: (view, at) => view.getUint8(at) }],
    [1, { bytes: 1, read: (view, at) => view.getInt8(at) }],
    [2, { bytes: 2, read: (view, at) => view.getUint16(at, true) }],
    [3, { bytes: 2, read: (view, at) => view.getInt16(at, true) }],
    [4, { bytes: 4, read: (view, at) => view.getUint32(at, true) }],
    [INT32, { bytes: 4, read: (view, at) => view.getInt32(at, true) }],
    [6, { bytes: 4, read: (view, at) => view.getFloat32(at, true) }],
    [7, { bytes: 1, read: (view, at) => view.getUint8(at) !== 0 }],
    [10, { bytes: 8, read: (view, at) => view.getBigUint64(at, true) }],
    [11, { bytes: 8, read: (view, at) => view.getBigInt64(at, true) }],
    [12, { bytes: 8, read: (view, at) => view.getFloat64(at, true) }],
  ] satisfies [number, FixedType][],
);
