// Operations on single vectors of f32; every length is a multiple of 4.
import { exp, madd, ONE, sumLane } from "./lanes";

/** y [tokens, columns] = x / √(mean(x²) + epsilon) · weight [columns], row by row. */
export function rmsNorm(
  x: usize,
  weight: usize,
  y: usize,
  tokens: i32,
  columns: i32,
  epsilon: f32,
): void {
  const bytes = <usize> columns << 2;
  for (let t = 0; t < tokens; t++) {
    let squares = f32x4.splat(0);
    for (let i: usize = 0; i < bytes; i += 16) {
      const v = v128.load(x + i);
      squares = madd(v, v, squares);
    }
    const mean: f32 = sumLane(squares) / <f32> columns;
    const scale = f32x4.splat(<f32> 1 / sqrt<f32>(mean + epsilon));
    for (let i: usize = 0; i < bytes; i += 16) {
      const v = f32x4.mul(v128.load(x + i), scale);
      v128.store(y + i, f32x4.mul(v, v128.load(weight + i)));
    }
    x += bytes;
    y += bytes;
  }
}

/** x += y, both [tokens, columns]. */
export function add(x: usize, y: usize, tokens: i32, columns: i32): void {
  const end = x + (<usize> (tokens * columns) << 2);
  for (; x < end; x += 16, y += 16) {
    v128.store(x, f32x4.add(v128.load(x), v128.load(y)));
  }
}

/** x ← x · (1 + share · gain) + share · offset, `width` values of each of `tokens` rows that are `stride` bytes apart. */
export function correct(
  x: usize,
  gain: usize,
  offset: usize,
  share: f32,
  width: i32,
  stride: usize,
  tokens: i32,
): void {
  const one = f32x4.splat(1), s = f32x4.splat(share);
  const bytes = <usize> width << 2;
  for (let t = 0; t < tokens; t++) {
    for (let i: usize = 0; i < bytes; i += 16) {
      const factor = madd(s, v128.load(gain + i), one);
      const shift = f32x4.mul(s, v128.load(offset + i));
      v128.store(x + i, madd(v128.load(x + i), factor, shift));
    }
    x += stride;
  }
}

/** to [vectors, count] ← from, whose vectors are `stride` bytes apart. */
export function copy(from: usize, stride: usize, to: usize, vectors: i32, count: i32): void {
  const bytes = <usize> count << 2;
  for (; vectors > 0; vectors--, from += stride, to += bytes) {
    memory.copy(to, from, bytes);
  }
}

/** out += weight · x, `count` values. */
export function addScaled(
  out: usize,
  x: usize,
  weight: f32,
  count: i32,
): void {
  const w = f32x4.splat(weight);
  const end = x + (<usize> count << 2);
  for (; x < end; x += 16, out += 16) {
    v128.store(out, madd(w, v128.load(x), v128.load(out)));
  }
}

/** gate ← gate · sigmoid(gate) · up (SwiGLU), `width` values of each of `tokens` rows that are `stride` bytes apart. */
export function swiglu(gate: usize, up: usize, width: i32, stride: usize, tokens: i32): void {
  const one = v128.load(ONE);
  const bytes = <usize> width << 2;
  for (let t = 0; t < tokens; t++, gate += stride, up += stride) {
    for (let i: usize = 0; i < bytes; i += 16) {
      const g = v128.load(gate + i);
      const sigmoid = f32x4.div(one, f32x4.add(one, exp(f32x4.neg(g))));
      v128.store(gate + i, f32x4.mul(f32x4.mul(g, sigmoid), v128.load(up + i)));
    }
  }
}

/**
 * Rotates the first `rotated` values (a multiple of 4) of each of `heads` vectors of `headDim` in place, in neighbouring
 * pairs: (a, b) → (a·cos − b·sin, b·cos + a·sin). A row of `table` holds `rotated` values with each cosine twice, then
 * `rotated` values with each sine twice, the first of them negated; of `tokens` rows that are `stride` bytes apart, each has
 * its own.
 */
export function rotate(
  x: usize,
  stride: usize,
  table: usize,
  tokens: i32,
  heads: i32,
  headDim: i32,
  rotated: i32,
): void {
  for (; tokens > 0; tokens--, x += stride, table += <usize> rotated << 3) {
    rotateHeads(x, table, heads, headDim, rotated);
  }
}

// @ts-ignore: decorator
@inline
function rotateHeads(x: usize, table: usize, heads: i32, headDim: i32, rotated: i32): void {
  const bytes = <usize> rotated << 2;
  for (let h = 0; h < heads; h++) {
    for (let i: usize = 0; i < bytes; i += 16) {
      const v = v128.load(x + i);
      const swapped = v128.shuffle<f32>(v, v, 1, 0, 3, 2);
      const turned = f32x4.mul(v, v128.load(table + i));
      const sine = v128.load(table + bytes + i);
      v128.store(x + i, madd(swapped, sine, turned));
    }
    x += <usize> headDim << 2;
  }
}
