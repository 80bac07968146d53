/**
 * The operations of {@link SlotKernels} in plain TypeScript: slow, and the definition of what the others compute. Where
 * whole numbers come out, every step is rounded to f32, so that others give the same bytes.
 *
 * @module
 */
import type { KeySearch } from "./key_search.ts";
import type { LinearMemory } from "./memory.ts";
import { findLikest } from "./reference_likest.ts";
import type { SlotKernels, TurnWay } from "./slot_kernels.ts";

/** The longest pair of bytes: turned, each of its two is at most 127 (its own rounding 0.71, that of three shears 1.25). */
const LONGEST_PAIR = 125;

const f = Math.fround;

/** Defines every operation on slots in few bits. */
export class ReferenceSlotKernels implements SlotKernels {
  readonly #memory: LinearMemory;

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  /** bytes = round(x / scale) with scale = max|x| / 127, for each of the vectors, which are `stride` bytes apart in x. */
  encode(
    x: number,
    stride: number,
    bytes: number,
    scales: number,
    vectors: number,
    count: number,
  ): void {
    for (let v = 0; v < vectors; v++) {
      const from = x + v * stride;
      const largest = this.#floats(from, count)
        .reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      this.#encode(
        from,
        bytes + v * count,
        scales + v * 4,
        count,
        largest,
        127,
      );
    }
  }

  /** x [count] f32 = bytes · scale */
  decode(bytes: number, scale: number, x: number, count: number): void {
    const { f32, i8 } = this.#memory;
    for (let i = 0; i < count; i++) {
      f32[x / 4 + i] = i8[bytes + i] * f32[scale / 4];
    }
  }

  /** As `encode`, with scale = length of the longest neighbouring pair / 125: what `turnKey` turns. */
  encodeKey(
    x: number,
    stride: number,
    bytes: number,
    scales: number,
    vectors: number,
    count: number,
  ): void {
    for (let v = 0; v < vectors; v++) {
      const from = x + v * stride, to = bytes + v * count;
      const length = longestPair(this.#floats(from, count));
      this.#encode(from, to, scales + v * 4, count, length, LONGEST_PAIR);
    }
  }

  /**
   * Rotates the first `rotated` bytes of each vector in neighbouring pairs, in place, by the angles of its row as `rotate` has
   * it, or back.
   * A rotation is three shears, each of which adds to one number of a pair a rounded function of the other (Bruekers and
   * van den Enden 1992, "New networks for perfect inversion and perfect reconstruction"): so the way back gives exactly
   * the bytes that went in. Angles beyond a quarter turn are the opposite ones with both numbers negated.
   */
  turnKey(
    bytes: number,
    table: number,
    vectors: number,
    count: number,
    rotated: number,
    way: TurnWay,
  ): void {
    for (let v = 0; v < vectors; v++) {
      this.#turn(bytes + v * count, table + v * rotated * 8, rotated, way);
    }
  }

  #turn(bytes: number, table: number, rotated: number, way: TurnWay): void {
    const { f32, i8 } = this.#memory;
    for (let i = 0; i < rotated; i += 2) {
      const cosine = f32[table / 4 + i],
        sine = f32[table / 4 + rotated + i + 1];
      const sign = cosine < 0 ? -1 : 1;
      const s = sign * sine;
      const t = f(-s / f(1 + sign * cosine));
      const shear = (by: number, of: number) => roundHalfEven(f(by * of));
      const at = bytes + i;
      let a = i8[at], b = i8[at + 1];
      if (way === "to") {
        a *= sign;
        b *= sign;
        a += shear(t, b);
        b += shear(s, a);
        a += shear(t, b);
      } else {
        a -= shear(t, b);
        b -= shear(s, a);
        a -= shear(t, b);
        a *= sign;
        b *= sign;
      }
      i8[at] = a;
      i8[at + 1] = b;
    }
  }

  /**
   * x ← H·x for each of its parts of `size` values, a power of two from 4; H is the Walsh-Hadamard matrix over √size, its
   * own inverse. It spreads single large values over all, which 4 bits then lose less of.
   */
  hadamard(x: number, count: number, size: number): void {
    const { f32 } = this.#memory;
    for (let start = x / 4; start < x / 4 + count; start += size) {
      for (let half = 1; half < size; half *= 2) {
        for (let i = start; i < start + size; i++) {
          if ((i - start) & half) continue;
          const a = f32[i], b = f32[i + half];
          f32[i] = a + b;
          f32[i + half] = a - b;
        }
      }
      for (let i = start; i < start + size; i++) f32[i] /= Math.sqrt(size);
    }
  }

  /** The nearest of the sixteen values ±1, ±3 … ±15 times scale = max|x| / 15. */
  encodeNibbles(
    x: number,
    nibbles: number,
    scale: number,
    count: number,
  ): void {
    const { f32, u8 } = this.#memory;
    const values = this.#floats(x, count);
    const largest = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    const inverse = largest > 0 ? f(7.5 / largest) : 0;
    f32[scale / 4] = f(largest / 15);
    values.forEach((value, i) => {
      const level = roundHalfEven(f(f(value * inverse) + 7.5));
      const nibble = Math.min(Math.max(level, 0), 15);
      const at = nibbles + (i >> 5) * 16 + (i & 15);
      u8[at] = i & 16 ? u8[at] | nibble << 4 : nibble;
    });
  }

  decodeNibbles(
    nibbles: number,
    scale: number,
    x: number,
    count: number,
  ): void {
    const { f32 } = this.#memory;
    for (let i = 0; i < count; i++) {
      f32[x / 4 + i] = this.#nibble(nibbles, i) * f32[scale / 4];
    }
  }

  /** bytes [count] int8 = 2 · nibble − 15, with the same scale: 4 bits as 8. */
  spreadNibbles(nibbles: number, bytes: number, count: number): void {
    const { i8 } = this.#memory;
    for (let i = 0; i < count; i++) i8[bytes + i] = this.#nibble(nibbles, i);
  }

  /** Carries out a {@link KeySearch} over keys of int8. */
  likestBytes(search: KeySearch): void {
    findLikest(this.#memory, this.#memory.i8, search.keys, search);
  }

  /** Copies the rows of `bytes` bytes (a multiple of 4) that indices [count] u32 name, side by side. */
  gather(
    from: number,
    to: number,
    indices: number,
    count: number,
    bytes: number,
  ): void {
    const { u8, u32 } = this.#memory;
    for (let i = 0; i < count; i++) {
      const row = from + u32[indices / 4 + i] * bytes;
      u8.copyWithin(to + i * bytes, row, row + bytes);
    }
  }

  /**
   * Keys of 4 bits, behind `hadamard` in parts of `size`, as those of 8 bits, without it and turned to their positions:
   * rows [slots] u32 points to the row of the rotary table for each. scratch is [headDim] f32.
   */
  turnNibbles(
    nibbles: number,
    scales: number,
    rows: number,
    bytes: number,
    byteScales: number,
    scratch: number,
    slots: number,
    headDim: number,
    rotated: number,
    size: number,
  ): void {
    const { u32, f32 } = this.#memory;
    for (let slot = 0; slot < slots; slot++) {
      const from = nibbles + slot * headDim / 2;
      this.decodeNibbles(from, scales + slot * 4, scratch, headDim);
      this.hadamard(scratch, headDim, size);
      rotate(f32, scratch / 4, u32[rows / 4 + slot] / 4, rotated);
      const to = bytes + slot * headDim;
      this.encode(scratch, 0, to, byteScales + slot * 4, 1, headDim);
    }
  }

  /** What value `i` of a vector is worth, in scales. */
  #nibble(nibbles: number, i: number): number {
    const byte = this.#memory.u8[nibbles + (i >> 5) * 16 + (i & 15)];
    return 2 * (i & 16 ? byte >> 4 : byte & 15) - 15;
  }

  #floats(x: number, count: number): Float32Array {
    return this.#memory.f32.subarray(x / 4, x / 4 + count);
  }

  #encode(
    x: number,
    bytes: number,
    scale: number,
    count: number,
    largest: number,
    most: number,
  ): void {
    const { f32, i8 } = this.#memory;
    const inverse = largest > 0 ? f(most / largest) : 0;
    this.#floats(x, count).forEach((value, i) => {
      i8[bytes + i] = roundHalfEven(f(value * inverse));
    });
    f32[scale / 4] = f(largest / most);
  }
}

/**
 * Rotary position of the first `rotated` values at float index `at`; `table` is the float index of a row. See
 * `ReferenceKernels.rotate`.
 */
export function rotate(
  f32: Float32Array,
  at: number,
  table: number,
  rotated: number,
): void {
  for (let i = 0; i < rotated; i += 2) {
    const a = f32[at + i], b = f32[at + i + 1];
    const cosines = table + i, sines = cosines + rotated;
    f32[at + i] = a * f32[cosines] + b * f32[sines];
    f32[at + i + 1] = b * f32[cosines + 1] + a * f32[sines + 1];
  }
}

/** The nearest integer, ties to the even one, as the hardware rounds. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The length of the longest neighbouring pair. */
function longestPair(values: Float32Array): number {
  let longest = 0;
  for (let i = 0; i < values.length; i += 2) {
    const square = f(f(values[i] ** 2) + f(values[i + 1] ** 2));
    longest = Math.max(longest, square);
  }
  return f(Math.sqrt(longest));
}
