// Attention of the query heads that share one key/value head, over the slots of one dialogue.
import { exp, lane0, lane1, lane2, lane3, madd, maxLane, sumLane, sumLanes } from "./lanes";

/** Queries that are handled together, so that a key or value is loaded once for all of them. */
export const TILE = 3;

/**
 * out [tokens, heads, headDim] = softmax(q·Kᵀ·scale + bias)·V. Token t sees slots 0 … base + t.
 *
 * q and out: [tokens, stride bytes], the group's heads side by side from the start of a row. keys, values:
 * [slots, headDim] f32. bias: [slots] f32, or 0 for none. scores: scratch, TILE rows of base + tokens floats, rounded up to
 * 4. mass: [slots] f32 to which each slot's attention is added, over all tokens and heads, or 0 for none. headDim is a
 * multiple of 4. lifts: [heads, 3] f32, or 0 for none: a factor on the head's logits, and what is added to that of slot 0
 * and to those of slots liftFrom … liftTo - 1.
 */
export function attend(
  q: usize,
  out: usize,
  stride: usize,
  keys: usize,
  values: usize,
  bias: usize,
  scores: usize,
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
  const queries = heads * tokens;
  for (let first = 0; first < queries; first += TILE) {
    // A tile that is not full has its last query several times, in the same place.
    const last = min(first + TILE, queries) - 1;
    const second = min(first + 1, last);
    const slots = base + last / heads + 1;
    const row1 = scores + <usize> (second - first) * width;
    const row2 = scores + <usize> (last - first) * width;
    const at0 = placeOf(first, heads, stride, headBytes);
    const at1 = placeOf(second, heads, stride, headBytes);
    const at2 = placeOf(last, heads, stride, headBytes);
    score(q + at0, q + at1, q + at2, keys, scores, row1, row2, slots, headBytes);
    for (let i = first, row = scores; i <= last; i++, row += width) {
      const seen = base + i / heads + 1;
      const lifted = lifts ? lifts + <usize> (i % heads) * LIFT : 0;
      const share = weigh(row, seen, slots, scale, bias, lifted, liftFrom, liftTo);
      if (mass) addScaled(mass, row, share, seen);
      store<f32>(row + width - 4, share);
    }
    const end = width - 4;
    mix(scores, row1, row2, end, values, out + at0, out + at1, out + at2, slots, headBytes);
  }
}

/** Bytes of a row of scores: whole vectors for so many slots, and one more whose last float is the query's share. */
// @ts-ignore: decorator
@inline
export function rowBytes(slots: i32): usize {
  return (<usize> ((slots + 3) & ~3) << 2) + 16;
}

/** Bytes from the first query to query `index` of [tokens, heads]. */
// @ts-ignore: decorator
@inline
export function placeOf(index: i32, heads: i32, stride: usize, headBytes: usize): usize {
  return <usize> (index / heads) * stride + <usize> (index % heads) * headBytes;
}

/**
 * Rows of scores = q·keys of three queries, three slots at a time: with more, sums would not fit into 16 registers. What is
 * written behind the last slot does not count.
 */
function score(
  q0: usize,
  q1: usize,
  q2: usize,
  keys: usize,
  row0: usize,
  row1: usize,
  row2: usize,
  slots: i32,
  headBytes: usize,
): void {
  const last = keys + <usize> (slots - 1) * headBytes;
  for (let s = 0; s < slots; s += 3) {
    const k1 = min(keys + headBytes, last), k2 = min(k1 + headBytes, last);
    let a0 = f32x4.splat(0), a1 = a0, a2 = a0;
    let b0 = a0, b1 = a0, b2 = a0;
    let c0 = a0, c1 = a0, c2 = a0;
    for (let i: usize = 0; i < headBytes; i += 16) {
      const u = v128.load(q0 + i), v = v128.load(q1 + i), w = v128.load(q2 + i);
      let k = v128.load(keys + i);
      a0 = madd(u, k, a0), b0 = madd(v, k, b0), c0 = madd(w, k, c0);
      k = v128.load(k1 + i);
      a1 = madd(u, k, a1), b1 = madd(v, k, b1), c1 = madd(w, k, c1);
      k = v128.load(k2 + i);
      a2 = madd(u, k, a2), b2 = madd(v, k, b2), c2 = madd(w, k, c2);
    }
    v128.store(row0, sumLanes(a0, a1, a2, a2));
    v128.store(row1, sumLanes(b0, b1, b2, b2));
    v128.store(row2, sumLanes(c0, c1, c2, c2));
    keys = min(k2 + headBytes, last);
    row0 += 12, row1 += 12, row2 += 12;
  }
}

/**
 * Products to attention, but for a factor that all slots share, and which is given back: exp(scale · product + bias − most).
 * From slot `seen` to `slots` it is 0.
 */
