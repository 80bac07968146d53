// Activations to 8 bits, in blocks of 32.
import { maxLane, sumLane } from "./lanes";

/**
 * x [tokens, columns] f32 → xq [tokens, columns] int8 and xs [tokens, columns/32, 2] f32: each block's scale (its largest
 * magnitude / 127) and its scale times the sum of its bytes, which is what the offset of a Q4_1 weight block multiplies.
 */
export function quantize(
  x: usize,
  xq: usize,
  xs: usize,
  tokens: i32,
  columns: i32,
): void {
  const blocks = (tokens * columns) >> 5;
  for (let b = 0; b < blocks; b++) {
    const a0 = v128.load(x, 0), a1 = v128.load(x, 16);
    const a2 = v128.load(x, 32), a3 = v128.load(x, 48);
    const a4 = v128.load(x, 64), a5 = v128.load(x, 80);
    const a6 = v128.load(x, 96), a7 = v128.load(x, 112);
    const largest = f32x4.max(
      f32x4.max(
        f32x4.max(f32x4.abs(a0), f32x4.abs(a1)),
        f32x4.max(f32x4.abs(a2), f32x4.abs(a3)),
      ),
      f32x4.max(
        f32x4.max(f32x4.abs(a4), f32x4.abs(a5)),
        f32x4.max(f32x4.abs(a6), f32x4.abs(a7)),
      ),
    );
    const magnitude = maxLane(largest);
    const scale: f32 = magnitude / 127;
    const inverse = f32x4.splat(magnitude > 0 ? 127 / magnitude : 0);
    const low = narrow(a0, a1, a2, a3, inverse);
    const high = narrow(a4, a5, a6, a7, inverse);
    v128.store(xq, low, 0);
    v128.store(xq, high, 16);
    const pairs = i16x8.add(
      i16x8.extadd_pairwise_i8x16_s(low),
      i16x8.extadd_pairwise_i8x16_s(high),
    );
    const sum = sumLane(
      f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(pairs)),
    );
    store<f32>(xs, scale, 0);
    store<f32>(xs, scale * sum, 4);
    x += 128;
    xq += 32;
    xs += 8;
  }
}

// @ts-ignore: decorator

function narrow(a: v128, b: v128, c: v128, d: v128, inverse: v128): v128 {
  return i8x16.narrow_i16x8_s(
    i16x8.narrow_i32x4_s(round(a, inverse), round(b, inverse)),
    i16x8.narrow_i32x4_s(round(c, inverse), round(d, inverse)),
  );
}

// @ts-ignore: decorator

function round(a: v128, inverse: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(a, inverse)));
}
