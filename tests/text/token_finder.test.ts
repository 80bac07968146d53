import { assertEquals } from "@std/assert";
import { TokenFinder } from "../../src/text/token_finder.ts";

/** What `text` is cut into: text as it is, tokens as numbers. */
function cut(ids: Record<string, number>, text: string): (string | number)[] {
  return new TokenFinder(new Map(Object.entries(ids))).cut(text)
    .map((segment) => segment.special ?? segment.text);
}

Deno.test("TokenFinder.cut() prefers the longest of the tokens at a place", () => {
  const ids = { "<a>": 1, "<a>b": 2, "b": 3 };
  assertEquals(cut(ids, "<a>b<a>cb"), [2, 1, "c", 3]);
});

Deno.test("TokenFinder.cut() prefers the first of the tokens that overlap", () => {
  assertEquals(cut({ "ab": 1, "bcd": 2 }, "abcd"), [1, "cd"]);
});

Deno.test("TokenFinder.cut() takes a spelling literally", () => {
  assertEquals(cut({ "(.*)|\\d[^": 1, "😀": 2 }, "a1(.*)|\\d[^😀"), [
    "a1",
    1,
    2,
  ]);
});

Deno.test("TokenFinder.cut() does not cut half a character off", () => {
  assertEquals(cut({ "\udc00": 1 }, "\ud800\udc00 \udc00"), [
    "\ud800\udc00 ",
    1,
  ]);
});

Deno.test("TokenFinder.cut() without tokens or text gives the text", () => {
  assertEquals(cut({}, "<a>"), ["<a>"]);
  assertEquals(cut({}, ""), []);
  assertEquals(cut({ "a": 1 }, ""), []);
});
