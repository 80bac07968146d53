// Attention over slots in 8 bits.
import { addScaled, LIFT, placeOf, rowBytes, TILE, weigh } from "./attend";
import { lane0, lane1, lane2, lane3, largest, scaled } from "./lanes";

/** Bytes of a vector's scale, f32. */
const SCALE: usize = 4;

/**
 * As `attend`, over keys and values in 8 bits. headDim is a multiple of 16. scratch: TILE rows of words, one a slot and 8
 * more; then TILE queries of headDim words. A query goes in with 16 bits, attention weights with 15.
 */
export function attendInt8(
  q: usize,
  out: usize,
  stride: usize,
  keys: usize,
  keyScales: usize,
  values: usize,
  valueScales: usize,
  bias: usize,
  scores: usize,
  scratch: usize,
  mass: usize,
  heads: i32,
  headDim: i32,
  base: i32,
  tokens: i32,
  scale: f32,
  lifts: usize,
  liftFrom: i32,
  liftTo: i32,
): void {
  const headBytes = <usize> headDim << 2;
  const width = rowBytes(base + tokens);
  const wordWidth = <usize> ((base + tokens + 7) & ~7) << 1;
  const queryBytes = <usize> headDim << 1;
  const words = scratch + wordWidth * TILE;
  const queries = heads * tokens;
  for (let first = 0; first < queries; first += TILE) {
    // A tile that is not full has its last query several times, in the same place.
    const last = min(first + TILE, queries) - 1;
    const second = min(first + 1, last);
    const slots = base + last / heads + 1;
    const row1 = <usize> (second - first), row2 = <usize> (last - first);
    for (let i = first, to = words, row = scores; i <= last; i++) {
      const from = q + placeOf(i, heads, stride, headBytes);
      store<f32>(row + width - 4, widen(from, to, headDim));
      to += queryBytes;
      row += width;
    }
    score(
      words, words + row1 * queryBytes, words + row2 * queryBytes,
      keys, keyScales, scores, scores + row1 * width, scores + row2 * width, slots, headDim,
    );
    for (let i = first, row = scores, to = scratch; i <= last; i++) {
      const seen = base + i / heads + 1;
      const lifted = lifts ? lifts + <usize> (i % heads) * LIFT : 0;
      const factor = scale * load<f32>(row + width - 4);
      const share = weigh(row, seen, slots, factor, bias, lifted, liftFrom, liftTo);
      if (mass) addScaled(mass, row, share, seen);
      store<f32>(row + width - 4, toWords(row, share, valueScales, to, slots));
      row += width;
      to += wordWidth;
    }
    mix(
      scratch, scratch + row1 * wordWidth, scratch + row2 * wordWidth, values,
      out + placeOf(first, heads, stride, headBytes), load<f32>(scores + width - 4),
      out + placeOf(second, heads, stride, headBytes), load<f32>(scores + (row1 + 1) * width - 4),
      out + placeOf(last, heads, stride, headBytes), load<f32>(scores + (row2 + 1) * width - 4),
      slots, headDim,
    );
  }
}

/** A query in whole numbers of 16 bits; gives what a unit is worth. */
// @ts-ignore: decorator
@inline
function widen(q: usize, words: usize, headDim: i32): f32 {
  const magnitude = largest(q, headDim);
  const inverse = f32x4.splat(magnitude > 0 ? 32767 / magnitude : 0);
  for (let i = 0; i < headDim; i += 8, q += 32, words += 16) {
    const low = scaled(q, 0, inverse), high = scaled(q, 16, inverse);
    v128.store(words, i16x8.narrow_i32x4_s(low, high));
  }
  return magnitude / 32767;
}

