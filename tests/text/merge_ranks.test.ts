import { assertEquals, assertThrows } from "@std/assert";
import { ModelError } from "../../src/engine/errors.ts";
import { MergeRanks } from "../../src/text/merge_ranks.ts";
import { createVocabulary } from "../helpers/tokenizer_data.ts";

/** The merges' ranks, asked for as the library does. */
function ranksOf(merges: readonly string[], literal: readonly number[] = []) {
  const tokens = ["a", "b", "ab", "Ġ", "Ġa", '"', '"\\', "\\", "漢", "漢a"];
  const { data, ids } = createVocabulary({ tokens, merges, literal });
  const ranks = new MergeRanks(data, ids);
  return (...pair: [string, string]) => ranks.get(JSON.stringify(pair));
}

Deno.test("MergeRanks.get() gives the rank of two tokens' merge, and of no others", () => {
  const rank = ranksOf(["Ġ a", "a b", '" \\', "漢 a"]);
  assertEquals(rank("Ġ", "a"), 0);
  assertEquals(rank("a", "b"), 1);
  assertEquals(rank('"', "\\"), 2);
  assertEquals(rank("漢", "a"), 3);
  assertEquals(rank("b", "a"), undefined);
  assertEquals(rank("a", "z"), undefined);
  assertEquals(rank("ab", ""), undefined);
});

Deno.test("MergeRanks.get() gives the later rank of a merge that is listed twice", () => {
  const rank = ranksOf(["a b", "Ġ a", "a b"]);
  assertEquals(rank("a", "b"), 2);
  assertEquals(rank("Ġ", "a"), 1);
});

Deno.test("MergeRanks.get() knows merges of tokens in plain text", () => {
  assertEquals(ranksOf(["Ġ a"], [0, 4])("Ġ", "a"), 0);
});

for (const merge of ["ab", "a  b", "a z", "b a", "a b b", " a", ""]) {
  Deno.test(`new MergeRanks() refuses the merge '${merge}'`, () => {
    assertThrows(
      () => ranksOf(["a b", merge]),
      ModelError,
      "merge 1 joins what are no tokens",
    );
  });
}
