import { assertEquals, assertThrows } from "@std/assert";
import { Safetensors } from "../../../src/model/learned/safetensors.ts";
import { encodeSafetensors } from "../../helpers/safetensors_writer.ts";

const VALUES = Float32Array.of(1, -0.5, 65504, 0, 3, 2 ** -24);
const BYTES = encodeSafetensors({ note: "ä" }, {
  wide: { shape: [2, 3], values: VALUES },
  half: { shape: [6], values: VALUES, type: "F16" },
  whole: { shape: [1], values: Float32Array.of(7), type: "I64" },
});

/** A file with this text for a header, and eight bytes behind it. */
function withHeader(header: string): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(16 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

Deno.test("Safetensors.floats() reads values of 32 and of 16 bits, wherever the bytes lie", () => {
  for (const shift of [0, 1]) {
    const bytes = new Uint8Array(BYTES.length + shift);
    bytes.set(BYTES, shift);
    const file = new Safetensors(bytes.subarray(shift));
    assertEquals(file.floats("wide"), VALUES);
    assertEquals(file.floats("half"), VALUES);
    assertEquals(file.shape("wide"), [2, 3]);
    assertEquals(file.shape("none"), null);
    assertEquals(file.names, ["wide", "half", "whole"]);
    assertEquals(file.metadata, { note: "ä" });
  }
});

Deno.test("Safetensors.floats() names an array that is missing or of another type", () => {
  const file = new Safetensors(BYTES);
  assertThrows(() => file.floats("none"), TypeError, "it has no none");
  assertThrows(
    () => file.floats("whole"),
    TypeError,
    "whole is I64, expected F32 or F16",
  );
});

Deno.test("Safetensors refuses what is cut off at any byte", () => {
  for (let length = 0; length < BYTES.length; length++) {
    assertThrows(() => new Safetensors(BYTES.subarray(0, length)), SyntaxError);
  }
});

Deno.test("Safetensors refuses headers that are damaged", () => {
  const a = (tensor: string) => `{"a": ${tensor}}`;
  const cases: [header: string, message: string][] = [
    ["{", "its header is not JSON"],
    ["[]", "its header is no object"],
    ["null", "its header is no object"],
    ['{"__metadata__": {"x": 1}}', "its metadata are not texts"],
    [a("1"), "the header of a is damaged"],
    [a('{"dtype": "F32", "shape": [2]}'), "the header of a is damaged"],
    [
      a('{"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}'),
      "the header of a is damaged",
    ],
    [
      a('{"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}'),
      "a goes past the end: the file is cut off",
    ],
    [
      a('{"dtype": "F32", "shape": [1], "data_offsets": [8, 4]}'),
      "a goes past the end: the file is cut off",
    ],
    [
      a('{"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}'),
      "a has 8 bytes, expected 4",
    ],
  ];
  for (const [header, message] of cases) {
    assertThrows(
      () => new Safetensors(withHeader(header)),
      SyntaxError,
      message,
    );
  }
  const huge = withHeader("{}");
  new DataView(huge.buffer).setBigUint64(0, 1n << 62n, true);
  assertThrows(() => new Safetensors(huge), SyntaxError, "no safetensors file");
});
