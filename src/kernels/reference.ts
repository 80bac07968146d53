/**
 * The operations of {@link Kernels} in plain TypeScript: slow, and the definition of what the others compute.
 *
 * Long: one class defines every operation, each in a few lines.
 *
 * @module
 */
import type { Activations, Attention, Kernels } from "./kernels.ts";
import type { KeySearch } from "./key_search.ts";
import { BLOCK, type Matrix, type MatrixType, unpackRow } from "./matrix.ts";
import type { LinearMemory } from "./memory.ts";
import { MOST_UNITS, narrowBlock } from "./narrow_activations.ts";
import {
  ReferenceSlotKernels,
  rotate,
  roundHalfEven,
} from "./reference_slots.ts";
import { findLikest } from "./reference_likest.ts";

/** Defines every operation, in double precision between a read and a write. */
export class ReferenceKernels implements Kernels {
  readonly slots: ReferenceSlotKernels;
  readonly #memory: LinearMemory;
  readonly #activations: "f32" | "quantised";

  /**
   * @param activations What a product with a matrix multiplies: the values as they are, or, as the fast kernels do where
   * the matrix is quantised, their quantised form.
   */
  constructor(
    memory: LinearMemory,
    activations: "f32" | "quantised" = "f32",
  ) {
    this.slots = new ReferenceSlotKernels(memory);
    this.#memory = memory;
    this.#activations = activations;
  }

  /** Nothing is ever under way. */
  settle(): void {}

  task(): void {}

  dispose(): void {}

  /**
   * For `q4`: in halves of a block of 32, byte = round(x / scale) with a scale, of at least max|x| / 127, that is a whole
   * multiple of the token's unit = max|x| / (127 · 32767); and, of a block, the sum of the values that the bytes stand for, in
   * units. For `q8`: in blocks of 32, scale = max|x| / 32767, and round(x / scale) in 16 bits. The other types multiply the
   * values as they are.
   */
  quantize(
    type: MatrixType,
    x: Activations,
    tokens: number,
    columns: number,
  ): void {
    if (type === "q4") {
      for (let t = 0; t < tokens; t++) this.#narrowToken(x, tokens, columns, t);
    }
    if (type === "q8") {
      for (let b = 0; b < tokens * columns / BLOCK; b++) {
        this.#quantizeWide(x, b);
      }
    }
  }

