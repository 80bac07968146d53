// Products with weights of 4 bits (Q4_0 and Q4_1).
//
// Four rows are interleaved, so that each 32-bit lane of a vector belongs to one row. A block of four rows by 32 columns
// takes 80 bytes: 16 bytes with each row's scale d (lower half of a lane) and offset m (upper half) as f16, then four
// vectors of nibbles; in vector j the low nibbles of row r's four bytes are its weights 8j…8j+3, the high ones 8j+4…8j+7.
// A weight is d·nibble + m.
//
// Engines check the bounds of each access, so that a vector of activations is loaded once and its lanes are spread by
// shuffles, for as many rows or tokens as there are registers.
import { dotNibbles, halvesToFloats, HALF_BITS, HALF_POWER, lane0, lane1, lane2, lane3, madd, NIBBLES, ONES } from "./lanes";

const BLOCK: usize = 80;
/** Bytes of a block's scales and sum in the activations. */
const SCALES: usize = 16;

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
  const group = <usize> blocks * BLOCK;
  let t = 0;
  for (; t + 4 <= tokens; t += 4) {
    let v = w, out = y;
    for (let row = 0; row < rows; row += 4, v += group, out += 16) {
      fourTokens(v, xq, xs, out, yStride, blocks);
    }
    xq += xqStride << 2;
    xs += xsStride << 2;
    y += yStride << 2;
  }
  for (; t < tokens; t++) {
    let v = w, out = y;
    for (let row = 0; row < rows; row += 4, v += group, out += 16) {
      oneToken(v, xq, xs, out, blocks);
    }
    xq += xqStride;
    xs += xsStride;
    y += yStride;
  }
}

/** The products of two vectors of nibbles with 16 bytes of a token, summed by row: i16x8. */
// @ts-ignore: decorator
@inline
function dotHalf(low0: v128, high0: v128, low1: v128, high1: v128, x: v128): v128 {
  return i16x8.add(
    i16x8.add(dotNibbles(lane0(x), low0), dotNibbles(lane1(x), high0)),
    i16x8.add(dotNibbles(lane2(x), low1), dotNibbles(lane3(x), high1)),
  );
}

/** acc + d·(scale₀·sum₀ + scale₁·sum₁) + m·sum of values, for the two halves of one block of one token. */
// @ts-ignore: decorator
@inline
function addBlock(acc: v128, half0: v128, half1: v128, d: v128, m: v128, s: v128, ones: v128): v128 {
  const sum0 = f32x4.convert_i32x4_s(i32x4.dot_i16x8_s(half0, ones));
  const sum1 = f32x4.convert_i32x4_s(i32x4.dot_i16x8_s(half1, ones));
  const scaled = madd(sum1, lane1(s), f32x4.mul(sum0, lane0(s)));
  return madd(m, lane2(s), madd(d, scaled, acc));
}

/** acc + one block of four rows times one token. */
// @ts-ignore: decorator
@inline
function rowsBlock(
  acc: v128,
  w: usize,
  x0: v128,
  x1: v128,
  scales: v128,
  mask: v128,
  ones: v128,
  bits: v128,
  power: v128,
): v128 {
  const half0 = dotVectors(v128.load(w, 16), v128.load(w, 32), x0, mask);
  const half1 = dotVectors(v128.load(w, 48), v128.load(w, 64), x1, mask);
  const dm = v128.load(w);
  const d = halvesToFloats(i32x4.shl(dm, 16), bits, power);
  const m = halvesToFloats(dm, bits, power);
  return addBlock(acc, half0, half1, d, m, scales, ones);
}

/** As `dotHalf`, with nibbles not yet taken apart. */
// @ts-ignore: decorator
@inline
function dotVectors(v0: v128, v1: v128, x: v128, mask: v128): v128 {
  return dotHalf(low(v0, mask), high(v0, mask), low(v1, mask), high(v1, mask), x);
}

