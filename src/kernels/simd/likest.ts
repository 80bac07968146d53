// Which of some keys is most like another: `likest` and `likestBytes` of the references. Arguments are those of a `KeySearch`
// (../key_search.ts).
import { madd, sumLane } from "./lanes";

/** Lets a zero vector be compared. */
const TINY: f32 = 1e-24;

/** Over keys [slots, headDim] f32; headDim a multiple of 4. */
export function likest(
  keys: usize,
  kept: usize,
  seekers: usize,
  count: i32,
  headDim: i32,
  targets: usize,
  cosines: usize,
): void {
  search(false, keys, kept, seekers, count, <usize> headDim << 2, targets, cosines);
}

/** Over keys [slots, headDim] int8; headDim a multiple of 16. */
export function likestBytes(
  keys: usize,
  kept: usize,
  seekers: usize,
  count: i32,
  headDim: i32,
  targets: usize,
  cosines: usize,
): void {
  search(true, keys, kept, seekers, count, <usize> headDim, targets, cosines);
}

/** `bytes` are those of a key. */
// @ts-ignore: decorator
@inline
function search(
  isBytes: bool,
  keys: usize,
  kept: usize,
  seekers: usize,
  count: i32,
  bytes: usize,
  targets: usize,
  cosines: usize,
): void {
  for (; count > 0; count--, seekers += 12, targets += 4, cosines += 4) {
    const own = keys + <usize> load<i32>(seekers) * bytes;
    const end = kept + (<usize> load<i32>(seekers, 8) << 2);
    let best = -1, most: f32 = -Infinity;
    for (let at = kept + (<usize> load<i32>(seekers, 4) << 2); at < end; at += 4) {
      const slot = load<i32>(at);
      const other = keys + <usize> slot * bytes;
      // The cosine times the seeker's length; at the end, only the best is divided by it.
      const alike = dot(isBytes, own, other, bytes) / length(isBytes, other, bytes);
      if (alike > most) {
        most = alike;
        best = slot;
      }
    }
    store<i32>(targets, best);
    store<f32>(cosines, most / length(isBytes, own, bytes));
  }
}

// @ts-ignore: decorator
@inline
function length(isBytes: bool, key: usize, bytes: usize): f32 {
  return sqrt(dot(isBytes, key, key, bytes) + TINY);
}

// @ts-ignore: decorator
@inline
function dot(isBytes: bool, a: usize, b: usize, bytes: usize): f32 {
  return isBytes ? dotBytes(a, b, bytes) : dotFloats(a, b, bytes);
}

// @ts-ignore: decorator
@inline
function dotFloats(a: usize, b: usize, bytes: usize): f32 {
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < bytes; at += 16) {
    sum = madd(v128.load(a + at), v128.load(b + at), sum);
  }
  return sumLane(sum);
}

// @ts-ignore: decorator
@inline
function dotBytes(a: usize, b: usize, bytes: usize): f32 {
  let sum = i32x4.splat(0);
  for (let at: usize = 0; at < bytes; at += 16) {
    const x = v128.load(a + at), y = v128.load(b + at);
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(x, y)));
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(x, y)));
  }
  const pair = i32x4.add(sum, v128.shuffle<i32>(sum, sum, 2, 3, 0, 1));
  return <f32> (i32x4.extract_lane(pair, 0) + i32x4.extract_lane(pair, 1));
}