/** Rows of scores = q·keys of three queries, as `score` of f32 slots has them; a query's unit is left out. */
function score(
  q0: usize,
  q1: usize,
  q2: usize,
  keys: usize,
  scales: usize,
  row0: usize,
  row1: usize,
  row2: usize,
  slots: i32,
  headDim: i32,
): void {
  const bytes = <usize> headDim;
  const last = keys + <usize> (slots - 1) * bytes;
  const lastScale = scales + <usize> (slots - 1) * SCALE;
  for (let s = 0; s < slots; s += 3) {
    const k1 = min(keys + bytes, last), k2 = min(k1 + bytes, last);
    let a0 = i32x4.splat(0), a1 = a0, a2 = a0;
    let b0 = a0, b1 = a0, b2 = a0;
    let c0 = a0, c1 = a0, c2 = a0;
    for (let i: usize = 0; i < bytes; i += 8) {
      const j = i << 1;
      const u = v128.load(q0 + j), v = v128.load(q1 + j), w = v128.load(q2 + j);
      let k = v128.load8x8_s(keys + i);
      a0 = step(a0, u, k), b0 = step(b0, v, k), c0 = step(c0, w, k);
      k = v128.load8x8_s(k1 + i);
      a1 = step(a1, u, k), b1 = step(b1, v, k), c1 = step(c1, w, k);
      k = v128.load8x8_s(k2 + i);
      a2 = step(a2, u, k), b2 = step(b2, v, k), c2 = step(c2, w, k);
    }
    const m1 = min(scales + SCALE, lastScale), m2 = min(m1 + SCALE, lastScale);
    const pair = v128.shuffle<f32>(v128.load32_zero(scales), v128.load32_zero(m1), 0, 4, 1, 1);
    const units = v128.shuffle<f32>(pair, v128.load32_zero(m2), 0, 1, 4, 4);
    v128.store(row0, f32x4.mul(f32x4.convert_i32x4_s(sumLanesInt(a0, a1, a2, a2)), units));
    v128.store(row1, f32x4.mul(f32x4.convert_i32x4_s(sumLanesInt(b0, b1, b2, b2)), units));
    v128.store(row2, f32x4.mul(f32x4.convert_i32x4_s(sumLanesInt(c0, c1, c2, c2)), units));
    keys = min(k2 + bytes, last);
    scales = min(m2 + SCALE, lastScale);
    row0 += 12, row1 += 12, row2 += 12;
  }
}

// @ts-ignore: decorator
@inline
function step(acc: v128, a: v128, b: v128): v128 {
  return i32x4.add(acc, i32x4.dot_i16x8_s(a, b));
}

/** The sums of the four lanes of a, b, c and d, as one vector. */
// @ts-ignore: decorator
@inline
function sumLanesInt(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(
    v128.shuffle<i32>(a, b, 0, 4, 1, 5),
    v128.shuffle<i32>(a, b, 2, 6, 3, 7),
  );
  const cd = i32x4.add(
    v128.shuffle<i32>(c, d, 0, 4, 1, 5),
    v128.shuffle<i32>(c, d, 2, 6, 3, 7),
  );
  return i32x4.add(
    v128.shuffle<i32>(ab, cd, 0, 1, 4, 5),
    v128.shuffle<i32>(ab, cd, 2, 3, 6, 7),
  );
}

/**
 * Attention times each value's scale, as whole numbers of at most 15 bits whose sum, times a byte, fits into 32 bits; behind
 * the last slot, up to eight, they are 0. Gives what a unit is worth.
 */
// @ts-ignore: decorator
@inline
function toWords(
  weights: usize,
  share: f32,
  scales: usize,
  words: usize,
  slots: i32,
): f32 {
  let most: f32 = 0, sum: f32 = 0;
  for (let s = 0; s < slots; s++, scales += SCALE) {
    const at = weights + (<usize> s << 2);
    const value = load<f32>(at) * load<f32>(scales);
    store<f32>(at, value);
    most = max<f32>(most, value);
    sum += value;
  }
  const unit: f32 = most > 0 ? max<f32>(most / 32767, sum / 16900000) : 1;
  const inverse = f32x4.splat(<f32> 1 / unit);
  const end = weights + (<usize> slots << 2);
  store<f32>(end, 0), store<f32>(end, 0, 4), store<f32>(end, 0, 8);
  const whole = <usize> ((slots + 3) & ~3) << 2;
  for (let i: usize = 0; i < whole; i += 16, words += 8) {
    const rounded = scaled(weights + i, 0, inverse);
    v128.store64_lane(words, i16x8.narrow_i32x4_s(rounded, rounded), 0);
  }
  store<u64>(words, 0);
  return unit * share;
}

