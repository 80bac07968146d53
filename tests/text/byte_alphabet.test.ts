import { assertEquals } from "@std/assert";
import {
  BYTE_TO_LETTER,
  spelledBytes,
  spelledBytesOfUtf8,
} from "../../src/text/byte_alphabet.ts";

Deno.test("BYTE_TO_LETTER spells bytes as GPT-2 does", () => {
  const spelled = [0, 10, 32, 33, 65, 126, 127, 160, 161, 172, 173, 174, 255]
    .map((byte) => BYTE_TO_LETTER[byte]).join("");
  assertEquals(spelled, "ĀĊĠ!A~ġł¡¬Ń®ÿ");
});

Deno.test("spelledBytes() turns letters back into all bytes", () => {
  const bytes = new Uint8Array(256);
  assertEquals(spelledBytes(BYTE_TO_LETTER.join(""), bytes), 256);
  assertEquals(bytes, Uint8Array.from({ length: 256 }, (_, byte) => byte));
});

Deno.test("spelledBytesOfUtf8() does so for a part of a text in UTF-8", () => {
  const text = new TextEncoder().encode(`${BYTE_TO_LETTER.join("")} a`);
  const bytes = new Uint8Array(260);
  const length = spelledBytesOfUtf8(text, 0, text.length - 2, bytes, 3);
  assertEquals(length, 256);
  const expected = Array.from({ length: 256 }, (_, byte) => byte);
  assertEquals([...bytes], [0, 0, 0, ...expected, 0]);
});

for (const text of ["a b", "\n", "\xad", "ń", "漢", "👍", "\ud800"]) {
  Deno.test(`spelledBytes() and spelledBytesOfUtf8() refuse ${JSON.stringify(text)}`, () => {
    const utf8 = new TextEncoder().encode(text);
    const bytes = new Uint8Array(8);
    assertEquals(spelledBytes(text, bytes), -1);
    assertEquals(spelledBytesOfUtf8(utf8, 0, utf8.length, bytes, 0), -1);
  });
}

for (const wrong of [[0xc4], [0xc4, 0x41], [0xc1, 0x81], [0x80], [0xff]]) {
  Deno.test(`spelledBytesOfUtf8() refuses the bytes ${wrong}, which are no UTF-8`, () => {
    const text = Uint8Array.from(wrong);
    const bytes = new Uint8Array(8);
    assertEquals(spelledBytesOfUtf8(text, 0, text.length, bytes, 0), -1);
  });
}
