// output = softmax(query · keysᵀ · scale + bias) · values. One workgroup a token and query head. The logits are computed
// twice, first for their maximum and sum, then for the shares: that takes no memory that grows with the slots.

const LANES = 64u;
const PARTS = (HEAD_DIM + LANES - 1u) / LANES;

/// [tokens, HEADS]: the largest logit, and the sum of exponentials above it.
@group(0) @binding(11) var<storage, read_write> softmax: array<vec2<f32>>;
/// [tokens, HEADS, HEAD_DIM]
@group(0) @binding(12) var<storage, read_write> output: array<f32>;

var<workgroup> query: array<vec4<Number>, QUADS>;
var<workgroup> sums: array<vec2<f32>, LANES>;
var<workgroup> shares: array<f32, LANES>;

fn product(slot: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < QUADS; i++) {
    sum += f32(dot(query[i], key_quad(slot, i)));
  }
  return sum * key_scale(slot);
}

/// Two parts of a softmax as one.
fn joined(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  let most = max(a.x, b.x);
  return vec2<f32>(most, a.y * exp(a.x - most) + b.y * exp(b.x - most));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let head = group.x;
  let token = group.y;
  let row = token * HEADS + head;
  let unit = units[unit_of(head / GROUP)];
  let count = unit.live + step.appended + token + 1u;
  for (var i = lane; i < QUADS; i += LANES) {
    query[i] = vec4<Number>(queries[row * QUADS + i]);
  }
  workgroupBarrier();

  var sum = vec2<f32>(-3e38, 0.0);
  for (var s = lane; s < count; s += LANES) {
    sum = joined(sum, vec2<f32>(logit(product(unit.offset + s), unit, head, s), 1.0));
  }
  sums[lane] = sum;
  for (var width = LANES / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) {
      sums[lane] = joined(sums[lane], sums[lane + width]);
    }
  }
  workgroupBarrier();
  let total = sums[0];
  if (lane == 0u) {
    softmax[row] = total;
  }

  var mixed: array<f32, PARTS>;
  for (var first = 0u; first < count; first += LANES) {
    let s = first + lane;
    if (s < count) {
      let slot = unit.offset + s;
      let share = exp(logit(product(slot), unit, head, s) - total.x) / total.y;
      shares[lane] = share * value_scale(slot);
    }
    workgroupBarrier();
    let many = min(LANES, count - first);
    for (var part = 0u; part < PARTS; part++) {
      let d = lane + part * LANES;
      if (d < HEAD_DIM) {
        for (var j = 0u; j < many; j++) {
          mixed[part] += shares[j] * value_at(unit.offset + first + j, d);
        }
      }
    }
    workgroupBarrier();
  }

  for (var part = 0u; part < PARTS; part++) {
    let d = lane + part * LANES;
    if (d < HEAD_DIM) {
      vector[d] = mixed[part];
    }
  }
  finish_value(lane);
  for (var part = 0u; part < PARTS; part++) {
    let d = lane + part * LANES;
    if (d < HEAD_DIM) {
      output[row * HEAD_DIM + d] = corrected(vector[d], unit.share, head, d);
    }
  }
}

/// x · (1 + share · gain) + share · offset
fn corrected(x: f32, share: f32, head: u32, d: u32) -> f32 {
  if (share == 0.0) {
    return x;
  }
  let heads = arrayLength(&corrections) / (3u + 2u * HEAD_DIM);
  let gain = heads * 3u + (layer.index * HEADS + head) * HEAD_DIM + d;
  return x * (1.0 + share * corrections[gain]) + share * corrections[gain + heads * HEAD_DIM];
}
