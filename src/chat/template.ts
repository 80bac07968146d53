/**
 * From a conversation to the tokens that a model continues.
 *
 * @module
 */
import type { ChatMessage } from "../engine/types.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { JinjaTemplate, type SpecialTexts } from "./jinja.ts";
import { chooseMarks, isMarked, mark, type Marks, unmark } from "./marks.ts";

/** For models without a template whose vocabulary has the two markers. */
const CHATML = "{% for message in messages %}" +
  "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}" +
  "{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** The chat format of one model. */
export interface ChatTemplate {
  /**
   * The prompt that asks for an answer, or, where the last message is the assistant's, for its
   * continuation. Only the template writes special tokens: what spells one in a message stays text.
   *
   * @throws {RangeError} If there are no messages or the template refuses them.
   */
  encode(messages: readonly ChatMessage[]): number[];
}

/** A special token by its id, or ordinary text. */
type Piece = number | string;

/**
 * The template of a model file; without one (null) ChatML, if the vocabulary has it, and else one that refuses every
 * conversation.
 *
 * @throws {ModelError} If `source` is not a template.
 */
export function createChatTemplate(
  source: string | null,
  tokenizer: Tokenizer,
  special: SpecialTexts,
): ChatTemplate {
  const known = source ?? chatml(tokenizer);
  if (known === null) return { encode: refuse };
  const template = new JinjaTemplate(known, special);
  const markable = markableIn(tokenizer);
  return {
    encode(messages) {
      if (messages.length === 0) {
        throw new RangeError("Cannot render the conversation: it is empty");
      }
      const pieces = render(template, tokenizer, markable, messages);
      return pieces.flatMap((piece) =>
        typeof piece === "number" ? piece : tokenizer.encode(piece, "plain")
      );
    },
  };
}

/** A model without a template, such as one that was never taught to chat, still continues texts. */
function refuse(): never {
  throw new RangeError("Cannot chat: the model has no chat template");
}

/** ChatML, or null if the vocabulary lacks its tokens. */
function chatml(tokenizer: Tokenizer): string | null {
  const isToken = (marker: string) => {
    const segments = tokenizer.segments(marker);
    return segments.length === 1 && segments[0].special !== null;
  };
  return ["<|im_start|>", "<|im_end|>"].every(isToken) ? CHATML : null;
}

/**
 * Renders twice: as it is, and with every character of a message between marks, where none of them can be
 * part of a special token, whatever the template does to them. As a rule the two differ in nothing but the
 * marks, and the marked one is cut. A template that looks for something in a message may have missed it
 * there; then the first is taken, unless its special tokens are others: those a message spelt, alone or
 * together with the template's text.
 */
function render(
  template: JinjaTemplate,
  tokenizer: Tokenizer,
  markable: RegExp,
  messages: readonly ChatMessage[],
): Piece[] {
  const marks = chooseMarks([
    template.source,
    ...messages.flatMap(({ content, name = "" }) => [content, name]),
  ]);
  const marked = messages.map((message) => ({
    ...message,
    content: mark(message.content, markable, marks),
    ...(message.name !== undefined &&
      { name: mark(message.name, markable, marks) }),
  }));
  const plainText = renderOpen(template, messages, marks);
  const markedText = renderOpen(template, marked, marks);
  const safe = cut(markedText, tokenizer, marks);
  if (isMarked(markedText, plainText, marks)) return safe;
  const asIs = cut(plainText, tokenizer, marks);
  return sameSpecials(asIs, safe) ? asIs : safe;
}

/** Renders up to where the model goes on: an open turn for its answer, or the end of its last message. */
function renderOpen(
  template: JinjaTemplate,
  messages: readonly ChatMessage[],
  { end }: Marks,
): string {
  const last = messages[messages.length - 1];
  if (last.role !== "assistant") return template.render(messages, true);
  const opened = { ...last, content: `${last.content}${end} ` };
  const text = template.render([...messages.slice(0, -1), opened], false);
  const at = text.lastIndexOf(end);
  if (at < 0) {
    throw new RangeError(
      "Cannot continue the last message: the chat template leaves it out",
    );
  }
  // A template that trims messages took the space behind the mark, and is to trim what stands before it.
  const trims = text[at + 1] !== " ";
  return trims ? text.slice(0, at).trimEnd() : text.slice(0, at);
}

/** Cuts at the special tokens of the template and takes out the marks. */
function cut(text: string, tokenizer: Tokenizer, marks: Marks): Piece[] {
  const pieces: Piece[] = [];
  let ordinary = "";
  const flush = () => {
    if (ordinary !== "") pieces.push(unmark(ordinary, marks));
    ordinary = "";
  };
  for (const { text: part, special } of tokenizer.segments(text)) {
    // A token of a single character is the one that marks around it cannot break.
    const inMessage = ordinary.endsWith(marks.open) &&
      part.length === String.fromCodePoint(part.codePointAt(0)!).length;
    if (special === null || !tokenizer.isSpecial(special) || inMessage) {
      ordinary += part;
    } else {
      flush();
      pieces.push(special);
    }
  }
  flush();
  return pieces;
}

function sameSpecials(a: readonly Piece[], b: readonly Piece[]): boolean {
  const specials = (pieces: readonly Piece[]) =>
    pieces.filter((piece) => typeof piece === "number").join();
  return specials(a) === specials(b);
}

/**
 * The characters of a message to mark: all but white space, so that templates can still trim; unless a
 * special token has some in it.
 */
function markableIn(tokenizer: Tokenizer): RegExp {
  const decoder = new TextDecoder();
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    if (
      tokenizer.isSpecial(id) && /\s/.test(decoder.decode(tokenizer.bytes(id)))
    ) {
      return /./gsu;
    }
  }
  return /\S/gu;
}
