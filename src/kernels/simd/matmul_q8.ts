// Products with weights of 8 bits (Q8_0).
//
// Activations go in with 16 bits, which an output head is worth: the machine multiplies 16 bits by 16 as fast as it would
// multiply weights with two bytes, and needs no correction for their signs.
//
// Four rows are interleaved; a block of four rows by 32 columns takes 136 bytes: four f16 scales, then eight vectors with
// each row's weights 4j…4j+3.
import { HALF_BITS, HALF_POWER, halvesToFloats, madd } from "./lanes";

const BLOCK: usize = 136;

/**
 * y [tokens, yStride bytes] = W [rows, blocks·32] · x, rows a multiple of 4, x as `quantizeWide` gives it.
 */
export function matmulQ8(
  w: usize,
  xq: usize,
  xs: usize,
  y: usize,
  yStride: usize,
  rows: i32,
  blocks: i32,
  tokens: i32,
): void {
  const xqStride = <usize> blocks << 6;
  const xsStride = <usize> blocks << 2;
  for (let row = 0; row < rows; row += 4) {
    let q = xq, s = xs, out = y, t = 0;
    for (; t + 4 <= tokens; t += 4) {
      fourTokens(w, q, s, out, yStride, blocks);
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

/** The sums of neighbours of a and then of b: of each row's two halves. */
// @ts-ignore: decorator
@inline
function sumNeighbours(a: v128, b: v128): v128 {
  return i32x4.add(
    v128.shuffle<i32>(a, b, 0, 2, 4, 6),
    v128.shuffle<i32>(a, b, 1, 3, 5, 7),
  );
}

// @ts-ignore: decorator
@inline
function scales(w: usize, bits: v128, power: v128): v128 {
  return halvesToFloats(i32x4.shl(v128.load16x4_u(w), 16), bits, power);
}

/** sum + four columns of two rows, from bytes that `v` gives, with four columns of a token. */
// @ts-ignore: decorator
@inline
function step(sum: v128, rows: v128, four: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(rows, four));
}

/** acc + one block of four rows times one token, from the sums of the rows' halves. */
// @ts-ignore: decorator
@inline
function addBlock(acc: v128, upper: v128, lower: v128, scale: v128, s: usize): v128 {
  const sums = f32x4.convert_i32x4_s(sumNeighbours(upper, lower));
  return madd(sums, f32x4.mul(scale, v128.load32_splat(s)), acc);
}

function oneToken(w: usize, x: usize, s: usize, y: usize, blocks: i32): void {
  const bits = v128.load(HALF_BITS), power = v128.load(HALF_POWER);
  let acc = f32x4.splat(0);
  for (; blocks > 0; blocks--) {
    let upper = i32x4.splat(0), lower = upper;
    const x0 = v128.load(x);
    const f0 = v128.shuffle<i64>(x0, x0, 0, 0);
    upper = step(upper, v128.load8x8_s(w, 8), f0);
    lower = step(lower, v128.load8x8_s(w, 16), f0);
    const f1 = v128.shuffle<i64>(x0, x0, 1, 1);
    upper = step(upper, v128.load8x8_s(w, 24), f1);
    lower = step(lower, v128.load8x8_s(w, 32), f1);
    const x1 = v128.load(x, 16);
    const f2 = v128.shuffle<i64>(x1, x1, 0, 0);
    upper = step(upper, v128.load8x8_s(w, 40), f2);
    lower = step(lower, v128.load8x8_s(w, 48), f2);
    const f3 = v128.shuffle<i64>(x1, x1, 1, 1);
    upper = step(upper, v128.load8x8_s(w, 56), f3);
    lower = step(lower, v128.load8x8_s(w, 64), f3);
    const x2 = v128.load(x, 32);
    const f4 = v128.shuffle<i64>(x2, x2, 0, 0);
    upper = step(upper, v128.load8x8_s(w, 72), f4);
    lower = step(lower, v128.load8x8_s(w, 80), f4);
    const f5 = v128.shuffle<i64>(x2, x2, 1, 1);
    upper = step(upper, v128.load8x8_s(w, 88), f5);
    lower = step(lower, v128.load8x8_s(w, 96), f5);
    const x3 = v128.load(x, 48);
    const f6 = v128.shuffle<i64>(x3, x3, 0, 0);
    upper = step(upper, v128.load8x8_s(w, 104), f6);
    lower = step(lower, v128.load8x8_s(w, 112), f6);
    const f7 = v128.shuffle<i64>(x3, x3, 1, 1);
    upper = step(upper, v128.load8x8_s(w, 120), f7);
    lower = step(lower, v128.load8x8_s(w, 128), f7);
    acc = addBlock(acc, upper, lower, scales(w, bits, power), s);
    w += BLOCK;
    x += 64;
    s += 4;
  }
  v128.store(y, acc);
}

/** As `oneToken` for four tokens, which share the reading of the weights. */
function fourTokens(
  w: usize,
  x0: usize,
  s: usize,
  y: usize,
  yStride: usize,
  blocks: i32,
): void {
  const xStride = <usize> blocks << 6, sStride = <usize> blocks << 2;
  let x1 = x0 + xStride, x2 = x1 + xStride, x3 = x2 + xStride;
  let acc0 = f32x4.splat(0), acc1 = acc0, acc2 = acc0, acc3 = acc0;
  for (; blocks > 0; blocks--) {
    let upper0 = i32x4.splat(0), upper1 = upper0, upper2 = upper0, upper3 = upper0;
    let lower0 = upper0, lower1 = upper0, lower2 = upper0, lower3 = upper0;
    let v = w + 8;
    for (const end = x0 + 64; x0 < end; v += 16) {
      const a = v128.load8x8_s(v), b = v128.load8x8_s(v, 8);
      let four = v128.load64_splat(x0);
      upper0 = step(upper0, a, four), lower0 = step(lower0, b, four);
      four = v128.load64_splat(x1);
      upper1 = step(upper1, a, four), lower1 = step(lower1, b, four);
      four = v128.load64_splat(x2);
      upper2 = step(upper2, a, four), lower2 = step(lower2, b, four);
      four = v128.load64_splat(x3);
      upper3 = step(upper3, a, four), lower3 = step(lower3, b, four);
      x0 += 8, x1 += 8, x2 += 8, x3 += 8;
    }
    const scale = scales(w, v128.load(HALF_BITS), v128.load(HALF_POWER));
    acc0 = addBlock(acc0, upper0, lower0, scale, s);
    acc1 = addBlock(acc1, upper1, lower1, scale, s + sStride);
    acc2 = addBlock(acc2, upper2, lower2, scale, s + sStride * 2);
    acc3 = addBlock(acc3, upper3, lower3, scale, s + sStride * 3);
    w += BLOCK;
    s += 4;
  }
  v128.store(y, acc0);
  v128.store(y + yStride, acc1);
  v128.store(y + yStride * 2, acc2);
  v128.store(y + yStride * 3, acc3);
}
