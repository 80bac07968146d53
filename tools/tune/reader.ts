/**
 * Reads samples through a cache and tells what the cache has cost.
 *
 * @module
 */
import type { Method } from "../../src/cache/method.ts";
import { METHODS } from "../../src/cache/methods.ts";
import type { OptionValues } from "../../src/cache/options.ts";
import type { Protection } from "../../src/cache/protection.ts";
import { Dialogue } from "../../src/engine/dialogue.ts";
import type { OnLogits } from "../../src/engine/steps.ts";
import type { Runtime } from "../../src/model/runtime.ts";
import { Distributions } from "./divergence.ts";
import type { Sample } from "./samples.ts";

/** A cache whose cost is to be known. */
export interface Candidate {
  readonly method: Method;
  readonly values?: OptionValues;
  /** Of each layer and head, on average. */
  readonly slots: number;
}

/** What all candidates of a run share. */
export interface CacheFrame extends Protection {
  readonly block: number;
}

/** Compares caches with the full one over samples. */
export class Reader {
  readonly #runtime: Runtime;
  readonly #frame: CacheFrame;
  #sample: Sample | null = null;
  #full = new Distributions();

  constructor(runtime: Runtime, frame: CacheFrame) {
    this.#runtime = runtime;
    this.#frame = frame;
  }

  /**
   * The mean over the sample's scored tokens of KL(full cache ‖ candidate), in nats. Samples are best asked for one after
   * the other: only of the last one it is remembered what the full cache gives.
   */
  async loss(sample: Sample, candidate: Candidate): Promise<number> {
    if (this.#sample !== sample) {
      const full = new Distributions();
      const slots = sample.tokens.length;
      await this.#read(sample, { method: METHODS.full, slots }, (logits) => {
        full.add(logits);
      });
      [this.#sample, this.#full] = [sample, full];
    }
    let sum = 0;
    await this.#read(sample, candidate, (logits, index) => {
      sum += this.#full.divergence(index, logits);
    });
    return sum / sample.scored.length;
  }

  /** Calls `onScored` with the logits after each scored token, and its number among them. */
  async #read(
    { tokens, scored }: Sample,
    candidate: Candidate,
    onScored: OnLogits,
  ): Promise<void> {
    const { signal } = new AbortController();
    const options = { ...this.#frame, ...candidate, methodName: "" };
    using dialogue = new Dialogue(this.#runtime, options);
    const first = scored[0];
    let at = 0;
    await dialogue.prefill(tokens.slice(0, first), "last", () => {}, signal);
    await dialogue.prefill(tokens.slice(first), "all", (logits, index) => {
      if (first + index !== scored[at]) return;
      onScored(logits, at++);
    }, signal);
  }
}
