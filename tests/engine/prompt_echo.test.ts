import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { PromptEcho } from "../../src/engine/prompt_echo.ts";
import { ask, logSoftmax } from "../helpers/generation.ts";
import { normal } from "../helpers/random.ts";
import { tinyParts } from "../helpers/tiny_engine.ts";

const { tokenizer } = await tinyParts();
const VOCAB = 320;
const PROMPT = [...tokenizer.encode("to é", "plain"), 2];

/** An echo of {@link PROMPT} to which the logits of every token were shown. */
function echo(wanted: boolean, top: number | null) {
  const request = ask({ echo: wanted, logprobs: top });
  const echo = new PromptEcho(tokenizer, PROMPT, request);
  const rows = PROMPT.map((_, i) => normal(i, VOCAB));
  rows.forEach((row, i) => echo.score(row, i));
  return { echo, rows };
}

Deno.test("PromptEcho wants the logits of all tokens only where it scores them", () => {
  for (
    const [wanted, top, logits] of [
      [false, null, "last"],
      [false, 3, "last"],
      [true, null, "last"],
      [true, 0, "all"],
      [true, 3, "all"],
    ] as const
  ) {
    assertEquals(echo(wanted, top).echo.logits, logits);
  }
});

Deno.test("PromptEcho says nothing unless it is asked for", () => {
  for (const top of [null, 3]) {
    assertEquals([...echo(false, top).echo.events(0)], []);
  }
});

Deno.test("PromptEcho gives the text of the prompt, control tokens by name, to every choice", () => {
  const { echo: silent } = echo(true, null);
  for (const choice of [0, 1]) {
    assertEquals([...silent.events(choice)], [
      { type: "text", choice, text: "to é<|im_end|>", tokens: [] },
    ]);
  }
});

Deno.test("PromptEcho replaces what is no whole character", () => {
  const half = [3 + 0xc3];
  const request = ask({ echo: true });
  const [event] = new PromptEcho(tokenizer, half, request).events(0);
  assertEquals(event, { type: "text", choice: 0, text: "\ufffd", tokens: [] });
});

for (const top of [0, 3]) {
  Deno.test(`PromptEcho scores each token by the logits behind the one before it, with ${top} others`, () => {
    const { echo: scoring, rows } = echo(true, top);
    for (const choice of [0, 1]) {
      const [event] = scoring.events(choice);
      if (event.type !== "text") throw new Error(event.type);
      assertEquals(event.choice, choice);
      assertEquals(event.tokens.map(({ id }) => id), PROMPT);
      event.tokens.forEach(({ id, bytes, logprob, top: others }, i) => {
        assertEquals(bytes, tokenizer.bytes(id));
        if (i === 0) return assertEquals([logprob, others], [null, []]);
        const expected = logSoftmax(rows[i - 1]);
        assertAlmostEquals(logprob ?? NaN, expected[id], 1e-9);
        const best = expected.toSorted((a, b) => b - a).slice(0, top);
        assertEquals(others.length, top);
        others.forEach((other, rank) => {
          assertAlmostEquals(other.logprob, expected[other.id], 1e-9);
          assertAlmostEquals(other.logprob, best[rank], 1e-9);
        });
      });
    }
  });
}

Deno.test("PromptEcho refuses more log-probabilities than it could hold", () => {
  const tokens = new Array<number>(50_000).fill(5);
  const create = (logprobs: number | null) => () =>
    new PromptEcho(tokenizer, tokens, ask({ echo: true, logprobs }));
  assertThrows(
    create(20),
    RangeError,
    "Cannot score the prompt: 50000 tokens with 20 alternatives each",
  );
  create(19)();
  create(null)();
});
