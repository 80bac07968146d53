/**
 * What `gather.wgsl` must make of a plan.
 *
 * @module
 */
import { NOTHING } from "./kernels.ts";
import type { ReferenceStore, ReferenceTools } from "./reference_store.ts";

/** Fills the slots of `made` from those of `store` as a plan says, which is as `gather.wgsl` has it. */
export function carryOut(
  plan: Int32Array<ArrayBuffer>,
  slots: number,
  tools: ReferenceTools,
  store: ReferenceStore,
  made: ReferenceStore,
): void {
  for (let slot = 0; slot < slots; slot++) {
    const [source, before, after, row] = plan.subarray(2 + 4 * slot);
    if (source === NOTHING) continue;
    if (source >= 0) made.copy(slot, store, source, before, after);
    else {
      const key = mixture(
        plan,
        ~source,
        tools,
        (old, position, to) => store.takeKey(old, position, to),
      );
      made.putKey(slot, key, after);
      tools.memory.free(key);
    }
    if (row < 0) continue;
    const value = mixture(
      plan,
      row,
      tools,
      (old, _, to) => store.takeValue(old, to),
    );
    made.putValue(slot, value);
    tools.memory.free(value);
  }
}

/** Pointer to the sum of a row's members, each of which `take` reads. */
function mixture(
  plan: Int32Array<ArrayBuffer>,
  row: number,
  { memory, kernels, shape: { headDim } }: ReferenceTools,
  take: (slot: number, position: number, to: number) => void,
): number {
  const weights = new Float32Array(plan.buffer);
  const starts = 2 + 4 * plan[0], members = starts + plan[1] + 1;
  const sum = memory.allocate(headDim * 4),
    vector = memory.allocate(headDim * 4);
  memory.f32.fill(0, sum / 4, sum / 4 + headDim);
  for (let m = plan[starts + row]; m < plan[starts + row + 1]; m++) {
    const at = members + 3 * m;
    take(plan[at], plan[at + 1], vector);
    kernels.addScaled(sum, vector, weights[at + 2], headDim);
  }
  memory.free(vector);
  return sum;
}
