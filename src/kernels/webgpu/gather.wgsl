// Carries out a plan: every new slot is an old one, turned, or a mixture of old ones, each turned. Reads one set of buffers
// and writes another, so that the order does not matter. One workgroup a new slot.

const HALF = HEAD_DIM / 2u;
const LANES = 32u;
const NOTHING = -2147483647 - 1;

/// The number of slots S and of rows R; [S, 2]: the old slot, or ~row, or NOTHING, and by how many positions it turns;
/// [R + 1]: where a row's members begin; then the members, [3] each: the old slot, its turn, and the bits of its weight.
@group(0) @binding(4) var<storage, read> plan: array<i32>;
/// [slot, HALF]
@group(0) @binding(5) var<storage, read> old_keys: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read> old_values: array<vec2<f32>>;
@group(0) @binding(7) var<storage, read_write> new_keys: array<vec2<f32>>;
@group(0) @binding(8) var<storage, read_write> new_values: array<vec2<f32>>;

@compute @workgroup_size(32)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let slot = group.x + group.y * groups.x;
  if (slot >= u32(plan[0])) {
    return;
  }
  let source = plan[2u + 2u * slot];
  if (source == NOTHING) {
    return;
  }
  for (var pair = lane; pair < HALF; pair += LANES) {
    let to = slot * HALF + pair;
    if (source >= 0) {
      let origin = u32(source) * HALF + pair;
      new_keys[to] = turned(old_keys[origin], plan[3u + 2u * slot], pair);
      new_values[to] = old_values[origin];
    } else {
      mix(u32(~source), pair, to);
    }
  }
}

fn mix(row: u32, pair: u32, to: u32) {
  let rows = 2u + 2u * u32(plan[0]);
  let members = rows + u32(plan[1]) + 1u;
  var key = vec2<f32>();
  var value = vec2<f32>();
  for (var m = u32(plan[rows + row]); m < u32(plan[rows + row + 1u]); m++) {
    let at = members + 3u * m;
    let origin = u32(plan[at]) * HALF + pair;
    let weight = bitcast<f32>(plan[at + 2u]);
    key += weight * turned(old_keys[origin], plan[at + 1u], pair);
    value += weight * old_values[origin];
  }
  new_keys[to] = key;
  new_values[to] = value;
}