export function weigh(
  scores: usize,
  seen: i32,
  slots: i32,
  scale: f32,
  bias: usize,
  lifted: usize,
  liftFrom: i32,
  liftTo: i32,
): f32 {
  const end = scores + (<usize> ((slots + 3) & ~3) << 2);
  const factor = f32x4.splat(lifted ? scale * load<f32>(lifted) : scale);
  for (let p = scores; p < end; p += 16) {
    v128.store(p, f32x4.mul(v128.load(p), factor));
  }
  if (bias) addScaled(scores, bias, 1, seen);
  if (lifted) lift(scores, lifted, liftFrom, min(liftTo, seen));
  for (let p = scores + (<usize> seen << 2); p < end; p += 4) {
    store<f32>(p, -Infinity);
  }
  let largest = v128.load(scores);
  for (let p = scores + 16; p < end; p += 16) {
    largest = f32x4.pmax(largest, v128.load(p));
  }
  const shift = f32x4.splat(maxLane(largest));
  let sum = f32x4.splat(0);
  for (let p = scores; p < end; p += 16) {
    const e = exp(f32x4.sub(v128.load(p), shift));
    v128.store(p, e);
    sum = f32x4.add(sum, e);
  }
  return <f32> 1 / sumLane(sum);
}

/** a[s] += weight · b[s]. */
// @ts-ignore: decorator
@inline
export function addScaled(a: usize, b: usize, weight: f32, slots: i32): void {
  const w = f32x4.splat(weight);
  let s = 0;
  for (; s + 4 <= slots; s += 4, a += 16, b += 16) {
    v128.store(a, madd(w, v128.load(b), v128.load(a)));
  }
  for (; s < slots; s++, a += 4, b += 4) {
    store<f32>(a, load<f32>(a) + weight * load<f32>(b));
  }
}

/** Bytes of what a head's logits are lifted by. */
export const LIFT: usize = 12;

/** Lifts the score of slot 0, and those of slots from … to - 1, by what stands behind the factor at `head`. */
export function lift(scores: usize, head: usize, from: i32, to: i32): void {
  store<f32>(scores, load<f32>(scores) + load<f32>(head, 4));
  const one = load<f32>(head, 8);
  const four = f32x4.splat(one);
  let s = from;
  for (; s + 4 <= to; s += 4) {
    const at = scores + (<usize> s << 2);
    v128.store(at, f32x4.add(v128.load(at), four));
  }
  for (; s < to; s++) {
    const at = scores + (<usize> s << 2);
    store<f32>(at, load<f32>(at) + one);
  }
}

/** out = share · Σ row[s] · values[s] for three queries, eight values of the head at a time, then four. */
function mix(
  row0: usize,
  row1: usize,
  row2: usize,
  end: usize,
  values: usize,
  out0: usize,
  out1: usize,
  out2: usize,
  slots: i32,
  headBytes: usize,
): void {
  const f0 = v128.load32_splat(row0 + end);
  const f1 = v128.load32_splat(row1 + end);
  const f2 = v128.load32_splat(row2 + end);
  const whole = <usize> (slots & ~3) << 2, end4 = <usize> slots << 2;
  for (let d: usize = 0; d < headBytes; d += 32) {
    // Where four values are left, they are computed twice.
    const e = min(d + 16, headBytes - 16) - d;
    let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0;
    let v = values + d;
    for (let s: usize = 0; s < whole; s += 16) {
      const p = v128.load(row0 + s), q = v128.load(row1 + s);
      const r = v128.load(row2 + s);
      let x = v128.load(v), y = v128.load(v + e);
      let w = lane0(p);
      a0 = madd(w, x, a0), a1 = madd(w, y, a1);
      w = lane0(q);
      b0 = madd(w, x, b0), b1 = madd(w, y, b1);
      w = lane0(r);
      c0 = madd(w, x, c0), c1 = madd(w, y, c1);
      v += headBytes;
      x = v128.load(v), y = v128.load(v + e);
      w = lane1(p);
      a0 = madd(w, x, a0), a1 = madd(w, y, a1);
      w = lane1(q);
      b0 = madd(w, x, b0), b1 = madd(w, y, b1);
      w = lane1(r);
      c0 = madd(w, x, c0), c1 = madd(w, y, c1);
      v += headBytes;
      x = v128.load(v), y = v128.load(v + e);
      w = lane2(p);
      a0 = madd(w, x, a0), a1 = madd(w, y, a1);
      w = lane2(q);
      b0 = madd(w, x, b0), b1 = madd(w, y, b1);
      w = lane2(r);
      c0 = madd(w, x, c0), c1 = madd(w, y, c1);
      v += headBytes;
      x = v128.load(v), y = v128.load(v + e);
      w = lane3(p);
      a0 = madd(w, x, a0), a1 = madd(w, y, a1);
      w = lane3(q);
      b0 = madd(w, x, b0), b1 = madd(w, y, b1);
      w = lane3(r);
      c0 = madd(w, x, c0), c1 = madd(w, y, c1);
      v += headBytes;
    }
    for (let s = whole; s < end4; s += 4, v += headBytes) {
      const x = v128.load(v), y = v128.load(v + e);
      let w = v128.load32_splat(row0 + s);
      a0 = madd(w, x, a0), a1 = madd(w, y, a1);
      w = v128.load32_splat(row1 + s);
      b0 = madd(w, x, b0), b1 = madd(w, y, b1);
      w = v128.load32_splat(row2 + s);
      c0 = madd(w, x, c0), c1 = madd(w, y, c1);
    }
    v128.store(out0 + d, f32x4.mul(a0, f0));
    v128.store(out0 + d + e, f32x4.mul(a1, f0));
    v128.store(out1 + d, f32x4.mul(b0, f1));
    v128.store(out1 + d + e, f32x4.mul(b1, f1));
    v128.store(out2 + d, f32x4.mul(c0, f2));
    v128.store(out2 + d + e, f32x4.mul(c1, f2));
  }
}
