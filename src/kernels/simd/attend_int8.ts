// Attention over slots in 8 bits, and what turns vectors into them and back.
import { addBias, LIFT, lift, softmax } from "./attend";
import { dotBytes, maxLane, sumLane } from "./lanes";

/** Bytes of what stands beside a vector: its scale and the sum of its bytes, f32 each. */
const META: usize = 8;

/** x [count] f32 → bytes [count] int8 and its meta: scale = largest magnitude / 127. count is a multiple of 16. */
export function encode(x: usize, bytes: usize, meta: usize, count: i32): void {
  const magnitude = largest(x, count);
  const inverse = f32x4.splat(magnitude > 0 ? 127 / magnitude : 0);
  let sum = i32x4.splat(0);
  for (let i = 0; i < count; i += 16) {
    const narrow = i8x16.narrow_i16x8_s(
      i16x8.narrow_i32x4_s(round(x, 0, inverse), round(x, 16, inverse)),
      i16x8.narrow_i32x4_s(round(x, 32, inverse), round(x, 48, inverse)),
    );
    v128.store(bytes, narrow);
    const pairs = i16x8.extadd_pairwise_i8x16_s(narrow);
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(pairs));
    x += 64;
    bytes += 16;
  }
  store<f32>(meta, magnitude / 127, 0);
  store<f32>(meta, sumLane(f32x4.convert_i32x4_s(sum)), 4);
}

/** The values that `encode` put away. */
export function decode(bytes: usize, meta: usize, x: usize, count: i32): void {
  const scale = v128.load32_splat(meta);
  for (let i = 0; i < count; i += 4) {
    const wide = i32x4.extend_low_i16x8_s(
      i16x8.extend_low_i8x16_s(v128.load32_zero(bytes)),
    );
    v128.store(x, f32x4.mul(f32x4.convert_i32x4_s(wide), scale));
    bytes += 4;
    x += 16;
  }
}

/**
 * As `attend`, over keys and values in 8 bits. headDim is a multiple of 16. scratch: 2·headDim bytes, then two bytes for
 * each slot and 16 more. A query goes in with 14 bits, attention weights with 15.
 */
export function attendInt8(
  q: usize,
  out: usize,
  stride: usize,
  keys: usize,
  keyMeta: usize,
  values: usize,
  valueMeta: usize,
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
  const weights = scratch + (<usize> headDim << 1);
  for (let t = 0; t < tokens; t++) {
    const slots = base + t + 1;
    for (let h = 0; h < heads; h++) {
      const at = <usize> h * headBytes;
      const unit = split(q + at, scratch, headDim);
      const head = lifts + <usize> h * LIFT;
      const factor: f32 = lifts ? scale * load<f32>(head) : scale;
      score(scratch, keys, keyMeta, scores, slots, headDim, unit * factor);
      if (bias) addBias(scores, bias, slots);
      if (lifts) lift(scores, head, liftFrom, min(liftTo, slots));
      softmax(scores, slots);
      if (mass) addBias(mass, scores, slots);
      const share = weigh(scores, valueMeta, weights, slots);
      mix(weights, values, out + at, slots, headDim, share);
    }
    q += stride;
    out += stride;
  }
}

// @ts-ignore: decorator
@inline
function largest(x: usize, count: i32): f32 {
  let most = f32x4.splat(0);
  for (let i = 0; i < count; i += 4, x += 16) {
    most = f32x4.max(most, f32x4.abs(v128.load(x)));
  }
  return maxLane(most);
}

// @ts-ignore: decorator
@inline
function round(x: usize, offset: usize, inverse: v128): v128 {
  const scaled = f32x4.mul(v128.load(x + offset), inverse);
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(scaled));
}

/** A query in two planes of 7 bits, high and low, of value + 8192; gives what a unit is worth. */
// @ts-ignore: decorator
@inline
function split(q: usize, planes: usize, headDim: i32): f32 {
  const magnitude = largest(q, headDim);
  const inverse = f32x4.splat(magnitude > 0 ? 8191 / magnitude : 0);
  const shift = i16x8.splat(8192), mask = i16x8.splat(127);
  for (let i = 0; i < headDim; i += 16, q += 64, planes += 16) {
    const a = i16x8.add(
      i16x8.narrow_i32x4_s(round(q, 0, inverse), round(q, 16, inverse)),
      shift,
    );
    const b = i16x8.add(
      i16x8.narrow_i32x4_s(round(q, 32, inverse), round(q, 48, inverse)),
      shift,
    );
    const high = i8x16.narrow_i16x8_u(i16x8.shr_u(a, 7), i16x8.shr_u(b, 7));
    const low = i8x16.narrow_i16x8_u(v128.and(a, mask), v128.and(b, mask));
    v128.store(planes, high);
    v128.store(planes + <usize> headDim, low);
  }
  return magnitude / 8191;
}

