// output = max(0, bias + weight · x): one convolution over vectors that lie side by side, with zeros past both ends. A vector
// is a key, turned back, and a value. Before it stands HEAD_DIM. One invocation a place and ROWS rows.

const QUADS = HEAD_DIM / 4u;
const ROWS = 4u;

struct Request {
  // Its first vector, and their number.
  first: u32,
  count: u32,
  rows: u32,
  taps: u32,
  // Where its outcome begins in `output`.
  output: u32,
}

@group(0) @binding(0) var<uniform> request: Request;
/// [vector, QUADS]
@group(0) @binding(4) var<storage, read> keys: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> values: array<vec4<f32>>;
/// [rows, taps, 2 · QUADS]
@group(0) @binding(6) var<storage, read> weight: array<vec4<f32>>;
/// [rows]
@group(0) @binding(7) var<storage, read> bias: array<f32>;
/// [rows, count] for each request.
@group(0) @binding(8) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let place = id.x;
  let row = id.y * ROWS;
  if (place >= request.count) {
    return;
  }
  var sums: array<f32, ROWS>;
  let half = request.taps / 2u;
  for (var tap = 0u; tap < request.taps; tap++) {
    if (place + tap < half || place + tap - half >= request.count) {
      continue;
    }
    let vector = (request.first + place + tap - half) * QUADS;
    for (var i = 0u; i < QUADS; i++) {
      let key = keys[vector + i];
      let value = values[vector + i];
      for (var r = 0u; r < ROWS; r++) {
        // Past the last row, the last one again.
        let at = (min(row + r, request.rows - 1u) * request.taps + tap) * 2u * QUADS + i;
        sums[r] += dot(weight[at], key) + dot(weight[at + QUADS], value);
      }
    }
  }
  for (var r = row; r < min(row + ROWS, request.rows); r++) {
    output[request.output + r * request.count + place] = max(0.0, bias[r] + sums[r - row]);
  }
}
