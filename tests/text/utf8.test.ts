import { assertEquals } from "@std/assert";
import { Utf8Stream } from "../../src/text/utf8.ts";

/** Every first byte that behaves differently, with every kind of byte behind it. */
const BYTES = [
  ...[0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2],
  ...[0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5],
  ...[0xfe, 0xff],
];

Deno.test("Utf8Stream.push() gives whole characters only", () => {
  const bytes = new TextEncoder().encode("aé€😀");
  const stream = new Utf8Stream();
  const pieces = Array.from(bytes, (byte) => stream.push(Uint8Array.of(byte)));
  assertEquals(pieces, ["a", "", "é", "", "", "€", "", "", "", "😀"]);
  assertEquals(stream.flush(), "");
});

Deno.test("Utf8Stream.push() gives at each byte what TextDecoder gives", () => {
  for (const a of BYTES) {
    for (const b of BYTES) {
      for (const c of BYTES) {
        const stream = new Utf8Stream();
        const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
        for (const byte of [a, b, c, 0xbf]) {
          const one = Uint8Array.of(byte);
          assertEquals(
            stream.push(one),
            decoder.decode(one, { stream: true }),
            `after ${[a, b, c].map((x) => x.toString(16))}`,
          );
        }
        assertEquals(stream.flush(), decoder.decode());
      }
    }
  }
});

Deno.test("Utf8Stream.push() keeps a byte order mark", () => {
  const stream = new Utf8Stream();
  assertEquals(stream.push(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), "\ufeffa");
});

Deno.test("Utf8Stream.push() takes no bytes", () => {
  const stream = new Utf8Stream();
  stream.push(Uint8Array.of(0xf0, 0x9f));
  assertEquals(stream.push(new Uint8Array(0)), "");
  assertEquals(stream.push(Uint8Array.of(0x98, 0x80)), "😀");
});

Deno.test("Utf8Stream.push() does not keep the caller's array", () => {
  const stream = new Utf8Stream();
  const bytes = Uint8Array.of(0xe2, 0x82);
  stream.push(bytes);
  bytes.fill(0);
  assertEquals(stream.push(Uint8Array.of(0xac)), "€");
});

Deno.test("Utf8Stream.flush() ends an incomplete character as U+FFFD", () => {
  const stream = new Utf8Stream();
  assertEquals(stream.push(Uint8Array.of(0x61, 0xf0, 0x9f, 0x98)), "a");
  assertEquals(stream.partial, true);
  assertEquals(stream.flush(), "\ufffd");
  assertEquals(stream.partial, false);
  assertEquals(stream.flush(), "");
});
