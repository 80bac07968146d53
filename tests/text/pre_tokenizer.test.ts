import { assertEquals } from "@std/assert";
import { PRE_TOKENIZERS, words } from "../../src/text/pre_tokenizer.ts";
import { uniform } from "../helpers/random.ts";

/** The words of `text` under the rule `name`. */
function cut(name: string, text: string): string[] {
  return [...words(text, PRE_TOKENIZERS.get(name)!)];
}

/** Rule, text, words. */
const TABLE: readonly [string, string, string[]][] = [
  ["smollm", "", []],
  ["smollm", "I'm here, 2024!", [
    "I",
    "'m",
    " here",
    ",",
    " ",
    "2",
    "0",
    "2",
    "4",
    "!",
  ]],
  ["smollm", "a  b\n\n c", ["a", " ", " b", "\n\n", " c"]],
  ["smollm", "   1", ["   ", "1"]],
  ["smollm", "½٣x", ["½", "٣", "x"]],
  ["smollm", "x  ", ["x", "  "]],
  ["gpt-2", "I'm here, 2024!", ["I", "'m", " here", ",", " 2024", "!"]],
  ["gpt-2", "a\u0085\u0085b", ["a", "\u0085", "\u0085", "b"]],
  ["gpt-2", "a \ufeffb", ["a", " \ufeff", "b"]],
  ["llama-bpe", "I'M here, 20245!\n\n", [
    "I",
    "'M",
    " here",
    ",",
    " ",
    "202",
    "45",
    "!\n\n",
  ]],
  ["llama-bpe", "x \n\n  y", ["x", " \n\n", " ", " y"]],
  ["default", "a, 12345+b", ["a", ",", " ", "123", "45", "+", "b"]],
];

for (const [name, text, expected] of TABLE) {
  Deno.test(`words() cuts ${JSON.stringify(text)} by ${name}`, () => {
    assertEquals(cut(name, text), expected);
  });
}

Deno.test("words() loses nothing of a text, under any rule", () => {
  const random = uniform(5);
  const letters = [
    ..." \n\t\r'sS1٣½a\u0085\u00a0\u3000\ufeffé漢😀!<|$",
    "\ud800",
  ];
  for (let i = 0; i < 300; i++) {
    const text = Array.from(
      { length: 20 },
      () => letters[Math.floor(random() * letters.length)],
    ).join("");
    for (const name of PRE_TOKENIZERS.keys()) {
      const pieces = cut(name, text);
      assertEquals(pieces.join(""), text, name);
      assertEquals(pieces.includes(""), false, name);
    }
  }
});
