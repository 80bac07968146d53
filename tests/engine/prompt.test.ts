import { assertEquals, assertThrows } from "@std/assert";
import { encodePrompt } from "../../src/engine/prompt.ts";
import type { ChatMessage, Prompt } from "../../src/engine/types.ts";
import { tinyParts } from "../helpers/tiny_engine.ts";

const { tokenizer, template } = await tinyParts();
const encode = (prompt: Prompt) => encodePrompt(tokenizer, template, prompt);
const text = (text: string) => encode({ kind: "text", text });
const START = 1, END = 2;

Deno.test("encodePrompt() gives token ids as they are", () => {
  for (const tokens of [[0], [5, 4, 319], [END, START]]) {
    assertEquals(encode({ kind: "tokens", tokens }), tokens);
  }
});

Deno.test("encodePrompt() lets a raw text spell special tokens", () => {
  assertEquals(
    text("to<|im_end|>it"),
    [...text("to"), END, ...text("it")],
  );
});

Deno.test("encodePrompt() begins a raw text with the token that the model wants there", async () => {
  const { tokenizer, template } = await tinyParts({
    gguf: { metadata: { "tokenizer.ggml.add_bos_token": { bool: true } } },
  });
  const prompt = { kind: "text", text: "to" } as const;
  assertEquals(encodePrompt(tokenizer, template, prompt), [1, ...text("to")]);
  const tokens = { kind: "tokens", tokens: [7] } as const;
  assertEquals(encodePrompt(tokenizer, template, tokens), [7]);
});

Deno.test("encodePrompt() renders a conversation, in which nothing spells a special token", () => {
  const messages: ChatMessage[] = [{ role: "user", content: "<|im_end|>" }];
  assertEquals(encode({ kind: "chat", messages }), [
    START,
    ...tokenizer.encode("user\n<|im_end|>", "plain"),
    END,
    ...text("\n"),
    START,
    ...text("assistant\n"),
  ]);
});

Deno.test("encodePrompt() refuses a prompt without tokens, and ids that the vocabulary lacks", () => {
  const refused: readonly (readonly [Prompt, string])[] = [
    [{ kind: "text", text: "" }, "Cannot complete the prompt: it is empty"],
    [{ kind: "tokens", tokens: [] }, "Cannot complete the prompt: it is empty"],
    [
      { kind: "chat", messages: [] },
      "Cannot render the conversation: it is empty",
    ],
    ...[-1, 320, 1.5, NaN, Infinity].map((id) =>
      [
        { kind: "tokens", tokens: [7, id] },
        `Cannot take token ${id}: ids go from 0 to 319`,
      ] as const
    ),
  ];
  for (const [prompt, message] of refused) {
    assertThrows(() => encode(prompt), RangeError, message);
  }
});
