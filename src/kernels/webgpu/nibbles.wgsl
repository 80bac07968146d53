// Sixteen levels ±1, ±3 … ±15 in 4 bits each: the low nibbles of 16 bytes are 16 values, the high ones the 16 behind them; see
// `slot_kernels.ts`.

const NIBBLE_WORDS = HEAD_DIM / 8u;

/// Value j of four, low nibble and high, that word `word` of a vector begins with: the first; the second is 16 behind.
fn first_of(word: u32) -> u32 {
  return word / 4u * 32u + word % 4u * 4u;
}

/// Levels of the four low nibbles of a word's bytes.
fn levels_of(word: u32) -> vec4<f32> {
  let nibbles = (vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(15u);
  return 2.0 * vec4<f32>(nibbles) - 15.0;
}

/// The level of value `d` of a vector, whose place in its words is `nibble_word(d)`.
fn level_at(word: u32, d: u32) -> f32 {
  let nibble = (word >> (d % 4u * 8u + d / 16u % 2u * 4u)) & 15u;
  return f32(2u * nibble) - 15.0;
}

fn nibble_word(d: u32) -> u32 {
  return d / 32u * 4u + d % 16u / 4u;
}

/// Puts the vector in hand behind the transform, and gives its largest magnitude there, which is level 15.
fn largest_behind_hadamard(lane: u32) -> f32 {
  hadamard(lane);
  return largest_value(lane);
}

/// Eight values of the vector in hand, of which `most` is the largest, as a word.
fn nibbles_of(word: u32, most: f32) -> u32 {
  var inverse = 0.0;
  if (most > 0.0) {
    inverse = 7.5 / most;
  }
  var result = 0u;
  for (var high = 0u; high < 2u; high++) {
    let first = first_of(word) + 16u * high;
    for (var j = 0u; j < 4u; j++) {
      let level = clamp(round(vector[first + j] * inverse + 7.5), 0.0, 15.0);
      result |= u32(level) << (8u * j + 4u * high);
    }
  }
  return result;
}

/// Adds the eight values of a word, in units of `scale`, to the vector in hand.
fn add_nibbles(word: u32, bits: u32, scale: f32) {
  for (var high = 0u; high < 2u; high++) {
    let first = first_of(word) + 16u * high;
    let levels = levels_of(bits >> (4u * high));
    for (var j = 0u; j < 4u; j++) {
      vector[first + j] += scale * levels[j];
    }
  }
}
