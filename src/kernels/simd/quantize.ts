// Activations to whole numbers, in the two forms that the products with quantised weights want.
import { maxLane, sumLane } from "./lanes";

/**
 * For weights of 4 bits. x [tokens, columns] f32 → xq [tokens, columns] int8 and xs [tokens, columns/32, 3] f32: the scale
 * (largest magnitude / 127) of either half of a block of 32, and the sum of the values that the block's bytes stand for,
 * which is what the offset of a block of weights multiplies.
 */
export function quantizeNarrow(
  x: usize,
  xq: usize,
  xs: usize,
  tokens: i32,
  columns: i32,
): void {
  const blocks = (tokens * columns) >> 5;
  for (let b = 0; b < blocks; b++) {
    let sum: f32 = 0;
    for (let half = 0; half < 2; half++) {
      const a0 = v128.load(x, 0), a1 = v128.load(x, 16);
      const a2 = v128.load(x, 32), a3 = v128.load(x, 48);
      const magnitude = maxLane(f32x4.max(
        f32x4.max(f32x4.abs(a0), f32x4.abs(a1)),
        f32x4.max(f32x4.abs(a2), f32x4.abs(a3)),
      ));
      const scale: f32 = magnitude / 127;
      const inverse = f32x4.splat(magnitude > 0 ? 127 / magnitude : 0);
      const bytes = i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(round(a0, inverse), round(a1, inverse)),
        i16x8.narrow_i32x4_s(round(a2, inverse), round(a3, inverse)),
      );
      v128.store(xq, bytes);
      store<f32>(xs, scale);
      const pairs = i16x8.extadd_pairwise_i8x16_s(bytes);
      const fours = i32x4.extadd_pairwise_i16x8_s(pairs);
      sum += scale * sumLane(f32x4.convert_i32x4_s(fours));
      x += 64;
      xq += 16;
      xs += 4;
    }
    store<f32>(xs, sum);
    xs += 4;
  }
}

/**
 * For weights of 8 bits. x [tokens, columns] f32 → xq [tokens, columns/32, 2, 32] bytes of 7 bits and xs
 * [tokens, columns/32] f32: a value is scale · (128 · high + low − 8192), with scale = largest magnitude / 8191; a block's
 * 32 high bytes come before its low ones.
 */
export function quantizeWide(
  x: usize,
  xq: usize,
  xs: usize,
  tokens: i32,
  columns: i32,
): void {
  const blocks = (tokens * columns) >> 5;
  for (let b = 0; b < blocks; b++) {
    let largest = f32x4.splat(0);
    for (let i: usize = 0; i < 128; i += 16) {
      largest = f32x4.max(largest, f32x4.abs(v128.load(x + i)));
    }
    const magnitude = maxLane(largest);
    const inverse = f32x4.splat(magnitude > 0 ? 8191 / magnitude : 0);
    store<f32>(xs, magnitude / 8191);
    for (let i: usize = 0; i < 2; i++) {
      const a = wide(x, inverse), c = wide(x + 32, inverse);
      const high = i8x16.narrow_i16x8_u(i16x8.shr_u(a, 7), i16x8.shr_u(c, 7));
      const mask = i16x8.splat(127);
      const low = i8x16.narrow_i16x8_u(v128.and(a, mask), v128.and(c, mask));
      v128.store(xq, high, 0);
      v128.store(xq, low, 32);
      x += 64;
      xq += 16;
    }
    xq += 32;
    xs += 4;
  }
}

/** Eight values, as whole numbers plus 8192: i16x8. */
// @ts-ignore: decorator
@inline
function wide(x: usize, inverse: v128): v128 {
  const low = round(v128.load(x, 0), inverse);
  const high = round(v128.load(x, 16), inverse);
  return i16x8.add(i16x8.narrow_i32x4_s(low, high), i16x8.splat(8192));
}

// @ts-ignore: decorator
@inline
function round(a: v128, inverse: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(a, inverse)));
}
