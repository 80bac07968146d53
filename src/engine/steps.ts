/**
 * Steps of the model, which the dialogues of several requests take together.
 *
 * @module
 */
import type { LogitsSink, Runtime, Sequence } from "../model/runtime.ts";
import { Breath } from "./breath.ts";

/** Receives the logits [vocab] of a token of the one sequence; valid during the call only. */
export type OnLogits = (logits: Float32Array, index: number) => void;

/** A sequence that waits for its step, or is in it. */
interface Entry {
  readonly sequence: Sequence;
  readonly onLogits: OnLogits;
  readonly signal: AbortSignal;
  resolve(): void;
  reject(reason: unknown): void;
}

/**
 * The one way of all dialogues to a runtime. What they ask for while a step is computed, or in the breath behind it, is the
 * next step: its weights are read once for all of them. A sequence's logits are the same as if it were alone, bit for bit on
 * a CPU. As many wait as there are dialogues, since each asks for one step at a time.
 */
export class Steps {
  /** Most tokens that a dialogue asks for at once; so many that every other one's next token fits into the same step. */
  readonly most: number;
  readonly #runtime: Runtime;
  readonly #breath = new Breath();
  readonly #entries: Entry[] = [];
  /** The step that is computed, and the sequences in it; filled anew for each. */
  readonly #step: Entry[] = [];
  readonly #batch: Sequence[] = [];
  readonly #sink: LogitsSink = (logits, token, sequence) =>
    this.#step[sequence].onLogits(logits, token);
  #taking = false;
  /** Settles when the runtime is free; never rejects. */
  #free: Promise<unknown> = Promise.resolve();

  /** @param dialogues How many there are at once. */
  constructor(runtime: Runtime, dialogues = 1) {
    this.#runtime = runtime;
    this.most = Math.max(runtime.maxTokens - (dialogues - 1), 1);
  }

  /**
   * Runs the model over new tokens of one dialogue; see `Runtime.forward`.
   *
   * @throws The signal's reason if it aborts before the step begins; the cache has not changed then.
   */
  forward(
    sequence: Sequence,
    onLogits: OnLogits,
    signal: AbortSignal,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#entries.push({ sequence, onLogits, signal, resolve, reject });
    if (!this.#taking) this.#takeSteps();
    return promise;
  }

  /** Does something else with the runtime, between two steps. */
  alone<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#free.then(task);
    this.#free = result.catch(() => {});
    return result;
  }

  /** Takes steps as long as any are asked for. */
  async #takeSteps(): Promise<void> {
    this.#taking = true;
    while (this.#entries.length > 0) {
      // Those whose last step is just done ask for their next one meanwhile.
      await this.#breath.take();
      await this.alone(() => this.#takeStep());
    }
    this.#taking = false;
  }

  /** Takes the step of all that fit, those who came first before the others. */
  async #takeStep(): Promise<void> {
    this.#gather();
    if (this.#step.length === 0) return;
    try {
      await this.#runtime.forward(this.#batch, this.#sink);
      for (const { resolve } of this.#step) resolve();
    } catch (error) {
      if (this.#step.length > 1 && error instanceof RangeError) {
        // One of them cannot be run, and no cache has changed.
        await this.#takeSingly();
      } else for (const { reject } of this.#step) reject(error);
    }
    // What ends here is not held on to until somebody comes again.
    this.#step.length = this.#batch.length = 0;
  }

  async #takeSingly(): Promise<void> {
    for (const { sequence, onLogits, resolve, reject } of this.#step) {
      await this.#runtime.forward([sequence], onLogits).then(resolve, reject);
    }
  }

  /** Fills `#step` and `#batch` with those of `#entries` that fit into a step. */
  #gather(): void {
    let tokens = 0, later = 0;
    for (const entry of this.#entries) {
      const { sequence, signal } = entry;
      const sum = tokens + sequence.tokens.length;
      if (signal.aborted) entry.reject(signal.reason);
      else if (tokens > 0 && sum > this.#runtime.maxTokens) {
        this.#entries[later++] = entry;
      } else {
        this.#step.push(entry);
        this.#batch.push(sequence);
        tokens = sum;
      }
    }
    this.#entries.length = later;
  }
}
