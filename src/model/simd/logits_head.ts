/**
 * From the residual stream to logits.
 *
 * @module
 */
import type { LogitsSink, Sequence } from "../runtime.ts";
import { type ForwardTools, prepare } from "./forward_tools.ts";
import { LOGIT_ROWS, type Scratch } from "./scratch.ts";

/** The last norm and the output head, for the tokens whose logits are wanted, a few at a time. */
export class LogitsHead {
  readonly #tools: ForwardTools;
  readonly #scratch: Scratch;
  /** [maxTokens]: of each row whose logits are wanted, its token in the sequence, and the sequence. */
  readonly #token: Int32Array;
  readonly #sequence: Int32Array;
  /** [LOGIT_ROWS] */
  readonly #logitsRows: Float32Array[] = [];

  /** @param maxTokens Most tokens of one step. */
  constructor(tools: ForwardTools, scratch: Scratch, maxTokens: number) {
    this.#tools = tools;
    this.#scratch = scratch;
    this.#token = new Int32Array(maxTokens);
    this.#sequence = new Int32Array(maxTokens);
  }

  /** Hands over the logits of the wanted tokens, whose rows of the residual stream are final. */
  run(batch: readonly Sequence[], sink: LogitsSink): void {
    const wanted = this.#gatherWanted(batch);
    for (let first = 0; first < wanted; first += LOGIT_ROWS) {
      const count = Math.min(LOGIT_ROWS, wanted - first);
      this.#project(first, count);
      for (let i = 0; i < count; i++) {
        const row = first + i;
        sink(this.#logitsRow(i), this.#token[row], this.#sequence[row]);
      }
    }
  }

  /** A view of one row of logits, made anew only when the memory has grown. */
  #logitsRow(row: number): Float32Array {
    const { memory, config, weights } = this.#tools;
    const { f32 } = memory;
    if (this.#logitsRows[row]?.buffer !== f32.buffer) {
      const start = this.#scratch.logits / 4 + row * weights.output.paddedRows;
      this.#logitsRows[row] = f32.subarray(start, start + config.vocab);
    }
    return this.#logitsRows[row];
  }

  /** Closes up the rows whose logits are wanted at the start of the residual stream; gives their number. */
  #gatherWanted(batch: readonly Sequence[]): number {
    const { memory, config } = this.#tools;
    const { hidden } = config;
    const start = this.#scratch.residual / 4;
    let row = 0, wanted = 0;
    for (let s = 0; s < batch.length; s++) {
      const { tokens, logits } = batch[s];
      for (let token = 0; token < tokens.length; token++, row++) {
        const isLast = token === tokens.length - 1;
        if (logits === "none" || (logits === "last" && !isLast)) continue;
        const from = start + row * hidden;
        // A row never moves down, so none is overwritten before its turn.
        memory.f32.copyWithin(start + wanted * hidden, from, from + hidden);
        this.#token[wanted] = token;
        this.#sequence[wanted++] = s;
      }
    }
    return wanted;
  }

  /** Logits of `count` rows of the residual stream from row `first`. */
  #project(first: number, count: number): void {
    const { kernels, config, weights } = this.#tools;
    const { hidden, rmsEpsilon } = config;
    const { residual, normed, logits } = this.#scratch;
    const from = residual + first * hidden * 4;
    const norm = weights.outputNorm;
    kernels.rmsNorm(from, norm, normed.values, count, hidden, rmsEpsilon);
    prepare(kernels, normed, count, weights.output);
    kernels.matmul(weights.output, normed, logits, count);
    kernels.settle();
  }
}
