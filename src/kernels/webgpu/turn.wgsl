// Rotary positions (Su et al. 2021, arXiv 2104.09864, equation 15) of any size, in a fixed table.

/// [4, 256, PAIRS] cosine and sine of the positions 0 … 255 times 1, 2^8, 2^16 and 2^24.
@group(0) @binding(3) var<storage, read> angles: array<vec2<f32>>;

fn times(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(a.x * b.x - a.y * b.y, a.y * b.x + a.x * b.y);
}

/// Pair `pair` of a head, turned by so many positions.
fn turned(x: vec2<f32>, position: i32, pair: u32) -> vec2<f32> {
  if (position == 0 || pair >= PAIRS) {
    return x;
  }
  let distance = u32(abs(position));
  var angle = angles[(distance & 255u) * PAIRS + pair];
  for (var place = 1u; place < 4u; place++) {
    let digit = (distance >> (8u * place)) & 255u;
    if (digit > 0u) {
      angle = times(angle, angles[(place * 256u + digit) * PAIRS + pair]);
    }
  }
  if (position < 0) {
    angle.y = -angle.y;
  }
  return times(x, angle);
}

/// Both pairs of quad `i`.
fn turned_quad(x: vec4<f32>, position: i32, i: u32) -> vec4<f32> {
  return vec4<f32>(turned(x.xy, position, 2u * i), turned(x.zw, position, 2u * i + 1u));
}
