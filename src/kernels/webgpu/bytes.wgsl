// Four signed bytes in a word.

fn bytes_of(word: u32) -> vec4<i32> {
  return vec4<i32>(vec4<u32>(word) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u);
}

fn word_of(bytes: vec4<i32>) -> u32 {
  let parts = (vec4<u32>(bytes) & vec4<u32>(255u)) << vec4<u32>(0u, 8u, 16u, 24u);
  return parts.x | parts.y | parts.z | parts.w;
}

/// round(x · inverse), where |x · inverse| is at most 127 but for the last digit of a division.
fn rounded_bytes(x: vec4<f32>, inverse: f32) -> vec4<i32> {
  return vec4<i32>(clamp(round(x * inverse), vec4<f32>(-127.0), vec4<f32>(127.0)));
}
