import { assertEquals, assertThrows } from "@std/assert";
import { Safetensors } from "./safetensors.ts";

function encode(header: unknown, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const FILE = new Safetensors(encode(
  {
    __metadata__: { about: "two" },
    a: { dtype: "F32", shape: [2], data_offsets: [0, 8] },
    b: { dtype: "U16", shape: [1, 3], data_offsets: [8, 14] },
  },
  new Uint8Array([
    ...new Uint8Array(Float32Array.of(1.5, -2).buffer),
    ...new Uint8Array(Uint16Array.of(7, 0, 65535).buffer),
  ]),
));

Deno.test("Safetensors gives arrays, shapes and metadata by name, at any alignment", () => {
  assertEquals(FILE.f32("a"), Float32Array.of(1.5, -2));
  assertEquals(FILE.u16("b"), Uint16Array.of(7, 0, 65535));
  assertEquals(FILE.shape("b"), [1, 3]);
  assertEquals(FILE.metadata, { about: "two" });
});

Deno.test("Safetensors refuses a missing name and another type", () => {
  assertThrows(() => FILE.f32("c"), TypeError, "no such tensor");
  assertThrows(() => FILE.f32("b"), TypeError, "it is U16");
});
