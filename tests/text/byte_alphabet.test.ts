import { assertEquals } from "@std/assert";
import {
  BYTE_TO_LETTER,
  LETTER_TO_BYTE,
} from "../../src/text/byte_alphabet.ts";

Deno.test("BYTE_TO_LETTER spells bytes as GPT-2 does", () => {
  const spelled = [0, 10, 32, 33, 65, 126, 127, 160, 161, 172, 173, 174, 255]
    .map((byte) => BYTE_TO_LETTER[byte]).join("");
  assertEquals(spelled, "ĀĊĠ!A~ġł¡¬Ń®ÿ");
});

Deno.test("LETTER_TO_BYTE is the inverse of BYTE_TO_LETTER", () => {
  assertEquals(LETTER_TO_BYTE.size, 256);
  BYTE_TO_LETTER.forEach((letter, byte) => {
    assertEquals(letter.length, 1);
    assertEquals(LETTER_TO_BYTE.get(letter), byte);
  });
});
