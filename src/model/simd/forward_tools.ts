/**
 * What the parts of a forward step share.
 *
 * @module
 */
import type { Activations, Kernels } from "../../kernels/kernels.ts";
import type { Matrix } from "../../kernels/matrix.ts";
import type { LinearMemory } from "../../kernels/memory.ts";
import type { ModelConfig } from "../config.ts";
import type { RopeTable } from "./rope_table.ts";
import type { Weights } from "./weights.ts";

/** What a step works with. */
export interface ForwardTools {
  readonly config: ModelConfig;
  readonly memory: LinearMemory;
  readonly kernels: Kernels;
  readonly weights: Weights;
  readonly rope: RopeTable;
}

/** Makes rows of `x` ready to be multiplied by `a`, and by `b` and `c` where there are more. */
export function prepare(
  kernels: Kernels,
  x: Activations,
  tokens: number,
  a: Matrix,
  b = a,
  c = b,
): void {
  const { columns } = a;
  kernels.quantize(a.type, x, tokens, columns);
  if (b.type !== a.type) kernels.quantize(b.type, x, tokens, columns);
  if (c.type !== a.type && c.type !== b.type) {
    kernels.quantize(c.type, x, tokens, columns);
  }
}
