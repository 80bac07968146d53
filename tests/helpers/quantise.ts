/**
 * Puts f32 values into the encodings of a model file, and says what is left of them. Blocks are 32 values; scales are
 * half precision.
 *
 * @module
 */
import type { TensorType } from "../../src/model/gguf.ts";

const BLOCK = 32;

/** Values in an encoding. */
export interface Quantised {
  readonly data: Uint8Array<ArrayBuffer>;
  /** What a reader gets back: as many as went in. */
  readonly values: Float32Array<ArrayBuffer>;
}

/** Encodes `values`, whose number is a multiple of 32 for the types that quantise. */
export function quantise(
  values: Float32Array<ArrayBuffer>,
  type: TensorType,
): Quantised {
  switch (type) {
    case "F32":
      return { data: new Uint8Array(values.slice().buffer), values };
    case "F16": {
      const half = Float16Array.from(values);
      return {
        data: new Uint8Array(half.buffer),
        values: Float32Array.from(half),
      };
    }
    default:
      return quantiseBlocks(values, BLOCK_CODERS[type]);
  }
}

/** Writes one block to a view and the values that it stands for to `out`. */
interface BlockCoder {
  readonly bytes: number;
  code(block: Float32Array, view: DataView, out: Float32Array): void;
}

function quantiseBlocks(
  values: Float32Array<ArrayBuffer>,
  coder: BlockCoder,
): Quantised {
  const blocks = values.length / BLOCK;
  if (!Number.isInteger(blocks)) {
    throw new RangeError(
      `Cannot quantise: ${values.length} values are no whole number of blocks`,
    );
  }
  const data = new Uint8Array(blocks * coder.bytes);
  const decoded = new Float32Array(values.length);
  for (let b = 0; b < blocks; b++) {
    const view = new DataView(data.buffer, b * coder.bytes, coder.bytes);
    const block = values.subarray(b * BLOCK, (b + 1) * BLOCK);
    coder.code(block, view, decoded.subarray(b * BLOCK));
  }
  return { data, values: decoded };
}

const BLOCK_CODERS: Readonly<
  Record<Exclude<TensorType, "F32" | "F16">, BlockCoder>
> = {
  /** d, 32 signed bytes q; the value is d·q. */
  Q8_0: {
    bytes: 34,
    code(block, view, out) {
      const d = Math.f16round(Math.max(...block.map(Math.abs)) / 127);
      view.setFloat16(0, d, true);
      block.forEach((value, i) => {
        const q = level(value, d, -128, 127);
        view.setInt8(2 + i, q);
        out[i] = d * q;
      });
    },
  },
  /** d, 32 nibbles q; the value is d·(q − 8). */
  Q4_0: {
    bytes: 18,
    code(block, view, out) {
      const d = Math.f16round(Math.max(...block.map(Math.abs)) / 7);
      view.setFloat16(0, d, true);
      block.forEach((value, i) => {
        const q = level(value, d, -8, 7);
        setNibble(view, 2, i, q + 8);
        out[i] = d * q;
      });
    },
  },
  /** d and m, 32 nibbles q; the value is d·q + m. */
  Q4_1: {
    bytes: 20,
    code(block, view, out) {
      const m = Math.f16round(Math.min(...block));
      const d = Math.f16round((Math.max(...block) - m) / 15);
      view.setFloat16(0, d, true);
      view.setFloat16(2, m, true);
      block.forEach((value, i) => {
        const q = level(value - m, d, 0, 15);
        setNibble(view, 4, i, q);
        out[i] = d * q + m;
      });
    },
  },
};

/** The whole number of steps `d` nearest to `value`, within bounds. */
function level(value: number, d: number, low: number, high: number): number {
  const steps = d === 0 ? 0 : Math.round(value / d);
  return Math.min(high, Math.max(low, steps));
}

/** Byte j holds value j in its low and value j + 16 in its high half. */
function setNibble(view: DataView, start: number, i: number, q: number): void {
  const at = start + i % 16;
  view.setUint8(at, view.getUint8(at) | (i < 16 ? q : q << 4));
}