/** out = unit · Σ row[s] · values[s] for three queries, eight values of the head and two slots at a time. */
function mix(
  row0: usize,
  row1: usize,
  row2: usize,
  values: usize,
  out0: usize,
  unit0: f32,
  out1: usize,
  unit1: f32,
  out2: usize,
  unit2: f32,
  slots: i32,
  headDim: i32,
): void {
  const bytes = <usize> headDim;
  for (let d: usize = 0; d < bytes; d += 8) {
    let a0 = i32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0;
    let v = values + d;
    for (let s: usize = 0; s < <usize> slots << 1; s += 16) {
      const p = v128.load(row0 + s), q = v128.load(row1 + s);
      const r = v128.load(row2 + s);
      let x = v128.load8x8_s(v), y = v128.load8x8_s(v + bytes);
      let x0 = interleaveLow(x, y), x1 = interleaveHigh(x, y);
      let w = lane0(p);
      a0 = step(a0, x0, w), a1 = step(a1, x1, w);
      w = lane0(q);
      b0 = step(b0, x0, w), b1 = step(b1, x1, w);
      w = lane0(r);
      c0 = step(c0, x0, w), c1 = step(c1, x1, w);
      v += bytes << 1;
      x = v128.load8x8_s(v), y = v128.load8x8_s(v + bytes);
      x0 = interleaveLow(x, y), x1 = interleaveHigh(x, y);
      w = lane1(p);
      a0 = step(a0, x0, w), a1 = step(a1, x1, w);
      w = lane1(q);
      b0 = step(b0, x0, w), b1 = step(b1, x1, w);
      w = lane1(r);
      c0 = step(c0, x0, w), c1 = step(c1, x1, w);
      v += bytes << 1;
      x = v128.load8x8_s(v), y = v128.load8x8_s(v + bytes);
      x0 = interleaveLow(x, y), x1 = interleaveHigh(x, y);
      w = lane2(p);
      a0 = step(a0, x0, w), a1 = step(a1, x1, w);
      w = lane2(q);
      b0 = step(b0, x0, w), b1 = step(b1, x1, w);
      w = lane2(r);
      c0 = step(c0, x0, w), c1 = step(c1, x1, w);
      v += bytes << 1;
      x = v128.load8x8_s(v), y = v128.load8x8_s(v + bytes);
      x0 = interleaveLow(x, y), x1 = interleaveHigh(x, y);
      w = lane3(p);
      a0 = step(a0, x0, w), a1 = step(a1, x1, w);
      w = lane3(q);
      b0 = step(b0, x0, w), b1 = step(b1, x1, w);
      w = lane3(r);
      c0 = step(c0, x0, w), c1 = step(c1, x1, w);
      v += bytes << 1;
    }
    storePair(out0 + (d << 2), a0, a1, unit0);
    storePair(out1 + (d << 2), b0, b1, unit1);
    storePair(out2 + (d << 2), c0, c1, unit2);
  }
}

// @ts-ignore: decorator
@inline
function interleaveLow(x: v128, y: v128): v128 {
  return v128.shuffle<i16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function interleaveHigh(x: v128, y: v128): v128 {
  return v128.shuffle<i16>(x, y, 4, 12, 5, 13, 6, 14, 7, 15);
}

// @ts-ignore: decorator
@inline
function storePair(out: usize, a: v128, b: v128, unit: f32): void {
  const factor = f32x4.splat(unit);
  v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(a), factor), 0);
  v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(b), factor), 16);
}
