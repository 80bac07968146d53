// The keys of one layer in f32, turned to their positions, as `spread` left them.

/// [slot of the layer, QUADS]
@group(0) @binding(5) var<storage, read> keys: array<vec4<f32>>;

fn key_quad(slot: u32, i: u32) -> vec4<Number> {
  return keys[(slot - units[unit_of(0u)].offset) * QUADS + i];
}

fn key_scale(slot: u32) -> f32 {
  return 1.0;
}
