/**
 * Weights as ONNX Runtime's `MatMulNBits` reads them.
 *
 * That operator knows symmetric blocks of 32: w = scale · (q − 2^(bits − 1)). Q8_0 and Q4_0 are just that. Q4_1 has a real
 * minimum, w = scale · q + least, for which the operator has no exact form on a GPU (its zero points are whole numbers), so it
 * is split: w = scale · (q − 8) + offset with offset = least + 8 · scale, and the offsets become a second, small matrix that
 * multiplies the sums of the input's blocks. Nothing is rounded. F16 is held in f32.
 *
 * @module
 */
import { BLOCK, rowBytes, type RowType } from "../matrix.ts";

/** How a matrix is held on a GPU. */
export interface GpuForm {
  /** Of a weight. */
  readonly bits: 4 | 8 | 32;
  readonly hasOffsets: boolean;
}

/** The form of each encoding of a model file. */
export const GPU_FORMS: Readonly<Record<RowType, GpuForm>> = {
  F32: { bits: 32, hasOffsets: false },
  F16: { bits: 32, hasOffsets: false },
  Q8_0: { bits: 8, hasOffsets: false },
  Q4_0: { bits: 4, hasOffsets: false },
  Q4_1: { bits: 4, hasOffsets: true },
};

/** Rows of a matrix; scales and offsets are empty where the form has none. */
export interface PackedRows {
  /** [rows, columns] of `bits` each, the first in the lowest bits. */
  readonly weights: Uint8Array<ArrayBuffer>;
  /** [rows, columns / BLOCK] */
  readonly scales: Float32Array<ArrayBuffer>;
  /** As `scales`. */
  readonly offsets: Float32Array<ArrayBuffer>;
}

/** Packs rows from their encoding in a model file, in memory of its own. */
export class RowPacker {
  #weights = new Uint8Array(0);
  #scales = new Float32Array(0);
  #offsets = new Float32Array(0);

  /**
   * @param source Whole rows, side by side.
   * @returns Valid until the next call.
   * @throws {RangeError} If a value or scale is no finite number.
   */
  pack(
    type: RowType,
    columns: number,
    source: Uint8Array<ArrayBuffer>,
  ): PackedRows {
    const { bits, hasOffsets } = GPU_FORMS[type];
    const count = source.length / rowBytes(type, columns) * columns;
    const blocks = bits === 32 ? 0 : count / BLOCK;
    this.#reserve(count * bits / 8, blocks);
    const packed = {
      weights: this.#weights.subarray(0, count * bits / 8),
      scales: this.#scales.subarray(0, blocks),
      offsets: this.#offsets.subarray(0, hasOffsets ? blocks : 0),
    };
    const { buffer, byteOffset, length } = source;
    PACKERS[type](new DataView(buffer, byteOffset, length), packed, count);
    for (const values of [packed.scales, packed.offsets]) {
      if (!values.every(Number.isFinite)) throw notFinite();
    }
    return packed;
  }

  #reserve(bytes: number, blocks: number): void {
    if (bytes > this.#weights.length) this.#weights = new Uint8Array(bytes);
    if (blocks > this.#scales.length) {
      this.#scales = new Float32Array(blocks);
      this.#offsets = new Float32Array(blocks);
    }
  }
}

/** Packs `count` values. */
type Packer = (source: DataView, packed: PackedRows, count: number) => void;

const PACKERS: Readonly<Record<RowType, Packer>> = {
  F32(source, { weights }, count) {
    packFloats(weights, count, (i) => source.getFloat32(i * 4, true));
  },
  F16(source, { weights }, count) {
    packFloats(weights, count, (i) => source.getFloat16(i * 2, true));
  },
  Q8_0(source, { weights, scales }) {
    for (let b = 0; b < scales.length; b++) {
      scales[b] = source.getFloat16(b * 34, true);
      for (let i = 0; i < BLOCK; i++) {
        weights[b * BLOCK + i] = source.getInt8(b * 34 + 2 + i) + 128;
      }
    }
  },
  Q4_0(source, { weights, scales }) {
    for (let b = 0; b < scales.length; b++) {
      scales[b] = source.getFloat16(b * 18, true);
      packNibbles(source, b * 18 + 2, weights, b * 16);
    }
  },
  Q4_1(source, { weights, scales, offsets }) {
    for (let b = 0; b < scales.length; b++) {
      scales[b] = source.getFloat16(b * 20, true);
      offsets[b] = source.getFloat16(b * 20 + 2, true) + 8 * scales[b];
      packNibbles(source, b * 20 + 4, weights, b * 16);
    }
  },
};

function packFloats(
  weights: Uint8Array<ArrayBuffer>,
  count: number,
  read: (index: number) => number,
): void {
  const values = new Float32Array(weights.buffer, weights.byteOffset, count);
  for (let i = 0; i < count; i++) {
    const value = read(i);
    if (!Number.isFinite(value)) throw notFinite();
    values[i] = value;
  }
}

/** 16 bytes in which byte j holds weight j (low) and j + 16 (high), to bytes that hold weights 2j (low) and 2j + 1 (high). */
function packNibbles(
  source: DataView,
  from: number,
  weights: Uint8Array,
  to: number,
): void {
  for (let j = 0; j < 8; j++) {
    const a = source.getUint8(from + 2 * j);
    const b = source.getUint8(from + 2 * j + 1);
    weights[to + j] = (a & 15) | (b & 15) << 4;
    weights[to + 8 + j] = a >> 4 | (b & 0xf0);
  }
}

function notFinite(): RangeError {
  return new RangeError("it holds a value that is no finite number");
}
