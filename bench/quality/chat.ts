/**
 * Dialogues in ChatML, made of facts, paragraphs and questions.
 *
 * @module
 */
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import { type Filler, FILLER_RUN } from "./corpus.ts";
import type { Draw } from "./draw.ts";

/** What a user says to hear the next paragraph. */
const ASKING_FOR_MORE = [
  "Can you tell me more about that?",
  "That is interesting. Please go on.",
  "What else is there to know?",
  "Could you explain this in more detail?",
  "Thank you. And what comes next?",
  "Please continue with the next part.",
];

/** Writes a dialogue, turn by turn, as tokens. */
export class Chat {
  readonly #tokenizer: Tokenizer;
  readonly #draw: Draw;
  /** What was said so far. */
  readonly tokens: number[];

  constructor(tokenizer: Tokenizer, draw: Draw) {
    this.#tokenizer = tokenizer;
    this.#draw = draw;
    this.tokens = this.encode(
      "<|im_start|>system\nYou are a helpful AI assistant.<|im_end|>\n",
    );
  }

  encode(text: string): number[] {
    return this.#tokenizer.encode(text, "parse");
  }

  /** A turn of each. */
  turn(user: string, assistant: string): void {
    const text = `<|im_start|>user\n${user}<|im_end|>\n` +
      `<|im_start|>assistant\n${assistant}<|im_end|>\n`;
    for (const token of this.encode(text)) this.tokens.push(token);
  }

  /**
   * Talks of something else, in consecutive paragraphs.
   *
   * @returns Goes on talking until the dialogue has at least so many tokens.
   */
  talker({ paragraphs }: Filler): (until: number) => void {
    let next = this.#draw.below(paragraphs.length - FILLER_RUN);
    return (until) => {
      while (this.tokens.length < until) {
        const paragraph = paragraphs[next++ % paragraphs.length];
        this.turn(this.#draw.one(ASKING_FOR_MORE), paragraph);
      }
    };
  }

  /** A question in a turn of its own, with the beginning of its answer. */
  question(user: string, begun: string): number[] {
    return this.encode(
      `<|im_start|>user\n${user}<|im_end|>\n<|im_start|>assistant\n${begun}`,
    );
  }

  /** The same for a dialogue that was cut off within a turn. */
  interruption(user: string, begun: string): number[] {
    return [...this.encode("<|im_end|>\n"), ...this.question(user, begun)];
  }
}
