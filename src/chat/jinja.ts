/**
 * Chat templates in the Jinja language.
 *
 * @module
 */
import { Template } from "@huggingface/jinja";
import type { ChatMessage } from "../engine/types.ts";
import { ModelError } from "../engine/errors.ts";

/** The texts of a model's special tokens, which templates write. */
export interface SpecialTexts {
  readonly bos: string;
  readonly eos: string;
}

/** How often a template may repeat what it is given, and what it may add to a message beside its own source. */
const REPEATS = 4;
const MARGIN = 256;

/** A parsed template. */
export class JinjaTemplate {
  readonly #template: Template;

  /** @throws {ModelError} If `source` is not a template. */
  constructor(readonly source: string, readonly special: SpecialTexts) {
    try {
      this.#template = new Template(source);
    } catch (cause) {
      throw new ModelError(
        `Cannot parse the model's chat template: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  /**
   * The conversation as one text.
   *
   * @param answer Whether to open the turn of an answer behind it.
   * @throws {RangeError} If the template refuses the messages, cannot render them, or makes far more of
   * them than they are.
   */
  render(messages: readonly ChatMessage[], answer: boolean): string {
    const text = this.#run(messages, answer);
    const given = messages.reduce(
      (sum, { content, name }) => sum + content.length + (name?.length ?? 0),
      0,
    );
    const most = REPEATS * given +
      (messages.length + 1) * (this.source.length + MARGIN);
    if (text.length > most) {
      throw new RangeError(
        `Cannot render the conversation: the chat template makes ${text.length} characters of ${given}`,
      );
    }
    return text;
  }

  #run(messages: readonly ChatMessage[], answer: boolean): string {
    try {
      return this.#template.render({
        messages,
        add_generation_prompt: answer,
        bos_token: this.special.bos,
        eos_token: this.special.eos,
        tools: null,
        documents: null,
      });
    } catch (cause) {
      throw new RangeError(
        `Cannot render the conversation: ${messageOf(cause)}`,
        { cause },
      );
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
