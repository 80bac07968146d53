// Attention of the query heads that share one key/value head, over the slots of one dialogue.
import { exp, madd, maxLane, sumLane, sumLanes } from "./lanes";

/**
 * out [tokens, heads, headDim] = softmax(q·Kᵀ·scale + bias)·V. Token t sees slots 0 … base + t.
 *
 * q and out: [tokens, stride bytes], the group's heads side by side from the start of a row. keys, values:
 * [slots, headDim] f32. bias: [slots] f32, or 0 for none. scores: scratch of at least base + tokens + 3 floats.
 * mass: [slots] f32 to which each slot's attention is added, over all tokens and heads, or 0 for none. headDim is a
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
  for (let t = 0; t < tokens; t++) {
    const slots = base + t + 1;
    for (let h = 0; h < heads; h++) {
      const at = <usize> h * headBytes;
      const head = lifts + <usize> h * LIFT;
      const factor: f32 = lifts ? scale * load<f32>(head) : scale;
      score(q + at, keys, scores, slots, headBytes, factor);
      if (bias) addBias(scores, bias, slots);
      if (lifts) lift(scores, head, liftFrom, min(liftTo, slots));
      softmax(scores, slots);
      if (mass) addBias(mass, scores, slots);
      mix(scores, values, out + at, slots, headBytes);
    }
    q += stride;
    out += stride;
  }
}

/** scores[s] = scale · q·keys[s]; four slots at a time. */
// @ts-ignore: decorator
@inline
function score(
  q: usize,
  keys: usize,
  scores: usize,
  slots: i32,
  headBytes: usize,
  scale: f32,
): void {
  const factor = f32x4.splat(scale);
  let s = 0;
  for (; s + 4 <= slots; s += 4) {
    const k1 = keys + headBytes, k2 = k1 + headBytes, k3 = k2 + headBytes;
    let a0 = f32x4.splat(0), a1 = f32x4.splat(0);
    let a2 = f32x4.splat(0), a3 = f32x4.splat(0);
    for (let i: usize = 0; i < headBytes; i += 16) {
      const v = v128.load(q + i);
      a0 = madd(v, v128.load(keys + i), a0);
      a1 = madd(v, v128.load(k1 + i), a1);
      a2 = madd(v, v128.load(k2 + i), a2);
      a3 = madd(v, v128.load(k3 + i), a3);
    }
    v128.store(scores, f32x4.mul(sumLanes(a0, a1, a2, a3), factor));
    keys = k3 + headBytes;
    scores += 16;
  }
  for (; s < slots; s++) {
    let a = f32x4.splat(0);
    for (let i: usize = 0; i < headBytes; i += 16) {
      a = madd(v128.load(q + i), v128.load(keys + i), a);
    }
    store<f32>(scores, sumLane(a) * scale);
    keys += headBytes;
    scores += 4;
  }
}

/** a[s] += b[s]. */
// @ts-ignore: decorator
@inline
export function addBias(a: usize, b: usize, slots: i32): void {
  let s = 0;
  for (; s + 4 <= slots; s += 4, a += 16, b += 16) {
    v128.store(a, f32x4.add(v128.load(a), v128.load(b)));
  }
  for (; s < slots; s++, a += 4, b += 4) {
    store<f32>(a, load<f32>(a) + load<f32>(b));
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

/** In place. The scores behind the last slot, up to a whole vector, are overwritten. */
// @ts-ignore: decorator
@inline
export function softmax(scores: usize, slots: i32): void {
  const whole = (slots + 3) & ~3;
  for (let s = slots; s < whole; s++) {
    store<f32>(scores + (<usize> s << 2), -Infinity);
  }
  const end = scores + (<usize> whole << 2);
  let largest = v128.load(scores);
  for (let p = scores + 16; p < end; p += 16) {
    largest = f32x4.max(largest, v128.load(p));
  }
  const shift = f32x4.splat(maxLane(largest));
  let sum = f32x4.splat(0);
  for (let p = scores; p < end; p += 16) {
    const e = exp(f32x4.sub(v128.load(p), shift));
    v128.store(p, e);
    sum = f32x4.add(sum, e);
  }
  const inverse = f32x4.splat(<f32> 1 / sumLane(sum));
  for (let p = scores; p < end; p += 16) {
    v128.store(p, f32x4.mul(v128.load(p), inverse));
  }
}

/** out = Σ weights[s] · values[s], 32 values of the head at a time, then four. */
// @ts-ignore: decorator
@inline
function mix(
  weights: usize,
  values: usize,
  out: usize,
  slots: i32,
  headBytes: usize,
): void {
  let d: usize = 0;
  for (; d + 128 <= headBytes; d += 128) {
    let a0 = f32x4.splat(0), a1 = f32x4.splat(0);
    let a2 = f32x4.splat(0), a3 = f32x4.splat(0);
    let a4 = f32x4.splat(0), a5 = f32x4.splat(0);
    let a6 = f32x4.splat(0), a7 = f32x4.splat(0);
    let v = values + d, w = weights;
    for (let s = 0; s < slots; s++) {
      const p = v128.load32_splat(w);
      a0 = madd(p, v128.load(v, 0), a0);
      a1 = madd(p, v128.load(v, 16), a1);
      a2 = madd(p, v128.load(v, 32), a2);
      a3 = madd(p, v128.load(v, 48), a3);
      a4 = madd(p, v128.load(v, 64), a4);
      a5 = madd(p, v128.load(v, 80), a5);
      a6 = madd(p, v128.load(v, 96), a6);
      a7 = madd(p, v128.load(v, 112), a7);
      v += headBytes;
      w += 4;
    }
    const o = out + d;
    v128.store(o, a0, 0);
    v128.store(o, a1, 16);
    v128.store(o, a2, 32);
    v128.store(o, a3, 48);
    v128.store(o, a4, 64);
    v128.store(o, a5, 80);
    v128.store(o, a6, 96);
    v128.store(o, a7, 112);
  }
  for (; d < headBytes; d += 16) {
    let a = f32x4.splat(0);
    let v = values + d, w = weights;
    for (let s = 0; s < slots; s++) {
      a = madd(v128.load32_splat(w), v128.load(v), a);
      v += headBytes;
      w += 4;
    }
    v128.store(out + d, a);
  }
}
