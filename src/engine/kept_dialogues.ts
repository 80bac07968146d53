/**
 * Dialogues that wait for their next turn.
 *
 * @module
 */
import type { CacheOptions, Dialogue, DialogueState } from "./dialogue.ts";

/** A kept dialogue from which a prompt can go on. */
interface Match {
  readonly dialogue: Dialogue;
  /** To be gone back to first; null where the dialogue goes on from where it stands. */
  readonly state: DialogueState | null;
  /** Tokens of the prompt that are read already. */
  readonly length: number;
}

/**
 * Keeps dialogues, so that the next turn, which repeats all that was said, reads only what is new. Evicted tokens cannot be
 * taken back, so a dialogue can go on in two places only: after its answer, where the new prompt repeats it token for token,
 * and before it: where an answer was cut short, changed, or is wanted anew. What it says from there is what it would say to
 * the whole prompt, but for the order of sums.
 */
export class KeptDialogues implements Disposable {
  readonly #most: number;
  /** Longest unused first. */
  readonly #kept: Dialogue[] = [];
  #closed = false;

  /** @param most Dialogues that exist at once, running ones included; 0 keeps none, as if there were only the running ones. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Dialogues that wait. */
  get count(): number {
    return this.#kept.length;
  }

  /** Whether {@link put} keeps anything. */
  get keeps(): boolean {
    return this.#most > 0 && !this.#closed;
  }

  /** Takes out the dialogue that has read most of `prompt`, in a cache like `cache`, and goes there; null if none has. */
  async take(
    prompt: readonly number[],
    cache: CacheOptions,
  ): Promise<Dialogue | null> {
    this.#dropLost();
    const [match] = this.#kept
      .filter(({ options }) => isSame(options, cache))
      .flatMap((dialogue) => findMatches(dialogue, prompt))
      .toSorted((a, b) => b.length - a.length);
    if (!match) return null;
    const { dialogue, state } = match;
    this.#kept.splice(this.#kept.indexOf(dialogue), 1);
    try {
      if (state) await dialogue.restore(state);
    } catch (error) {
      dialogue[Symbol.dispose]();
      throw error;
    }
    return dialogue;
  }

  /** Lets those go whose device is gone. */
  #dropLost(): void {
    const lost = this.#kept.filter(({ isLost }) => isLost);
    for (const dialogue of lost) {
      this.#kept.splice(this.#kept.indexOf(dialogue), 1);
      dialogue[Symbol.dispose]();
    }
  }

  /** Lets those unused longest go until `running` dialogues may exist beside the others. */
  makeRoom(running: number): void {
    while (this.count > 0 && this.count + running > this.#most) {
      this.#kept.shift()![Symbol.dispose]();
    }
  }

  /**
   * Keeps a dialogue, or lets it go.
   *
   * @param running Dialogues that run, this one included.
   */
  put(dialogue: Dialogue, running = 1): void {
    if (!this.keeps) return dialogue[Symbol.dispose]();
    this.makeRoom(running);
    this.#kept.push(dialogue);
  }

  /** Lets all go, also those that are put later. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const dialogue of this.#kept.splice(0)) dialogue[Symbol.dispose]();
  }
}

function findMatches(dialogue: Dialogue, prompt: readonly number[]): Match[] {
  const { tokens, beforeAnswer, hasAllLogits } = dialogue;
  const places = [{ state: null, tokens }, {
    state: beforeAnswer,
    tokens: beforeAnswer?.tokens ?? [],
  }];
  return places.filter(({ tokens }) => tokens.length > 0)
    .filter(({ tokens }) => begins(prompt, tokens))
    // Where there is nothing left to read, the next token is drawn from what the last one left.
    .filter(({ state, tokens }) =>
      state || hasAllLogits || tokens.length < prompt.length
    )
    .map(({ state, tokens }) => ({ dialogue, state, length: tokens.length }));
}

function begins(prompt: readonly number[], tokens: readonly number[]): boolean {
  return tokens.length <= prompt.length &&
    tokens.every((token, index) => token === prompt[index]);
}

/** Whether both say the same of a cache; a method is told by its name, and what was learned is the engine's. */
function isSame(a: CacheOptions, b: CacheOptions): boolean {
  const text = ({ values = {}, ...all }: CacheOptions) => {
    const { method: _method, learned: _learned, ...rest } = all;
    return JSON.stringify([
      Object.entries(rest).sort(),
      Object.entries(values).sort(),
    ]);
  };
  return text(a) === text(b);
}
