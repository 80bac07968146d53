// Rotary positions in whole numbers, as `ReferenceSlotKernels.turnKey` has them: three shears, each of which can be undone
// exactly. Whole numbers throughout, the angles too, so that every kernel and every device turns a key in the same way, and
// back.

/// [PAIRS] by how much of a full turn a pair turns with a position, in 2^-64 (high word, low word); then [STEPS + 2] the sine
/// of i / STEPS of a quarter turn and the tangent of half of that, in 2^-DIGITS.
@group(0) @binding(3) var<storage, read> turns: array<vec2<u32>>;

const STEPS = 4096u;
// A quarter turn is 2^30; so many of its bits lie within a step.
const WITHIN = 18u;
const DIGITS = 23u;

struct Turn {
  sine: i32,
  tangent: i32,
  // Beyond a quarter turn: the opposite one, of both numbers negated.
  sign: i32,
}

/// The upper word of a · b.
fn product_high(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let first = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let second = (a & 0xffffu) * (b >> 16u) + (first & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (first >> 16u) + (second >> 16u);
}

/// How pair `pair` turns to a position.
fn turn_of(position: i32, pair: u32) -> Turn {
  let distance = u32(abs(position));
  let frequency = turns[pair];
  // Of a full turn, in 2^-32.
  var phase = distance * frequency.x + product_high(distance, frequency.y);
  var sign = 1;
  if (((phase + 0x40000000u) & 0x80000000u) != 0u) {
    phase ^= 0x80000000u;
    sign = -1;
  }
  let size = u32(abs(i32(phase)));
  let at = PAIRS + (size >> WITHIN);
  let within = i32(size & ((1u << WITHIN) - 1u));
  let below = vec2<i32>(turns[at]);
  let slope = vec2<i32>(turns[at + 1u]) - below;
  let sizes = below + ((slope * within) >> vec2<u32>(WITHIN));
  let way = select(1, -1, (i32(phase) < 0) != (position < 0));
  return Turn(way * sizes.x, -way * sizes.y, sign);
}

/// round(by · x)
fn shear(by: i32, x: i32) -> i32 {
  return (by * x + (1 << (DIGITS - 1u))) >> DIGITS;
}

fn turned_to(x: vec2<i32>, turn: Turn) -> vec2<i32> {
  var a = x.x * turn.sign;
  var b = x.y * turn.sign;
  a += shear(turn.tangent, b);
  b += shear(turn.sine, a);
  a += shear(turn.tangent, b);
  return vec2<i32>(a, b);
}

fn turned_from(x: vec2<i32>, turn: Turn) -> vec2<i32> {
  var a = x.x;
  var b = x.y;
  a -= shear(turn.tangent, b);
  b -= shear(turn.sine, a);
  a -= shear(turn.tangent, b);
  return vec2<i32>(a * turn.sign, b * turn.sign);
}

/// The bytes of pair `pair`, turned back from one position and to another.
fn returned(x: vec2<i32>, before: i32, after: i32, pair: u32) -> vec2<i32> {
  if (before == after || pair >= PAIRS) {
    return x;
  }
  return turned_to(turned_from(x, turn_of(before, pair)), turn_of(after, pair));
}

/// Both pairs of quad `i`.
fn returned_quad(x: vec4<i32>, before: i32, after: i32, i: u32) -> vec4<i32> {
  return vec4<i32>(returned(x.xy, before, after, 2u * i), returned(x.zw, before, after, 2u * i + 1u));
}
