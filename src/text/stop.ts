/**
 * Finds stop strings in a text that arrives in pieces.
 *
 * @module
 */

/** One stop string with the table of Knuth, Morris and Pratt, and how much of it the text ends with. */
interface Pattern {
  readonly text: string;
  /** [text.length] length of the longest border of each prefix. */
  readonly borders: Uint32Array;
  matched: number;
}

/** What may be shown of a text so far, and whether a stop string has ended it. */
export interface StopResult {
  readonly text: string;
  readonly stopped: boolean;
}

/**
 * Lets text through up to the first stop string to be complete; of two that are complete at the same
 * character, the longer. Holds back exactly the longest end of the text that may still become a stop
 * string, so how the text is cut into pieces changes nothing. Time is linear in the text for each stop
 * string, memory is that of the stop strings.
 */
export class StopMatcher {
  readonly #patterns: readonly Pattern[];
  #stopped = false;

  /** @throws {RangeError} If a stop string is empty. */
  constructor(stops: readonly string[]) {
    if (stops.includes("")) {
      throw new RangeError("Cannot stop at an empty string");
    }
    // Generated text has no half surrogate pairs; a stop string with one could only cut a character in two.
    this.#patterns = stops.filter((stop) => stop.isWellFormed()).map((text) => (
      { text, borders: borders(text), matched: 0 }
    ));
  }

  /** Takes the next piece. After a stop, `text` is empty and `stopped` stays true. */
  push(text: string): StopResult {
    if (this.#stopped) return { text: "", stopped: true };
    const held = this.#held();
    for (let at = 0; at < text.length; at++) {
      const match = this.#step(text.charCodeAt(at));
      if (match > 0) {
        this.#stopped = true;
        return {
          text: join(held, text, held.length + at + 1 - match),
          stopped: true,
        };
      }
    }
    const end = held.length + text.length - this.#held().length;
    return { text: join(held, text, end), stopped: false };
  }

  /** Ends the text: gives what was held back, which no stop string will follow. */
  flush(): string {
    const held = this.#stopped ? "" : this.#held();
    for (const pattern of this.#patterns) pattern.matched = 0;
    return held;
  }

  /** Length of the longest stop string that `unit` completes, or 0. */
  #step(unit: number): number {
    let longest = 0;
    for (const pattern of this.#patterns) {
      const { text, borders } = pattern;
      let matched = pattern.matched;
      while (matched > 0 && text.charCodeAt(matched) !== unit) {
        matched = borders[matched - 1];
      }
      if (text.charCodeAt(matched) === unit) matched++;
      pattern.matched = matched;
      if (matched === text.length) longest = Math.max(longest, matched);
    }
    return longest;
  }

  /** What is held back is the start of a stop string, so it need not be stored. */
  #held(): string {
    let longest = "";
    for (const { text, matched } of this.#patterns) {
      if (matched > longest.length) longest = text.slice(0, matched);
    }
    return longest;
  }
}

/** The first `end` code units of `head + tail`. */
function join(head: string, tail: string, end: number): string {
  if (end <= head.length) return head.slice(0, end);
  return head + tail.slice(0, end - head.length);
}

function borders(text: string): Uint32Array {
  const table = new Uint32Array(text.length);
  for (let at = 1, matched = 0; at < text.length; at++) {
    while (matched > 0 && text[matched] !== text[at]) {
      matched = table[matched - 1];
    }
    if (text[matched] === text[at]) matched++;
    table[at] = matched;
  }
  return table;
}