  #narrowToken(
    { values, narrow }: Activations,
    tokens: number,
    columns: number,
    token: number,
  ): void {
    const { f32, i8, u32 } = this.#memory;
    const start = values / 4 + token * columns;
    const x = f32.subarray(start, start + columns);
    const most = magnitude(x);
    const share = most > 0 ? Math.fround(32767 / most) : 0;
    f32[narrow.scales / 4 + token] = Math.fround(most / MOST_UNITS);
    for (let b = 0; b < columns / BLOCK; b++) {
      const block = narrowBlock(tokens, columns, token, b);
      let sum = 0;
      for (const half of [0, 1]) {
        const first = b * BLOCK + half * 16;
        const some = x.subarray(first, first + 16);
        const whole = Math.ceil(Math.fround(magnitude(some) * share));
        const multiplier = Math.min(32767, whole);
        const scale = Math.fround(most * multiplier);
        const inverse = multiplier && Math.fround(MOST_UNITS / scale);
        const at = narrow.bytes + block.bytes[half];
        some.forEach((value, i) => {
          i8[at + i] = roundHalfEven(Math.fround(value * inverse));
          sum += multiplier * i8[at + i];
        });
        u32[(narrow.bytes + block.multipliers[half]) / 4] = multiplier << 16 |
          multiplier;
      }
      f32[(narrow.bytes + block.sum) / 4] = sum;
    }
  }

  #quantizeWide({ values, wide }: Activations, block: number): void {
    const { f32, i16 } = this.#memory;
    const first = block * BLOCK;
    const x = f32.subarray(values / 4 + first, values / 4 + first + BLOCK);
    const most = magnitude(x);
    const inverse = most > 0 ? Math.fround(32767 / most) : 0;
    x.forEach((value, i) => {
      const rounded = roundHalfEven(Math.fround(value * inverse));
      i16[wide.bytes / 2 + first + i] = rounded;
    });
    f32[wide.scales / 4 + block] = Math.fround(most / 32767);
  }

  /** y [tokens, matrix.paddedRows] = matrix · x, token by token. */
  matmul(matrix: Matrix, x: Activations, y: number, tokens: number): void {
    const { rows, columns, paddedRows } = matrix;
    const { f32 } = this.#memory;
    const input = this.#input(matrix, x, tokens);
    const row = new Float64Array(columns);
    for (let r = 0; r < paddedRows; r++) {
      if (r < rows) unpackRow(this.#memory, matrix, r, row);
      else row.fill(0);
      const out = f32.subarray(y / 4 + r);
      let t = 0;
      for (; t + 4 <= tokens; t += 4) dotFour(row, input, t, out, paddedRows);
      for (; t < tokens; t++) {
        out[t * paddedRows] = dot(row, input, t * columns);
      }
    }
  }

  /** What the matrix multiplies: [tokens, columns]. */
  #input(matrix: Matrix, x: Activations, tokens: number): Float64Array {
    const length = tokens * matrix.columns;
    const { f32, i8, i16, u16 } = this.#memory;
    const quantised = this.#activations === "quantised";
    if (quantised && matrix.type === "q4") {
      const { columns } = matrix;
      const { bytes, scales } = x.narrow;
      return Float64Array.from({ length }, (_, i) => {
        const token = Math.floor(i / columns), column = i % columns;
        const block = narrowBlock(tokens, columns, token, column >> 5);
        const half = column >> 4 & 1;
        const byte = i8[bytes + block.bytes[half] + (i & 15)];
        const multiplier = u16[(bytes + block.multipliers[half]) / 2];
        return byte * multiplier * f32[scales / 4 + token];
      });
    }
    if (quantised && matrix.type === "q8") {
      const { bytes, scales } = x.wide;
      return Float64Array.from(
        { length },
        (_, i) => i16[bytes / 2 + i] * f32[scales / 4 + (i >> 5)],
      );
    }
    return Float64Array.from(f32.subarray(x.values / 4, x.values / 4 + length));
  }

  /** y = x / √(mean(x²) + epsilon) · weight, for each of `tokens` rows of `columns`. */
  rmsNorm(
    x: number,
    weight: number,
    y: number,
    tokens: number,
    columns: number,
    epsilon: number,
  ): void {
    const { f32 } = this.#memory;
    for (let t = 0; t < tokens; t++) {
      const from = x / 4 + t * columns, to = y / 4 + t * columns;
      let squares = 0;
      for (let i = 0; i < columns; i++) squares += f32[from + i] ** 2;
      const scale = 1 / Math.sqrt(squares / columns + epsilon);
      for (let i = 0; i < columns; i++) {
        f32[to + i] = f32[from + i] * scale * f32[weight / 4 + i];
      }
    }
  }

  /** x += y */
  add(x: number, y: number, tokens: number, columns: number): void {
    this.addScaled(x, y, 1, tokens * columns);
  }

  /** to [vectors, count] ← from, whose vectors are `stride` bytes apart */
  copy(
    from: number,
    stride: number,
    to: number,
    vectors: number,
    count: number,
  ): void {
    const { u32 } = this.#memory;
    for (let v = 0; v < vectors; v++) {
      const at = (from + v * stride) / 4;
      u32.copyWithin(to / 4 + v * count, at, at + count);
    }
  }

  /** out += weight · x */
  addScaled(out: number, x: number, weight: number, count: number): void {
    const { f32 } = this.#memory;
    const w = Math.fround(weight);
    for (let i = 0; i < count; i++) f32[out / 4 + i] += w * f32[x / 4 + i];
  }

  /**
   * out [rows, count] = max(0, bias + weight · x[t · step …]): a convolution over vectors of `step` values that lie side by
   * side, as many of which as `width` holds are looked at. weight is [rows, width], bias [rows], x [(count - 1) · step +
   * width].
   */
  convolve(
    weight: number,
    bias: number,
    x: number,
    out: number,
    rows: number,
    width: number,
    step: number,
    count: number,
  ): void {
    const { f32 } = this.#memory;
    for (let r = 0; r < rows; r++) {
      for (let t = 0; t < count; t++) {
        let sum = f32[bias / 4 + r];
        for (let i = 0; i < width; i++) {
          sum += f32[weight / 4 + r * width + i] * f32[x / 4 + t * step + i];
        }
        f32[out / 4 + r * count + t] = Math.max(0, sum);
      }
    }
  }

  /**
   * x ← x · (1 + share · gain) + share · offset, for `width` values of each of `tokens` rows that are `stride` bytes apart;
   * gain and offset are [width] f32.
   */
  correct(
    x: number,
    gain: number,
    offset: number,
    share: number,
    width: number,
    stride: number,
    tokens: number,
  ): void {
    const { f32 } = this.#memory;
    const s = Math.fround(share);
    for (let t = 0; t < tokens; t++) {
      const row = (x + t * stride) / 4;
      for (let i = 0; i < width; i++) {
        const scaled = f32[row + i] * (1 + s * f32[gain / 4 + i]);
        f32[row + i] = scaled + s * f32[offset / 4 + i];
      }
    }
  }

  /** Carries out a {@link KeySearch} over keys of f32. */
  likest(search: KeySearch): void {
    findLikest(this.#memory, this.#memory.f32, search.keys / 4, search);
  }

  /** gate ← gate · sigmoid(gate) · up (Shazeer 2020, arXiv 2002.05202, SwiGLU). */
  swiglu(gate: number, up: number, tokens: number, columns: number): void {
    const { f32 } = this.#memory;
    for (let i = 0; i < tokens * columns; i++) {
      const g = f32[gate / 4 + i];
      f32[gate / 4 + i] = g / (1 + Math.exp(-g)) * f32[up / 4 + i];
    }
  }

  /**
   * Rotary position (Su et al. 2021, arXiv 2104.09864, equation 15) of the first `rotated` values of each head, in
   * neighbouring pairs: (a, b) → (a·cos − b·sin, b·cos + a·sin). `table` [tokens, 2, rotated] f32 holds each cosine twice, then
   * each sine twice, the first of them negated; tokens are `stride` bytes apart.
   */
  rotate(
    x: number,
    stride: number,
    table: number,
    tokens: number,
    heads: number,
    headDim: number,
    rotated: number,
  ): void {
    const { f32 } = this.#memory;
    for (let t = 0; t < tokens; t++) {
      const from = (x + t * stride) / 4, row = table / 4 + t * rotated * 2;
      for (let h = 0; h < heads; h++) {
        rotate(f32, from + h * headDim, row, rotated);
      }
    }
  }

  /**
   * output = softmax(query · keysᵀ · scale + bias) · values; token t sees slots 0 … base + t. With `lift`, each head's logits
   * are stretched before the bias, and those of slot 0 and of a range of slots lifted after it.
   */
  attend(a: Readonly<Attention>): void {
    const { f32 } = this.#memory;
    const read = (vectors: number) => (slot: number, i: number) =>
      f32[vectors / 4 + slot * a.headDim + i];
    this.#attend(a, read(a.keys), read(a.values));
  }

  /** As `attend`, over keys and values as `slots.encode` gives them; `headDim` is a multiple of 16. */
  attendInt8(a: Readonly<Attention>): void {
    const { f32, i8 } = this.#memory;
    const read = (bytes: number, scales: number) => (slot: number, i: number) =>
      i8[bytes + slot * a.headDim + i] * f32[scales / 4 + slot];
    this.#attend(a, read(a.keys, a.keyScales), read(a.values, a.valueScales));
  }

  #attend(a: Readonly<Attention>, key: Vectors, value: Vectors): void {
    const { f32 } = this.#memory;
    for (let t = 0; t < a.tokens; t++) {
      for (let h = 0; h < a.heads; h++) {
        const at = (t * a.stride) / 4 + h * a.headDim;
        const p = this.#attention(a, h, a.query / 4 + at, key, a.base + t + 1);
        for (let d = 0; d < a.headDim; d++) {
          let sum = 0;
          for (let s = 0; s < p.length; s++) sum += p[s] * value(s, d);
          f32[a.output / 4 + at + d] = sum;
        }
        if (a.mass) p.forEach((share, s) => f32[a.mass / 4 + s] += share);
      }
    }
  }

  /** Attention of a query of head `head`, at float index `query`, over the first `slots` slots. */
  #attention(
    a: Readonly<Attention>,
    head: number,
    query: number,
    key: Vectors,
    slots: number,
  ): Float64Array {
    const { f32 } = this.#memory;
    const logits = new Float64Array(slots);
    const lift = a.lift / 4 + head * 3;
    const [stretch, first, range] = a.lift
      ? f32.subarray(lift, lift + 3)
      : [1, 0, 0];
    for (let s = 0; s < slots; s++) {
      let sum = 0;
      for (let d = 0; d < a.headDim; d++) sum += f32[query + d] * key(s, d);
      logits[s] = sum * a.scale * stretch +
        (a.bias ? f32[a.bias / 4 + s] : 0) + (s === 0 ? first : 0) +
        (s >= a.liftFrom && s < a.liftTo ? range : 0);
    }
    const largest = logits.reduce((x, y) => Math.max(x, y), -Infinity);
    const weights = logits.map((x) => Math.exp(x - largest));
    const total = weights.reduce((x, y) => x + y, 0);
    return weights.map((x) => x / total);
  }
}

/** Value `i` of a slot's key or value. */
type Vectors = (slot: number, i: number) => number;

/** row · x[from …] */
function dot(row: Float64Array, x: Float64Array, from: number): number {
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += row[i] * x[from + i];
  return sum;
}

/** out[t · stride] = row · x[t] for four tokens from `first`: as `dot`, with each weight read once for all four. */
function dotFour(
  row: Float64Array,
  x: Float64Array,
  first: number,
  out: Float32Array,
  stride: number,
): void {
  const { length } = row;
  const from = first * length;
  let a = 0, b = 0, c = 0, d = 0;
  for (let i = 0; i < length; i++) {
    const w = row[i];
    a += w * x[from + i];
    b += w * x[from + length + i];
    c += w * x[from + 2 * length + i];
    d += w * x[from + 3 * length + i];
  }
  out[first * stride] = a;
  out[(first + 1) * stride] = b;
  out[(first + 2) * stride] = c;
  out[(first + 3) * stride] = d;
}

function magnitude(x: Float32Array): number {
  return x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
}
