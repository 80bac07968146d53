/**
 * Weight matrices as the kernels read them: rows in interleaved groups of four, so that a vector's four 32-bit lanes
 * belong to four rows. The layouts are those that `simd/matmul_*.ts` describe.
 *
 * @module
 */
import type { LinearMemory } from "./memory.ts";

/** How the values of a matrix are held. `q4` holds Q4_0 and Q4_1 alike. */
export type MatrixType = "q4" | "q8" | "f16" | "f32";

/** Encodings of a row in a model file. */
export type RowType = "F32" | "F16" | "Q8_0" | "Q4_0" | "Q4_1";

/** A packed matrix [rows, columns] in linear memory. */
export interface Matrix {
  readonly type: MatrixType;
  readonly pointer: number;
  readonly rows: number;
  readonly columns: number;
  /** `rows` rounded up to a multiple of 4: what a product with it writes per token. */
  readonly paddedRows: number;
}

/** Columns that share a scale. */
export const BLOCK = 32;
const Q4_BYTES = 80;
const Q8_BYTES = 136;

/** The packed form of each encoding. */
export const PACKED: Readonly<Record<RowType, MatrixType>> = {
  F32: "f32",
  F16: "f16",
  Q8_0: "q8",
  Q4_0: "q4",
  Q4_1: "q4",
};

/** Bytes of a row of `columns` values in a model file. */
export function rowBytes(type: RowType, columns: number): number {
  switch (type) {
    case "F32":
      return columns * 4;
    case "F16":
      return columns * 2;
    case "Q8_0":
      return columns / BLOCK * 34;
    case "Q4_0":
      return columns / BLOCK * 18;
    case "Q4_1":
      return columns / BLOCK * 20;
  }
}

/** Bytes of four interleaved rows. */
function groupBytes(type: MatrixType, columns: number): number {
  switch (type) {
    case "f32":
      return columns * 16;
    case "f16":
      return columns * 8;
    case "q8":
      return columns / BLOCK * Q8_BYTES;
    case "q4":
      return columns / BLOCK * Q4_BYTES;
  }
}

/** Bytes that a matrix takes. */
export function matrixBytes({ type, paddedRows, columns }: Matrix): number {
  return paddedRows / 4 * groupBytes(type, columns);
}

/** Room for a matrix of a type, not yet filled but for the rows that only pad it, which are zero. */
export function allocateMatrix(
  memory: LinearMemory,
  type: MatrixType,
  rows: number,
  columns: number,
): Matrix {
  const groups = Math.ceil(rows / 4);
  const group = groupBytes(type, columns);
  const pointer = memory.allocate(groups * group);
  if (rows % 4) {
    const last = pointer + (groups - 1) * group;
    memory.u8.fill(0, last, last + group);
  }
  return { type, pointer, rows, columns, paddedRows: groups * 4 };
}

/**
 * Packs rows `first` … of a matrix from their encoding in a model file.
 *
 * @param source Whole rows, side by side; `byteOffset` a multiple of 4.
 * @throws {RangeError} If a value or scale is no finite number.
 */
export function packRows(
  memory: LinearMemory,
  matrix: Matrix,
  type: RowType,
  source: Uint8Array<ArrayBuffer>,
  first: number,
): void {
  const bytes = rowBytes(type, matrix.columns);
  const group = groupBytes(matrix.type, matrix.columns);
  const pack = PACKERS[type];
  for (let row = first, at = 0; at < source.length; row++, at += bytes) {
    const view = new DataView(source.buffer, source.byteOffset + at, bytes);
    const target = matrix.pointer + Math.floor(row / 4) * group;
    pack(memory, view, target, row % 4, matrix.columns);
  }
}

/** Writes one row into lane 0…3 of the group at `target`. */
type RowPacker = (
  memory: LinearMemory,
  row: DataView,
  target: number,
  lane: number,
  columns: number,
) => void;

const PACKERS: Readonly<Record<RowType, RowPacker>> = {
  F32(memory, row, target, lane, columns) {
    const out = memory.u32;
    const start = target / 4 + lane;
    for (let c = 0; c < columns; c++) {
      const bits = row.getUint32(c * 4, true);
      if ((bits & 0x7f800000) === 0x7f800000) throw notFinite();
      out[start + c * 4] = bits;
    }
  },
  F16(memory, row, target, lane, columns) {
    const out = memory.u16;
    const start = target / 2 + lane;
    for (let c = 0; c < columns; c++) {
      out[start + c * 4] = finiteHalf(row.getUint16(c * 2, true));
    }
  },
  Q8_0(memory, row, target, lane, columns) {
    const { u16, u32 } = memory;
    for (let b = 0; b < columns / BLOCK; b++) {
      const from = b * 34;
      const block = target + b * Q8_BYTES;
      u16[block / 2 + lane] = finiteHalf(row.getUint16(from, true));
      for (let j = 0; j < 8; j++) {
        const bytes = row.getUint32(from + 2 + j * 4, true);
        u32[(block + 8) / 4 + j * 4 + lane] = bytes;
      }
    }
  },
  Q4_0({ u32 }, row, target, lane, columns) {
    for (let b = 0; b < columns / BLOCK; b++) {
      const d = finiteHalf(row.getUint16(b * 18, true));
      const block = target + b * Q4_BYTES;
      u32[block / 4 + lane] = d | minusEight(d) << 16;
      packNibbles(u32, row, b * 18 + 2, block, lane);
    }
  },
  Q4_1({ u32 }, row, target, lane, columns) {
    for (let b = 0; b < columns / BLOCK; b++) {
      const block = target + b * Q4_BYTES;
      const scales = row.getUint32(b * 20, true);
      finiteHalf(scales);
      finiteHalf(scales >>> 16);
      u32[block / 4 + lane] = scales;
      packNibbles(u32, row, b * 20 + 4, block, lane);
    }
  },
};

