// Convolutions over slots.
import { madd, sumLane } from "./lanes";

/**
 * out [rows, count] = max(0, bias [rows] + weight [rows, width] · x[t · step …]), for t from 0 to count - 1: x is a row of
 * vectors of `step` values, of which each sum sees `width` values. width and step are multiples of 4.
 */
export function convolve(
  weight: usize,
  bias: usize,
  x: usize,
  out: usize,
  rows: i32,
  width: i32,
  step: i32,
  count: i32,
): void {
  const bytes = <usize> width << 2, stride = <usize> step << 2;
  // Four rows and two places at a time; at the ends the last ones are computed again.
  for (let r = 0; r < rows; r += 4) {
    const r1 = min(r + 1, rows - 1), r2 = min(r + 2, rows - 1);
    const r3 = min(r + 3, rows - 1);
    const w0 = weight + <usize> r * bytes, w1 = weight + <usize> r1 * bytes;
    const w2 = weight + <usize> r2 * bytes, w3 = weight + <usize> r3 * bytes;
    for (let t = 0; t < count; t += 2) {
      const next = min(t + 1, count - 1);
      const x0 = x + <usize> t * stride, x1 = x + <usize> next * stride;
      let a0 = f32x4.splat(0), a1 = f32x4.splat(0);
      let a2 = f32x4.splat(0), a3 = f32x4.splat(0);
      let b0 = f32x4.splat(0), b1 = f32x4.splat(0);
      let b2 = f32x4.splat(0), b3 = f32x4.splat(0);
      for (let i: usize = 0; i < bytes; i += 16) {
        const a = v128.load(x0 + i), b = v128.load(x1 + i);
        const u0 = v128.load(w0 + i), u1 = v128.load(w1 + i);
        const u2 = v128.load(w2 + i), u3 = v128.load(w3 + i);
        a0 = madd(u0, a, a0);
        a1 = madd(u1, a, a1);
        a2 = madd(u2, a, a2);
        a3 = madd(u3, a, a3);
        b0 = madd(u0, b, b0);
        b1 = madd(u1, b, b1);
        b2 = madd(u2, b, b2);
        b3 = madd(u3, b, b3);
      }
      put(out, bias, r, count, t, a0, next, b0);
      put(out, bias, r1, count, t, a1, next, b1);
      put(out, bias, r2, count, t, a2, next, b2);
      put(out, bias, r3, count, t, a3, next, b3);
    }
  }
}

/** Writes what a row gives at two places. */
// @ts-ignore: decorator
@inline
function put(
  out: usize,
  bias: usize,
  row: i32,
  count: i32,
  s: i32,
  a: v128,
  t: i32,
  b: v128,
): void {
  const own = load<f32>(bias + (<usize> row << 2));
  const to = out + (<usize> (row * count) << 2);
  store<f32>(to + (<usize> s << 2), max<f32>(0, own + sumLane(a)));
  store<f32>(to + (<usize> t << 2), max<f32>(0, own + sumLane(b)));
}
