import { assertEquals } from "@std/assert";
import type { ScoredToken } from "../../src/engine/types.ts";
import { TextStream } from "../../src/text/text_stream.ts";

const encoder = new TextEncoder();

/** Pushes the tokens, numbered from 0; gives [text, ids, stopped] of each, then of the flush. */
function run(stops: string[], tokens: (string | number[])[]) {
  const stream = new TextStream(stops);
  const pieces = tokens.map((token, id) => {
    const bytes = typeof token === "string"
      ? encoder.encode(token)
      : Uint8Array.from(token);
    return stream.push(bytes, { id, bytes, logprob: -1, top: [] });
  });
  return [...pieces, stream.flush()].map(({ text, tokens, stopped }) => [
    text,
    tokens.map((token: ScoredToken) => token.id),
    stopped,
  ]);
}

Deno.test("TextStream.push() gives each token with its text", () => {
  assertEquals(run([], ["Hel", "lo"]), [
    ["Hel", [0], false],
    ["lo", [1], false],
    ["", [], false],
  ]);
});

Deno.test("TextStream.push() gives the tokens of one character together", () => {
  assertEquals(run([], [[0xf0, 0x9f], [0x98], [0x80, 0x61], "b"]), [
    ["", [], false],
    ["", [], false],
    ["😀a", [0, 1, 2], false],
    ["b", [3], false],
    ["", [], false],
  ]);
});

Deno.test("TextStream.push() holds a token back with its text", () => {
  assertEquals(run(["END"], ["a E", "N", "x"]), [
    ["a ", [], false],
    ["", [], false],
    ["ENx", [0, 1, 2], false],
    ["", [], false],
  ]);
});

Deno.test("TextStream.push() gives a token whose character is out, though the next is held back", () => {
  assertEquals(run(["END"], [[0xe2], [0x82, 0xac, 0x45], "x"]), [
    ["", [], false],
    ["€", [0], false],
    ["Ex", [1, 2], false],
    ["", [], false],
  ]);
});

Deno.test("TextStream.push() drops the tokens that begin in the stop string", () => {
  assertEquals(run(["END"], ["so", " E", "N", "D more", "after"]), [
    ["so", [0], false],
    [" ", [], false],
    ["", [], false],
    ["", [1], true],
    ["", [], true],
    ["", [], true],
  ]);
});

Deno.test("TextStream.push() drops all tokens of a stop string at a token's border", () => {
  assertEquals(run(["END"], ["so", "E", "ND"]), [
    ["so", [0], false],
    ["", [], false],
    ["", [], true],
    ["", [], true],
  ]);
});

Deno.test("TextStream.push() drops the tokens of a character that begins a stop string", () => {
  assertEquals(run(["€"], ["1 ", [0xe2, 0x82], [0xac]]), [
    ["1 ", [0], false],
    ["", [], false],
    ["", [], true],
    ["", [], true],
  ]);
});

Deno.test("TextStream.push() gives a token without text at once", () => {
  assertEquals(run([], ["a", [], "b"]), [
    ["a", [0], false],
    ["", [1], false],
    ["b", [2], false],
    ["", [], false],
  ]);
});

Deno.test("TextStream.push() gives no tokens where none are scored", () => {
  const stream = new TextStream([]);
  assertEquals(stream.push(encoder.encode("a"), null), {
    text: "a",
    tokens: [],
    stopped: false,
  });
});

Deno.test("TextStream.flush() gives what was held back", () => {
  assertEquals(run(["END"], ["EN", [0xf0, 0x9f]]), [
    ["", [], false],
    ["", [], false],
    ["EN\ufffd", [0, 1], false],
  ]);
});

Deno.test("TextStream.flush() finds a stop string in the last character", () => {
  assertEquals(run(["\ufffd"], ["a", [0xf0]]), [
    ["a", [0], false],
    ["", [], false],
    ["", [], true],
  ]);
});