/**
 * 16 bytes in which byte j holds weight j (low) and j + 16 (high), to the order of the kernel: word j with weights
 * 8j … 8j+3 (low) and 8j+4 … 8j+7 (high).
 */
function packNibbles(
  out: Uint32Array,
  row: DataView,
  from: number,
  block: number,
  lane: number,
): void {
  const low = 0x0f0f0f0f;
  const a = row.getUint32(from, true), b = row.getUint32(from + 4, true);
  const c = row.getUint32(from + 8, true), d = row.getUint32(from + 12, true);
  const at = (block + 16) / 4 + lane;
  out[at] = (a & low) | (b & low) << 4;
  out[at + 4] = (c & low) | (d & low) << 4;
  out[at + 8] = (a >>> 4 & low) | (b & ~low);
  out[at + 12] = (c >>> 4 & low) | (d & ~low);
}

/**
 * The bits of a half-precision number, which must not be infinite or NaN.
 *
 * @throws {RangeError} If it is.
 */
function finiteHalf(bits: number): number {
  if ((bits & 0x7c00) === 0x7c00) throw notFinite();
  return bits;
}

function notFinite(): RangeError {
  return new RangeError("it holds a value that is no finite number");
}

/** The half-precision number −8·d, which turns Q4_0's d·(q − 8) into d·q + m. */
function minusEight(d: number): number {
  const scratch = new DataView(new ArrayBuffer(2));
  scratch.setUint16(0, d);
  scratch.setFloat16(0, scratch.getFloat16(0) * -8);
  return scratch.getUint16(0);
}

/**
 * The values of one row of a packed matrix.
 *
 * @param out [columns]
 */
export function unpackRow(
  memory: LinearMemory,
  matrix: Matrix,
  row: number,
  out: Float32Array | Float64Array,
): void {
  const group = groupBytes(matrix.type, matrix.columns);
  const start = matrix.pointer + Math.floor(row / 4) * group;
  UNPACKERS[matrix.type](memory, start, row % 4, matrix.columns, out);
}

const UNPACKERS: Readonly<
  Record<
    MatrixType,
    (
      memory: LinearMemory,
      start: number,
      lane: number,
      columns: number,
      out: Float32Array | Float64Array,
    ) => void
  >
> = {
  f32({ f32 }, start, lane, columns, out) {
    for (let c = 0; c < columns; c++) out[c] = f32[start / 4 + c * 4 + lane];
  },
  f16({ u16 }, start, lane, columns, out) {
    const at = start / 2 + lane;
    for (let c = 0; c < columns; c++) out[c] = halfToFloat(u16[at + c * 4]);
  },
  q8({ u16, i8 }, start, lane, columns, out) {
    for (let b = 0; b < columns / BLOCK; b++) {
      const block = start + b * Q8_BYTES;
      const d = halfToFloat(u16[block / 2 + lane]);
      for (let i = 0; i < BLOCK; i++) {
        const byte = block + 8 + (i >> 2) * 16 + lane * 4 + (i & 3);
        out[b * BLOCK + i] = d * i8[byte];
      }
    }
  },
  q4({ u16, u8 }, start, lane, columns, out) {
    for (let b = 0; b < columns / BLOCK; b++) {
      const block = start + b * Q4_BYTES;
      const d = halfToFloat(u16[block / 2 + lane * 2]);
      const m = halfToFloat(u16[block / 2 + lane * 2 + 1]);
      for (let i = 0; i < BLOCK; i++) {
        const byte = u8[block + 16 + (i >> 3) * 16 + lane * 4 + (i & 3)];
        out[b * BLOCK + i] = d * (i & 4 ? byte >> 4 : byte & 15) + m;
      }
    }
  },
};

/** A half-precision number given by its 16 bits; infinities and NaN are not expected. */
function halfToFloat(bits: number): number {
  const exponent = bits >> 10 & 31;
  const mantissa = bits & 1023;
  const size = exponent
    ? (1024 + mantissa) * POWERS[exponent]
    : mantissa * POWERS[1];
  return bits & 0x8000 ? -size : size;
}

/** 2^(exponent − 25): what one unit of the mantissa is worth. */
const POWERS = Float64Array.from({ length: 32 }, (_, e) => 2 ** (e - 25));