// @ts-ignore: decorator
@inline
function low(v: v128, mask: v128): v128 {
  return v128.and(v, mask);
}

// @ts-ignore: decorator
@inline
function high(v: v128, mask: v128): v128 {
  return v128.and(i16x8.shr_u(v, 4), mask);
}

/**
 * Four rows for one token. Eight at once would share the spreading of activations, but read the weights from two places in
 * turns; memory is faster by more than that gains where it is read from front to back.
 */
function oneToken(w: usize, x: usize, s: usize, y: usize, blocks: i32): void {
  const mask = v128.load(NIBBLES), ones = v128.load(ONES);
  const bits = v128.load(HALF_BITS), power = v128.load(HALF_POWER);
  let acc = f32x4.splat(0);
  for (; blocks > 0; blocks--) {
    const x0 = v128.load(x), x1 = v128.load(x, 16), scales = v128.load(s);
    acc = rowsBlock(acc, w, x0, x1, scales, mask, ones, bits, power);
    w += BLOCK;
    x += 32;
    s += SCALES;
  }
  v128.store(y, acc);
}

/** Four rows for four tokens, which share the taking apart of the weights. */
function fourTokens(
  w: usize,
  x0: usize,
  s0: usize,
  y: usize,
  yStride: usize,
  blocks: i32,
): void {
  const mask = v128.load(NIBBLES), ones = v128.load(ONES);
  const bits = v128.load(HALF_BITS), power = v128.load(HALF_POWER);
  const xStride = <usize> blocks << 5, sStride = <usize> blocks * SCALES;
  let x1 = x0 + xStride, x2 = x1 + xStride, x3 = x2 + xStride;
  let s1 = s0 + sStride, s2 = s1 + sStride, s3 = s2 + sStride;
  let acc0 = f32x4.splat(0), acc1 = acc0, acc2 = acc0, acc3 = acc0;
  for (; blocks > 0; blocks--) {
    const dm = v128.load(w);
    const d = halvesToFloats(i32x4.shl(dm, 16), bits, power);
    const m = halvesToFloats(dm, bits, power);
    let v = v128.load(w, 16);
    const l0 = low(v, mask), h0 = high(v, mask);
    v = v128.load(w, 32);
    const l1 = low(v, mask), h1 = high(v, mask);
    v = v128.load(w, 48);
    const l2 = low(v, mask), h2 = high(v, mask);
    v = v128.load(w, 64);
    const l3 = low(v, mask), h3 = high(v, mask);
    acc0 = addBlock(
      acc0,
      dotHalf(l0, h0, l1, h1, v128.load(x0)),
      dotHalf(l2, h2, l3, h3, v128.load(x0, 16)),
      d,
      m,
      v128.load(s0),
      ones,
    );
    acc1 = addBlock(
      acc1,
      dotHalf(l0, h0, l1, h1, v128.load(x1)),
      dotHalf(l2, h2, l3, h3, v128.load(x1, 16)),
      d,
      m,
      v128.load(s1),
      ones,
    );
    acc2 = addBlock(
      acc2,
      dotHalf(l0, h0, l1, h1, v128.load(x2)),
      dotHalf(l2, h2, l3, h3, v128.load(x2, 16)),
      d,
      m,
      v128.load(s2),
      ones,
    );
    acc3 = addBlock(
      acc3,
      dotHalf(l0, h0, l1, h1, v128.load(x3)),
      dotHalf(l2, h2, l3, h3, v128.load(x3, 16)),
      d,
      m,
      v128.load(s3),
      ones,
    );
    w += BLOCK;
    x0 += 32;
    s0 += SCALES;
    x1 += 32;
    s1 += SCALES;
    x2 += 32;
    s2 += SCALES;
    x3 += 32;
    s3 += SCALES;
  }
  v128.store(y, acc0);
  v128.store(y + yStride, acc1);
  v128.store(y + yStride * 2, acc2);
  v128.store(y + yStride * 3, acc3);
}
