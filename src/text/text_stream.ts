/**
 * From tokens to the text that may be shown, with the tokens behind it.
 *
 * @module
 */
import type { ScoredToken } from "../engine/types.ts";
import { StopMatcher, type StopResult } from "./stop.ts";
import { Utf8Stream } from "./utf8.ts";

/** A piece of text and the tokens behind it. */
export interface TextPiece {
  /** Whole characters; may be empty while `tokens` is not. */
  readonly text: string;
  readonly tokens: readonly ScoredToken[];
  /** Whether a stop string ended the text. */
  readonly stopped: boolean;
}

/** A token that waits for its text, with where that begins and ends, in code units. Both only rise along the line. */
interface Waiting {
  readonly token: ScoredToken;
  /** The character that its first byte belongs to begins here. */
  readonly start: number;
  /** The character that its last byte belongs to ends here; null while that is incomplete. */
  end: number | null;
}

/**
 * Turns the bytes of tokens into text, holding back incomplete characters and what may become a stop
 * string. A token comes with the piece that holds the last of its text. When a stop string ends the text,
 * the tokens that begin before it still come and those that begin at it or in it are dropped.
 */
export class TextStream {
  readonly #utf8 = new Utf8Stream();
  readonly #stops: StopMatcher;
  #waiting: Waiting[] = [];
  /** Code units that came out of the bytes, and those of them that were given away. */
  #decoded = 0;
  #delivered = 0;

  /** @throws {RangeError} If a stop string is empty. */
  constructor(stops: readonly string[]) {
    this.#stops = new StopMatcher(stops);
  }

  /**
   * Takes the next token: its bytes (none for a control token, which has no text) and, where
   * log-probabilities were asked for, its score.
   */
  push(bytes: Uint8Array, scored: ScoredToken | null): TextPiece {
    const start = this.#decoded;
    const text = this.#utf8.push(bytes);
    this.#advance(text);
    if (scored !== null) {
      const end = this.#utf8.partial ? null : this.#decoded;
      this.#waiting.push({ token: scored, start, end });
    }
    return this.#deliver(this.#stops.push(text));
  }

  /** Ends the text: gives everything that was held back. */
  flush(): TextPiece {
    const text = this.#utf8.flush();
    this.#advance(text);
    const { text: shown, stopped } = this.#stops.push(text);
    return this.#deliver({ text: shown + this.#stops.flush(), stopped });
  }

  /** Counts new text; its first character is the one that tokens were waiting for. */
  #advance(text: string): void {
    if (text === "") return;
    const first = text.codePointAt(0)! > 0xffff ? 2 : 1;
    for (let at = this.#waiting.length - 1; at >= 0; at--) {
      if (this.#waiting[at].end !== null) break;
      this.#waiting[at].end = this.#decoded + first;
    }
    this.#decoded += text.length;
  }

  #deliver({ text, stopped }: StopResult): TextPiece {
    this.#delivered += text.length;
    const pending = this.#waiting.findIndex((entry) =>
      stopped ? entry.start >= this.#delivered : !this.#covers(entry)
    );
    const count = pending < 0 ? this.#waiting.length : pending;
    const tokens = this.#waiting.splice(0, count).map(({ token }) => token);
    if (stopped) this.#waiting = [];
    return { text, tokens, stopped };
  }

  #covers(entry: Waiting): boolean {
    return entry.end !== null && entry.end <= this.#delivered;
  }
}
