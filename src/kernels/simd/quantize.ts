// Activations to whole numbers, in the two forms that the products with quantised weights want.
import { maxLane, round, sumLane } from "./lanes";

/**
 * For weights of 4 bits. x [tokens, columns] f32 → xq [tokens, columns] int8 and xs [tokens, columns/32, 4] f32: the scale
 * (largest magnitude / 127) of either half of a block of 32, the sum of the values that the block's bytes stand for,
 * which is what the offset of a block of weights multiplies, and one that nobody reads.
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
      const magnitude = maxLane(f32x4.pmax(
        f32x4.pmax(f32x4.abs(a0), f32x4.abs(a1)),
        f32x4.pmax(f32x4.abs(a2), f32x4.abs(a3)),
      ));
      const scale: f32 = magnitude / 127;
      const inverse = f32x4.splat(magnitude > 0 ? 127 / magnitude : 0);
      const bytes = i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(round(f32x4.mul(a0, inverse)), round(f32x4.mul(a1, inverse))),
        i16x8.narrow_i32x4_s(round(f32x4.mul(a2, inverse)), round(f32x4.mul(a3, inverse))),
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
    xs += 8;
  }
}

/**
 * For weights of 8 bits. x [tokens, columns] f32 → xq [tokens, columns] i16 and xs [tokens, columns/32] f32, the scale of a
 * block of 32: largest magnitude / 32767.
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
      largest = f32x4.pmax(largest, f32x4.abs(v128.load(x + i)));
    }
    const magnitude = maxLane(largest);
    const inverse = f32x4.splat(magnitude > 0 ? 32767 / magnitude : 0);
    store<f32>(xs, magnitude / 32767);
    for (let i: usize = 0; i < 128; i += 32, xq += 16) {
      const low = round(f32x4.mul(v128.load(x + i), inverse));
      const high = round(f32x4.mul(v128.load(x + i, 16), inverse));
      v128.store(xq, i16x8.narrow_i32x4_s(low, high));
    }
    x += 128;
    xs += 4;
  }
}

