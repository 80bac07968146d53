// Vectors in 4 bits, and the transform that spreads single large values before they are put away.
import { rotate } from "./elementwise";
import { largest } from "./lanes";
import { encode } from "./slot_bytes";

/** x ← H·x for each of its parts of `size` values, a power of two from 4; H = Walsh-Hadamard / √size. */
export function hadamard(x: usize, count: i32, size: i32): void {
  const bytes = <usize> size << 2;
  const end = x + (<usize> count << 2);
  const scale = f32x4.splat(<f32> 1 / sqrt<f32>(<f32> size));
  for (; x < end; x += bytes) {
    for (let i: usize = 0; i < bytes; i += 16) {
      v128.store(x + i, f32x4.mul(four(v128.load(x + i)), scale));
    }
    for (let half: usize = 16; half < bytes; half <<= 1) {
      for (let start: usize = 0; start < bytes; start += half << 1) {
        for (let i = x + start; i < x + start + half; i += 16) {
          const a = v128.load(i), b = v128.load(i + half);
          v128.store(i, f32x4.add(a, b));
          v128.store(i + half, f32x4.sub(a, b));
        }
      }
    }
  }
}

/** x [count] f32 → the nearest of ±1, ±3 … ±15 times scale = largest magnitude / 15. count is a multiple of 32. */
export function encodeNibbles(
  x: usize,
  nibbles: usize,
  scale: usize,
  count: i32,
): void {
  const magnitude = largest(x, count);
  const inverse = f32x4.splat(magnitude > 0 ? <f32> 7.5 / magnitude : 0);
  for (let i = 0; i < count; i += 32, x += 128, nibbles += 16) {
    const high = i8x16.shl(levels(x + 64, inverse), 4);
    v128.store(nibbles, v128.or(levels(x, inverse), high));
  }
  store<f32>(scale, magnitude / 15);
}

/** The values that encodeNibbles put away. */
export function decodeNibbles(
  nibbles: usize,
  scale: usize,
  x: usize,
  count: i32,
): void {
  const factor = v128.load32_splat(scale);
  for (let i = 0; i < count; i += 32, x += 128, nibbles += 16) {
    const packed = v128.load(nibbles);
    widen(odd(v128.and(packed, i8x16.splat(15))), factor, x);
    widen(odd(i8x16.shr_u(packed, 4)), factor, x + 64);
  }
}

/** Values in 4 bits → in 8, with the same scale: bytes = 2 · nibble − 15. count is a multiple of 32. */
export function spreadNibbles(nibbles: usize, bytes: usize, count: i32): void {
  for (let i = 0; i < count; i += 32, nibbles += 16, bytes += 32) {
    const packed = v128.load(nibbles);
    v128.store(bytes, odd(v128.and(packed, i8x16.splat(15))), 0);
    v128.store(bytes, odd(i8x16.shr_u(packed, 4)), 16);
  }
}

/**
 * Keys in 4 bits behind the transform → as encode has them in 8, not transformed and turned to their positions. rows
 * [slots] u32 points to the row of the rotary table for each; scratch is [headDim] f32.
 */
export function turnNibbles(
  nibbles: usize,
  scales: usize,
  rows: usize,
  bytes: usize,
  byteScales: usize,
  scratch: usize,
  slots: i32,
  headDim: i32,
  rotated: i32,
  size: i32,
): void {
  for (let s = 0; s < slots; s++) {
    decodeNibbles(nibbles, scales, scratch, headDim);
    hadamard(scratch, headDim, size);
    rotate(scratch, 0, load<u32>(rows), 1, 1, headDim, rotated);
    encode(scratch, 0, bytes, byteScales, 1, headDim);
    nibbles += <usize> headDim >> 1;
    bytes += <usize> headDim;
    scales += 4;
    rows += 4;
    byteScales += 4;
  }
}

/** The transform of four values, not scaled. */
// @ts-ignore: decorator
@inline
function four(v: v128): v128 {
  const a = v128.shuffle<f32>(v, v, 0, 0, 2, 2);
  const b = v128.shuffle<f32>(v, v, 1, 1, 3, 3);
  const signs = i64x2.splat(0x8000000000000000);
  const w = f32x4.add(a, v128.xor(b, signs));
  const c = v128.shuffle<f32>(w, w, 0, 1, 0, 1);
  const d = v128.shuffle<f32>(w, w, 2, 3, 2, 3);
  return f32x4.add(c, v128.xor(d, i32x4(0, 0, 0x80000000, 0x80000000)));
}

/** Sixteen values as numbers from 0 to 15. */
// @ts-ignore: decorator
@inline
function levels(x: usize, inverse: v128): v128 {
  return i8x16.narrow_i16x8_u(
    i16x8.narrow_i32x4_s(level(x, inverse), level(x + 16, inverse)),
    i16x8.narrow_i32x4_s(level(x + 32, inverse), level(x + 48, inverse)),
  );
}

// @ts-ignore: decorator
@inline
function level(x: usize, inverse: v128): v128 {
  const scaled = f32x4.mul(v128.load(x), inverse);
  const nearest = f32x4.nearest(f32x4.add(scaled, f32x4.splat(7.5)));
  const whole = i32x4.trunc_sat_f32x4_s(nearest);
  return i32x4.min_s(i32x4.max_s(whole, i32x4.splat(0)), i32x4.splat(15));
}

/** 2 · nibble − 15 */
// @ts-ignore: decorator
@inline
function odd(nibbles: v128): v128 {
  return i8x16.sub(i8x16.shl(nibbles, 1), i8x16.splat(15));
}

/** x [16] f32 = bytes · factor */
// @ts-ignore: decorator
@inline
function widen(bytes: v128, factor: v128, x: usize): void {
  const a = i16x8.extend_low_i8x16_s(bytes);
  const b = i16x8.extend_high_i8x16_s(bytes);
  v128.store(x, product(i32x4.extend_low_i16x8_s(a), factor), 0);
  v128.store(x, product(i32x4.extend_high_i16x8_s(a), factor), 16);
  v128.store(x, product(i32x4.extend_low_i16x8_s(b), factor), 32);
  v128.store(x, product(i32x4.extend_high_i16x8_s(b), factor), 48);
}

// @ts-ignore: decorator
@inline
function product(whole: v128, factor: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(whole), factor);
}
