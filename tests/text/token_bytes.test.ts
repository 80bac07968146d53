import { assertEquals } from "@std/assert";
import { TokenBytes } from "../../src/text/token_bytes.ts";

Deno.test("TokenBytes.of() turns letters of the alphabet into bytes", () => {
  const tokens = ["Ġa", "", "Ã", "©", "ĊĊ"];
  const bytes = new TokenBytes(tokens, () => false);
  assertEquals(
    tokens.map((_, id) => [...bytes.of(id)]),
    [[0x20, 0x61], [], [0xc3], [0xa9], [0x0a, 0x0a]],
  );
});

Deno.test("TokenBytes.of() gives the UTF-8 of tokens in plain text", () => {
  const tokens = ["é", "é", "a b", "漢Ġ"];
  const bytes = new TokenBytes(tokens, (id) => id === 1);
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
});