/** scores[s] = factor · key scale · (128·Σ k·high + Σ k·low − 8192·Σ k); four slots at a time, the last ones repeated. */
// @ts-ignore: decorator
@inline
function score(
  planes: usize,
  keys: usize,
  meta: usize,
  scores: usize,
  slots: i32,
  headDim: i32,
  factor: f32,
): void {
  const scale = f32x4.splat(factor);
  const bytes = <usize> headDim;
  for (let s = 0; s < slots; s += 4) {
    // Behind the last slot the last one is read again, and its score overwritten by the softmax.
    const s1 = <usize> min(s + 1, slots - 1);
    const s2 = <usize> min(s + 2, slots - 1);
    const s3 = <usize> min(s + 3, slots - 1);
    const d0 = dotKey(planes, keys + <usize> s * bytes, headDim);
    const d1 = dotKey(planes, keys + s1 * bytes, headDim);
    const d2 = dotKey(planes, keys + s2 * bytes, headDim);
    const d3 = dotKey(planes, keys + s3 * bytes, headDim);
    const dots = sumLanesInt(d0, d1, d2, d3);
    const m0 = v128.load64_zero(meta + <usize> s * META);
    const m1 = v128.load64_zero(meta + s1 * META);
    const m2 = v128.load64_zero(meta + s2 * META);
    const m3 = v128.load64_zero(meta + s3 * META);
    const m01 = v128.shuffle<f32>(m0, m1, 0, 4, 1, 5);
    const m23 = v128.shuffle<f32>(m2, m3, 0, 4, 1, 5);
    const scales = v128.shuffle<f32>(m01, m23, 0, 1, 4, 5);
    const sums = v128.shuffle<f32>(m01, m23, 2, 3, 6, 7);
    const offset = i32x4.shl(i32x4.trunc_sat_f32x4_s(sums), 13);
    const value = f32x4.convert_i32x4_s(i32x4.sub(dots, offset));
    v128.store(
      scores + (<usize> s << 2),
      f32x4.mul(f32x4.mul(value, scales), scale),
    );
  }
}

// @ts-ignore: decorator
@inline
function dotKey(planes: usize, key: usize, headDim: i32): v128 {
  let high = i32x4.splat(0), low = i32x4.splat(0);
  for (let i: usize = 0; i < <usize> headDim; i += 16) {
    const k = v128.load(key + i);
    high = dotBytes(k, v128.load(planes + i), high);
    low = dotBytes(k, v128.load(planes + <usize> headDim + i), low);
  }
  return i32x4.add(i32x4.shl(high, 7), low);
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
 * Attention times each value's scale, as whole numbers of at most 15 bits whose sum, times a byte, fits into 32 bits; one
 * more that is 0 makes their number even. Gives what a unit is worth.
 */
// @ts-ignore: decorator
@inline
function weigh(
  attention: usize,
  meta: usize,
  weights: usize,
  slots: i32,
): f32 {
  let most: f32 = 0, sum: f32 = 0;
  for (let s = 0; s < slots; s++) {
    const value = load<f32>(attention + (<usize> s << 2)) *
      load<f32>(meta + <usize> s * META);
    store<f32>(attention + (<usize> s << 2), value);
    most = max<f32>(most, value);
    sum += value;
  }
  if (most == 0) {
    memory.fill(weights, 0, (<usize> slots << 1) + 2);
    return 0;
  }
  const factor: f32 = min<f32>(32767 / most, 16900000 / sum);
  for (let s = 0; s < slots; s++) {
    const value = load<f32>(attention + (<usize> s << 2)) * factor;
    store<i16>(weights + (<usize> s << 1), <i16> nearest<f32>(value));
  }
  store<i16>(weights + (<usize> slots << 1), 0);
  return <f32> 1 / factor;
}

/** out = share · Σ weights[s] · values[s], 16 values of the head at a time, two slots at a time. */
// @ts-ignore: decorator
@inline
function mix(
  weights: usize,
  values: usize,
  out: usize,
  slots: i32,
  headDim: i32,
  share: f32,
): void {
  const scale = f32x4.splat(share);
  const bytes = <usize> headDim;
  for (let d: usize = 0; d < bytes; d += 16) {
    let a0 = i32x4.splat(0), a1 = i32x4.splat(0);
    let a2 = i32x4.splat(0), a3 = i32x4.splat(0);
    let v = values + d, w = weights;
    for (let s = 0; s < slots; s += 2) {
      const x = v128.load(v), y = v128.load(v + bytes);
      const pair = v128.load32_splat(w);
      const low = v128.shuffle<i8>(
        // deno-fmt-ignore
        x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
      );
      const high = v128.shuffle<i8>(
        // deno-fmt-ignore
        x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31,
      );
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(low), pair));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(low), pair));
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(high), pair));
      a3 = i32x4.add(
        a3,
        i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(high), pair),
      );
      v += bytes << 1;
      w += 4;
    }
    const o = out + (d << 2);
    v128.store(o, f32x4.mul(f32x4.convert_i32x4_s(a0), scale), 0);
    v128.store(o, f32x4.mul(f32x4.convert_i32x4_s(a1), scale), 16);
    v128.store(o, f32x4.mul(f32x4.convert_i32x4_s(a2), scale), 32);
    v128.store(o, f32x4.mul(f32x4.convert_i32x4_s(a3), scale), 48);
  }
}
