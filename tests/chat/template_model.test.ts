import { assertEquals } from "@std/assert";
import { createChatTemplate } from "../../src/chat/template.ts";
import { readGguf } from "../../src/model/gguf.ts";
import { loadTokenizer } from "../../src/text/bpe_tokenizer.ts";
import { realModelPath } from "../helpers/real_model.ts";
import { readOracle } from "./oracle.ts";

const file = readGguf(realModelPath());
const tokenizer = loadTokenizer(file);
const source = String(file.metadata.get("tokenizer.chat_template"));
const texts = { bos: "<|im_start|>", eos: "<|im_end|>" };
const template = createChatTemplate(source, tokenizer, texts);
const { about, dialogues, spelt } = readOracle();

Deno.test("the default model's file holds the template that the oracle used", () => {
  assertEquals(source, about.template);
});

Deno.test("ChatTemplate.encode() gives the tokens of transformers", () => {
  for (const { messages, ids } of dialogues) {
    assertEquals(template.encode(messages), ids, JSON.stringify(messages));
  }
});

Deno.test("ChatTemplate.encode() gives special tokens in messages as the tokens of their text", () => {
  for (const { messages, ids } of spelt) {
    assertEquals(template.encode(messages), ids, JSON.stringify(messages));
  }
});
