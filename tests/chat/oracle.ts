import type { ChatMessage } from "../../src/engine/types.ts";

/** What tests/oracles/chat.py recorded of the default model. */
export interface ChatOracle {
  about: {
    /** The template in the model file. */
    template: string;
  };
  dialogues: { messages: ChatMessage[]; text: string; ids: number[] }[];
  /** Dialogues whose messages spell special tokens. */
  spelt: { messages: ChatMessage[]; ids: number[] }[];
}

export function readOracle(): ChatOracle {
  const url = new URL("../fixtures/chat_smollm2.json", import.meta.url);
  return JSON.parse(Deno.readTextFileSync(url));
}
