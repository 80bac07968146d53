import { assertEquals } from "@std/assert";
import { TokenBytes } from "../../src/text/token_bytes.ts";
import { textArray } from "../helpers/text_array.ts";

Deno.test("TokenBytes.of() turns letters of the alphabet into bytes", () => {
  const tokens = ["Ġa", "", "Ã", "©", "ĊĊ"];
  const bytes = new TokenBytes(textArray(tokens), () => false);
  assertEquals(
    tokens.map((_, id) => [...bytes.of(id)]),
    [[0x20, 0x61], [], [0xc3], [0xa9], [0x0a, 0x0a]],
  );
});

Deno.test("TokenBytes.of() gives the UTF-8 of tokens in plain text", () => {
  const tokens = ["é", "é", "a b", "漢Ġ"];
  const bytes = new TokenBytes(textArray(tokens), (id) => id === 1);
  assertEquals(
    tokens.map((_, id) => [...bytes.of(id)]),
    // A space, or a character that is no letter of the alphabet, makes a token plain.
    [
      [0xe9],
      [0xc3, 0xa9],
      [0x61, 0x20, 0x62],
      [...new TextEncoder().encode("漢Ġ")],
    ],
  );
  assertEquals(bytes.plain, [1, 2, 3]);
});

Deno.test("TokenBytes.equal() compares a token with some bytes among others", () => {
  const bytes = new TokenBytes(textArray(["a", "ab", ""]), () => false);
  const other = new TextEncoder().encode("xaby");
  assertEquals(bytes.equal(0, other, 1, 2), true);
  assertEquals(bytes.equal(0, other, 1, 3), false);
  assertEquals(bytes.equal(1, other, 1, 3), true);
  assertEquals(bytes.equal(1, other, 0, 2), false);
  assertEquals(bytes.equal(2, other, 4, 4), true);
});
