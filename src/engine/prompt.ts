/**
 * From a prompt to the tokens that the model sees.
 *
 * @module
 */
import type { ChatTemplate } from "../chat/template.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { Prompt } from "./types.ts";

/**
 * The tokens of a prompt.
 *
 * @throws {RangeError} If there are none, a token id is not in the vocabulary, or the template refuses the messages.
 */
export function encodePrompt(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  prompt: Prompt,
): readonly number[] {
  const tokens = encode(tokenizer, template, prompt);
  if (tokens.length === 0) {
    throw new RangeError("Cannot complete the prompt: it is empty");
  }
  return tokens;
}

function encode(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  prompt: Prompt,
): readonly number[] {
  switch (prompt.kind) {
    case "chat":
      return template.encode(prompt.messages);
    case "text": {
      const tokens = tokenizer.encode(prompt.text, "parse");
      return tokenizer.bos === null ? tokens : [tokenizer.bos, ...tokens];
    }
    case "tokens": {
      const { vocabSize } = tokenizer;
      const unknown = prompt.tokens.find((id) =>
        !Number.isInteger(id) || id < 0 || id >= vocabSize
      );
      if (unknown === undefined) return prompt.tokens;
      throw new RangeError(
        `Cannot take token ${unknown}: ids go from 0 to ${vocabSize - 1}`,
      );
    }
  }
}
