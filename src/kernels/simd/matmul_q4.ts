// Products with weights of 4 bits (Q4_0 and Q4_1).
//
// Four rows are interleaved, so that each 32-bit lane of a vector belongs to one row. A block of four rows by 32 columns
// takes 80 bytes: 16 bytes with each row's scale d (lower half of a lane) and offset m (upper half) as f16, then four
// vectors of nibbles; in vector j the low nibbles of row r's four bytes are its weights 8j…8j+3, the high ones 8j+4…8j+7.
// A weight is d·nibble + m.
import { dotNibbles, halvesToFloats, madd, NIBBLE } from "./lanes";

const BLOCK: usize = 80;
/** Bytes of a block's scales and sum. */
const SCALES: usize = 12;

/**
 * y [tokens, yStride bytes] = W [rows, blocks·32] · x, rows a multiple of 4, x as `quantizeNarrow` gives it.
 */
export function matmulQ4(
  w: usize,
  xq: usize,
  xs: usize,
  y: usize,
  yStride: usize,
  rows: i32,
  blocks: i32,
  tokens: i32,
): void {
  const xqStride = <usize> blocks << 5;
  const xsStride = <usize> blocks * SCALES;
  for (let row = 0; row < rows; row += 4) {
    let q = xq, s = xs, out = y, t = 0;
    for (; t + 4 <= tokens; t += 4) {
      fourTokens(w, q, s, out, yStride, blocks, xqStride, xsStride);
      q += xqStride << 2;
      s += xsStride << 2;
      out += yStride << 2;
    }
    for (; t < tokens; t++) {
      oneToken(w, q, s, out, blocks);
      q += xqStride;
      s += xsStride;
      out += yStride;
    }
    w += <usize> blocks * BLOCK;
    y += 16;
  }
}

/** 8 weights of each of four rows, from one vector of nibbles, with 8 bytes of one token. */
// @ts-ignore: decorator
@inline
function step(low: v128, high: v128, x: usize): v128 {
  return i16x8.add(
    dotNibbles(v128.load32_splat(x, 0), low),
    dotNibbles(v128.load32_splat(x, 4), high),
  );
}

/** acc + d·(scale₀·sum₀ + scale₁·sum₁) + m·sum of values, for the two halves of one block of one token. */
// @ts-ignore: decorator
@inline
function addBlock(
  acc: v128,
  half0: v128,
  half1: v128,
  d: v128,
  m: v128,
  s: usize,
): v128 {
  const sum0 = f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(half0));
  const sum1 = f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(half1));
  acc = madd(sum0, f32x4.mul(d, v128.load32_splat(s, 0)), acc);
  acc = madd(sum1, f32x4.mul(d, v128.load32_splat(s, 4)), acc);
  return madd(m, v128.load32_splat(s, 8), acc);
}

function oneToken(w: usize, x: usize, s: usize, y: usize, blocks: i32): void {
  let acc = f32x4.splat(0);
  for (let b = 0; b < blocks; b++) {
    const dm = v128.load(w);
    const d = halvesToFloats(i32x4.shl(dm, 16));
    const half0 = i16x8.add(
      dotVector(v128.load(w, 16), x),
      dotVector(v128.load(w, 32), x + 8),
    );
    const half1 = i16x8.add(
      dotVector(v128.load(w, 48), x + 16),
      dotVector(v128.load(w, 64), x + 24),
    );
    acc = addBlock(acc, half0, half1, d, halvesToFloats(dm), s);
    w += BLOCK;
    x += 32;
    s += SCALES;
  }
  v128.store(y, acc);
}

/** As `step`, with the nibbles of `v` not yet taken apart. */
// @ts-ignore: decorator
@inline
function dotVector(v: v128, x: usize): v128 {
  const mask = i8x16.splat(NIBBLE);
  return step(v128.and(v, mask), v128.and(i16x8.shr_u(v, 4), mask), x);
}

/** As `oneToken` for four tokens, so that a block's nibbles and scales are unpacked once. */
function fourTokens(
  w: usize,
  x0: usize,
  s0: usize,
  y: usize,
  yStride: usize,
  blocks: i32,
  xStride: usize,
  sStride: usize,
): void {
  const mask = i8x16.splat(NIBBLE);
  let x1 = x0 + xStride, x2 = x1 + xStride, x3 = x2 + xStride;
  let s1 = s0 + sStride, s2 = s1 + sStride, s3 = s2 + sStride;
  let acc0 = f32x4.splat(0), acc1 = f32x4.splat(0);
  let acc2 = f32x4.splat(0), acc3 = f32x4.splat(0);
  for (let b = 0; b < blocks; b++) {
    const dm = v128.load(w);
    const d = halvesToFloats(i32x4.shl(dm, 16)), m = halvesToFloats(dm);
    let v = v128.load(w, 16);
    let low = v128.and(v, mask), high = v128.and(i16x8.shr_u(v, 4), mask);
    let a0 = step(low, high, x0), a1 = step(low, high, x1);
    let a2 = step(low, high, x2), a3 = step(low, high, x3);
    v = v128.load(w, 32);
    low = v128.and(v, mask);
    high = v128.and(i16x8.shr_u(v, 4), mask);
    a0 = i16x8.add(a0, step(low, high, x0 + 8));
    a1 = i16x8.add(a1, step(low, high, x1 + 8));
    a2 = i16x8.add(a2, step(low, high, x2 + 8));
    a3 = i16x8.add(a3, step(low, high, x3 + 8));
    v = v128.load(w, 48);
    low = v128.and(v, mask);
    high = v128.and(i16x8.shr_u(v, 4), mask);
    let b0 = step(low, high, x0 + 16), b1 = step(low, high, x1 + 16);
    let b2 = step(low, high, x2 + 16), b3 = step(low, high, x3 + 16);
    v = v128.load(w, 64);
    low = v128.and(v, mask);
    high = v128.and(i16x8.shr_u(v, 4), mask);
    b0 = i16x8.add(b0, step(low, high, x0 + 24));
    b1 = i16x8.add(b1, step(low, high, x1 + 24));
    b2 = i16x8.add(b2, step(low, high, x2 + 24));
    b3 = i16x8.add(b3, step(low, high, x3 + 24));
    acc0 = addBlock(acc0, a0, b0, d, m, s0);
    acc1 = addBlock(acc1, a1, b1, d, m, s1);
    acc2 = addBlock(acc2, a2, b2, d, m, s2);
    acc3 = addBlock(acc3, a3, b3, d, m, s3);
    w += BLOCK;
    x0 += 32;
    x1 += 32;
    x2 += 32;
    x3 += 32;
    s0 += SCALES;
    s1 += SCALES;
    s2 += SCALES;
    s3 += SCALES;
  }
  v128.store(y, acc0);
  v128.store(y + yStride, acc1);
  v128.store(y + yStride * 2, acc2);
  v128.store(y + yStride * 3, acc3);
}
