import { assertEquals } from "@std/assert";
import { Chat } from "../../../bench/quality/chat.ts";
import { Draw, range } from "../../../bench/quality/draw.ts";
import { tinyParts } from "../../helpers/tiny_engine.ts";

const { tokenizer } = await tinyParts();
const PARAGRAPHS = range(40).map((index) => `Paragraph ${index}.`);

function read(tokens: readonly number[]): string {
  const bytes = tokens.flatMap((token) => [...tokenizer.bytes(token)]);
  return new TextDecoder().decode(new Uint8Array(bytes));
}

Deno.test("Chat writes ChatML, with its markers as special tokens", () => {
  const chat = new Chat(tokenizer, new Draw(1, 0));
  chat.turn("Hello", "Good day");
  assertEquals(
    read(chat.tokens),
    "<|im_start|>system\nYou are a helpful AI assistant.<|im_end|>\n" +
      "<|im_start|>user\nHello<|im_end|>\n" +
      "<|im_start|>assistant\nGood day<|im_end|>\n",
  );
  assertEquals(chat.tokens.filter((id) => tokenizer.isSpecial(id)).length, 6);
  const asked = "<|im_start|>user\nWhat?<|im_end|>\n" +
    "<|im_start|>assistant\nIt is";
  assertEquals(read(chat.question("What?", "It is")), asked);
  assertEquals(
    read(chat.interruption("What?", "It is")),
    `<|im_end|>\n${asked}`,
  );
});

Deno.test("Chat.talker() goes on with the next paragraph until there is enough", () => {
  const chat = new Chat(tokenizer, new Draw(1, 0));
  const talk = chat.talker({ name: "test", paragraphs: PARAGRAPHS });
  const until = chat.tokens.length + 500;
  talk(chat.tokens.length + 1);
  talk(until);
  assertEquals(chat.tokens.length >= until, true);
  const told = [...read(chat.tokens).matchAll(/Paragraph (\d+)\./g)]
    .map(([, index]) => Number(index));
  assertEquals(told, told.map((_, index) => told[0] + index));
  assertEquals(told.length > 2, true);
});
