import { assertEquals, assertThrows } from "@std/assert";
import { ModelError } from "../../src/engine/errors.ts";
import { NO_TOKEN } from "../../src/text/token_ids.ts";
import { createVocabulary } from "../helpers/tokenizer_data.ts";

Deno.test("TokenIds.get() finds every token by its text, and no other", () => {
  const tokens = ["a", "", "Ġthe", "Ã©", "a b", "漢", "x".repeat(300)];
  const { ids } = createVocabulary({ tokens });
  assertEquals(tokens.map((text) => ids.get(text)), [0, 1, 2, 3, 4, 5, 6]);
  for (const text of ["b", " the", "é", "漢漢", "x".repeat(301), "\ud800"]) {
    assertEquals(ids.get(text), undefined, text);
    assertEquals(ids.has(text), false, text);
  }
});

Deno.test("TokenIds.find() finds tokens by the bytes that they are spelled for", () => {
  // As plain text, "Ã©" would be four bytes; "é" is the two that the first token is spelled for.
  const { ids } = createVocabulary({ tokens: ["Ã©", "é"], literal: [1] });
  const bytes = new TextEncoder().encode("-é-");
  assertEquals(ids.find(bytes, 1, 3), 0);
  assertEquals(ids.find(bytes, 0, 3), NO_TOKEN);
  assertEquals(ids.get("é"), 1);
});

Deno.test("TokenIds.get() does not find hidden tokens", () => {
  const tokens = ["<s>", "<u>", "a"];
  const { ids } = createVocabulary({ tokens, literal: [0, 1], hidden: [0] });
  assertEquals(tokens.map((text) => ids.get(text)), [
    undefined,
    1,
    2,
  ]);
});

const ALIKE: [tokens: string[], literal: number[], message: string][] = [
  [["a", "b", "a"], [], "tokens 0 and 2 are alike"],
  [["b", "a", "a"], [1], "tokens 1 and 2 are alike"],
  [["漢", "a", "漢"], [], "tokens 0 and 2 are alike"],
];
for (const [tokens, literal, message] of ALIKE) {
  Deno.test(`new TokenIds() refuses ${tokens}, of which ${literal} are plain text`, () => {
    assertThrows(
      () => createVocabulary({ tokens, literal }),
      ModelError,
      message,
    );
  });
}
