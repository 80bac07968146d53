/**
 * Characters that show, in a rendered conversation, what came out of the messages.
 *
 * @module
 */

/** Three characters that stand in no message and no template. */
export interface Marks {
  /** Before a character of a message. */
  readonly open: string;
  /** Behind a character of a message. */
  readonly close: string;
  /** Behind a message that is to be continued. */
  readonly end: string;
}

/** Noncharacters, which no text should hold, and the private use area, for texts that hold them all the same. */
const CANDIDATES = /[\ufdd0-\ufdef\ue000-\uf8ff]/g;

/**
 * Marks that occur in none of `texts`.
 *
 * @throws {RangeError} If the texts use up all noncharacters and private characters of the basic plane.
 */
export function chooseMarks(texts: readonly string[]): Marks {
  const used = new Set(texts.flatMap((text) => text.match(CANDIDATES) ?? []));
  const free: string[] = [];
  for (const [first, last] of [[0xfdd0, 0xfdef], [0xe000, 0xf8ff]]) {
    for (let code = first; code <= last && free.length < 3; code++) {
      const mark = String.fromCharCode(code);
      if (!used.has(mark)) free.push(mark);
    }
  }
  if (free.length < 3) {
    throw new RangeError(
      "Cannot render the conversation: it uses every private character",
    );
  }
  const [open, close, end] = free;
  return { open, close, end };
}

/** Puts every character that `which` matches between marks. */
export function mark(text: string, which: RegExp, marks: Marks): string {
  return text.replace(which, `${marks.open}$&${marks.close}`);
}

/** Takes the marks out again. */
export function unmark(text: string, { open, close }: Marks): string {
  return text.replace(new RegExp(`[${open}${close}]`, "g"), "");
}

/** Whether `marked` without its marks is `plain`. Makes no text, since whole conversations are compared. */
export function isMarked(
  marked: string,
  plain: string,
  { open, close }: Marks,
): boolean {
  const [before, behind] = [open.charCodeAt(0), close.charCodeAt(0)];
  let at = 0;
  for (let i = 0; i < marked.length; i++) {
    const code = marked.charCodeAt(i);
    if (code === before || code === behind) continue;
    if (code !== plain.charCodeAt(at++)) return false;
  }
  return at === plain.length;
}
