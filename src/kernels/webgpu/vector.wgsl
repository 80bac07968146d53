// The key or value that a workgroup has in hand. Quad i, its values 4i … 4i + 3, belongs to lane i % LANES; who looks at
// those of others needs a barrier.

var<workgroup> vector: array<f32, HEAD_DIM>;
var<workgroup> maxima: array<f32, LANES>;

fn quad(i: u32) -> vec4<f32> {
  return vec4<f32>(vector[4u * i], vector[4u * i + 1u], vector[4u * i + 2u], vector[4u * i + 3u]);
}

fn set_quad(i: u32, x: vec4<f32>) {
  for (var j = 0u; j < 4u; j++) {
    vector[4u * i + j] = x[j];
  }
}

fn clear(lane: u32) {
  for (var i = lane; i < QUADS; i += LANES) {
    set_quad(i, vec4<f32>());
  }
}

/// The largest number that any lane comes with.
fn largest(x: f32, lane: u32) -> f32 {
  maxima[lane] = x;
  for (var width = LANES / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) {
      maxima[lane] = max(maxima[lane], maxima[lane + width]);
    }
  }
  workgroupBarrier();
  let result = maxima[0];
  workgroupBarrier();
  return result;
}

/// The largest magnitude in the vector.
fn largest_value(lane: u32) -> f32 {
  var most = 0.0;
  for (var i = lane; i < QUADS; i += LANES) {
    let x = abs(quad(i));
    most = max(most, max(max(x.x, x.y), max(x.z, x.w)));
  }
  return largest(most, lane);
}

/// As `ReferenceSlotKernels.hadamard`, of the largest parts whose size is a power of two.
fn hadamard(lane: u32) {
  const SIZE = HEAD_DIM & (~HEAD_DIM + 1u);
  for (var half = 1u; half < SIZE; half *= 2u) {
    workgroupBarrier();
    for (var i = lane; i < HEAD_DIM / 2u; i += LANES) {
      let at = i / half * 2u * half + i % half;
      let a = vector[at];
      let b = vector[at + half];
      vector[at] = a + b;
      vector[at + half] = a - b;
    }
  }
  workgroupBarrier();
  for (var i = lane; i < QUADS; i += LANES) {
    set_quad(i, quad(i) / sqrt(f32(SIZE)));
  }
  workgroupBarrier();
}
