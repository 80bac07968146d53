// Products with weights of 4 bits (Q4_0 and Q4_1).
//
// Four rows are interleaved, so that each 32-bit lane of a vector belongs to one row. A block of four rows by 32 columns
// takes 80 bytes: 16 bytes with each row's scale d (lower half of a lane) and offset m (upper half) as f16, then four
// vectors of nibbles; in vector j the low nibbles of row r's four bytes are its weights 8j…8j+3, the high ones 8j+4…8j+7.
// A weight is d·nibble + m.
import { dotNibbles, halvesToFloats, madd, NIBBLE } from "./lanes";

const BLOCK: usize = 80;

/**
 * y [tokens, yStride bytes] = W [rows, blocks·32] · x, rows a multiple of 4, x as `quantize` gives it.
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
  const xsStride = <usize> blocks << 3;
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

function step(low: v128, high: v128, x: usize): v128 {
  return i16x8.add(
    dotNibbles(v128.load32_splat(x, 0), low),
    dotNibbles(v128.load32_splat(x, 4), high),
  );
}

/** acc + d·scale·sum + m·scaledSum, for one block of one token. */
// @ts-ignore: decorator

function addBlock(acc: v128, sum: v128, d: v128, m: v128, s: usize): v128 {
  const dots = f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(sum));
  acc = madd(dots, f32x4.mul(d, v128.load32_splat(s, 0)), acc);
  return madd(m, v128.load32_splat(s, 4), acc);
}

function oneToken(w: usize, x: usize, s: usize, y: usize, blocks: i32): void {
  const mask = i8x16.splat(NIBBLE);
  let acc = f32x4.splat(0);
  for (let b = 0; b < blocks; b++) {
    const dm = v128.load(w, 0);
    const v0 = v128.load(w, 16), v1 = v128.load(w, 32);
    const v2 = v128.load(w, 48), v3 = v128.load(w, 64);
    const sum = i16x8.add(
      i16x8.add(
        step(v128.and(v0, mask), v128.and(i16x8.shr_u(v0, 4), mask), x),
        step(v128.and(v1, mask), v128.and(i16x8.shr_u(v1, 4), mask), x + 8),
      ),
      i16x8.add(
        step(v128.and(v2, mask), v128.and(i16x8.shr_u(v2, 4), mask), x + 16),
        step(v128.and(v3, mask), v128.and(i16x8.shr_u(v3, 4), mask), x + 24),
      ),
    );
    const d = halvesToFloats(i32x4.shl(dm, 16));
    acc = addBlock(acc, sum, d, halvesToFloats(dm), s);
    w += BLOCK;
    x += 32;
    s += 8;
  }
  v128.store(y, acc);
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
    const dm = v128.load(w, 0);
    const d = halvesToFloats(i32x4.shl(dm, 16)), m = halvesToFloats(dm);
    let sum0 = i16x8.splat(0), sum1 = i16x8.splat(0);
    let sum2 = i16x8.splat(0), sum3 = i16x8.splat(0);
    for (let j: usize = 0; j < 32; j += 8) {
      const v = v128.load(w + (j << 1), 16);
      const low = v128.and(v, mask);
      const high = v128.and(i16x8.shr_u(v, 4), mask);
      sum0 = i16x8.add(sum0, step(low, high, x0 + j));
      sum1 = i16x8.add(sum1, step(low, high, x1 + j));
      sum2 = i16x8.add(sum2, step(low, high, x2 + j));
      sum3 = i16x8.add(sum3, step(low, high, x3 + j));
    }
    acc0 = addBlock(acc0, sum0, d, m, s0);
    acc1 = addBlock(acc1, sum1, d, m, s1);
    acc2 = addBlock(acc2, sum2, d, m, s2);
    acc3 = addBlock(acc3, sum3, d, m, s3);
    w += BLOCK;
    x0 += 32;
    x1 += 32;
    x2 += 32;
    x3 += 32;
    s0 += 8;
    s1 += 8;
    s2 += 8;
    s3 += 8;
  }
  v128.store(y, acc0);
  v128.store(y + yStride, acc1);
  v128.store(y + yStride * 2, acc2);
  v128.store(y + yStride * 3, acc3);
}
