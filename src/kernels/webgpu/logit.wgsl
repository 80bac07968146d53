// The logit of a slot for a query, as attention and its sums both need it.

/// [tokens, HEADS, QUADS] turned to their positions.
@group(0) @binding(4) var<storage, read> queries: array<vec4<f32>>;
/// [slot]
@group(0) @binding(9) var<storage, read> biases: array<f32>;
/// [layer · HEADS + head, 3]: what a head's logits are stretched by, and what those of slot 0 and of chosen slots are lifted
/// by, where tokens are missing; then [layer · HEADS + head, HEAD_DIM] gains and offsets of the output. Not read where
/// nothing is missing.
@group(0) @binding(10) var<storage, read> corrections: array<f32>;

/// Of slot `index` of a unit, for a query head of the layer whose product with the key is `product`.
fn logit(product: f32, unit: Unit, head: u32, index: u32) -> f32 {
  let bias = biases[unit.offset + index];
  if (unit.share == 0.0) {
    return product * SCALE + bias;
  }
  let at = (layer.index * HEADS + head) * 3u;
  var sum = product * SCALE * (1.0 + unit.share * corrections[at]) + bias;
  if (index == 0u) {
    sum += unit.share * corrections[at + 1u];
  }
  if (i32(index) >= unit.lift_from && i32(index) < unit.lift_to) {
    sum += unit.share * corrections[at + 2u];
  }
  return sum;
}
