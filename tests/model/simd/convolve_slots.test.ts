import { assertAlmostEquals } from "@std/assert";
import { createLayout } from "../../../src/cache/layout.ts";
import { STORE_NAMES } from "../../../src/cache/store/stores.ts";
import { LinearMemory } from "../../../src/kernels/memory.ts";
import { loadSimdKernels } from "../../../src/kernels/simd.ts";
import { SimdKvCache } from "../../../src/model/simd/kv_cache.ts";
import { Observer } from "../../../src/model/simd/observe.ts";
import { RopeTable } from "../../../src/model/simd/rope_table.ts";
import { convolved } from "../../helpers/observation.ts";
import { normal } from "../../helpers/random.ts";
import { tinyGguf } from "../../helpers/tiny_gguf.ts";

const { config } = tinyGguf({ heads: 4, kvHeads: 2, headDim: 32, layers: 1 });
const DIM = config.headDim, LIVE = 12;

for (const store of STORE_NAMES) {
  Deno.test(`Observation.convolved() is a convolution over keys that are not rotated, and values: ${store}`, async () => {
    const memory = new LinearMemory();
    const kernels = await loadSimdKernels(memory);
    const rope = new RopeTable(memory, kernels, config, null);
    const tools = { memory, kernels, rope, config };
    const shape = { layers: 1, kvHeads: 2, headDim: DIM, slots: 8, block: 12 };
    const layout = createLayout({ ...shape, store });
    const vector = memory.allocate(3 * DIM * 4);
    const cache = new SimdKvCache(tools, layout, vector + 2 * DIM * 4);
    cache.slots.append(LIVE);
    const slots = Array.from(
      { length: LIVE },
      (_, slot) => [...normal(slot, 2 * DIM)],
    );
    // What the store makes of them: its rounding is not what is tested here.
    const held = slots.map((both, slot) => {
      memory.f32.set(both, vector / 4);
      const at = layout.offsets[1] + slot;
      cache.store.write(at, vector, vector + DIM * 4, slot);
      cache.store.readKey(at, slot, vector);
      cache.store.readValue(at, vector + DIM * 4);
      return [...memory.f32.subarray(vector / 4, vector / 4 + 2 * DIM)];
    });
    const observer = new Observer(tools).of(cache);
    // The second needs more room than the first, the third less.
    for (
      const [rows, taps, chosen] of [[2, 3, [4, 5]], [7, 9, [0, 3, 4, 8, 11]], [
        1,
        1,
        [2],
      ]] as const
    ) {
      const convolution = {
        rows,
        taps,
        weight: normal(51, rows * taps * 2 * DIM).map((x) => x / 8),
        bias: normal(52, rows),
      };
      const slots = Int32Array.from(chosen);
      await observer.convolve([{ unit: 1, slots, convolution }]);
      const out = observer.convolved(1);
      const expected = convolved(
        chosen.map((slot) => held[slot]),
        convolution,
      );
      expected.forEach((value, i) => assertAlmostEquals(out[i], value, 1e-4));
    }
  });
}
