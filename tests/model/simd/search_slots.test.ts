import { assertAlmostEquals, assertEquals } from "@std/assert";
import { createLayout } from "../../../src/cache/layout.ts";
import { STORE_NAMES } from "../../../src/cache/store/stores.ts";
import { LinearMemory } from "../../../src/kernels/memory.ts";
import { loadSimdKernels } from "../../../src/kernels/simd.ts";
import { SimdKvCache } from "../../../src/model/simd/kv_cache.ts";
import { RopeTable } from "../../../src/model/simd/rope_table.ts";
import { SlotSearcher } from "../../../src/model/simd/search_slots.ts";
import { likestOf } from "../../helpers/observation.ts";
import { normal } from "../../helpers/random.ts";
import { rotated } from "../../helpers/rotated.ts";
import { tinyGguf } from "../../helpers/tiny_gguf.ts";

const { config } = tinyGguf({ heads: 4, kvHeads: 2, headDim: 32, layers: 1 });
const DIM = config.headDim, LIVE = 12;
/** Of cosines: 8 bits are rounded once more where a key is turned. */
const TOLERANCE = { f32: 1e-5, int8: 0.02, k8v4: 0.02, int4: 0.02 };

for (const store of STORE_NAMES) {
  Deno.test(`SlotSearcher.run() compares a unit's keys where they are seen: ${store}`, async () => {
    const memory = new LinearMemory();
    const kernels = await loadSimdKernels(memory);
    const rope = new RopeTable(memory, kernels, config, null);
    const tools = { memory, kernels, rope, config };
    const shape = { layers: 1, kvHeads: 2, headDim: DIM, slots: 8, block: 12 };
    const layout = createLayout({ ...shape, store });
    const vector = memory.allocate(3 * DIM * 4);
    const cache = new SimdKvCache(tools, layout, vector + 2 * DIM * 4);
    cache.slots.append(LIVE);
    const seen = Array.from({ length: LIVE }, (_, slot) => {
      memory.f32.set(normal(slot, 2 * DIM), vector / 4);
      const at = layout.offsets[1] + slot;
      cache.store.write(at, vector, vector + DIM * 4, slot);
      // As the store holds it: its rounding is not what is tested here.
      cache.store.readKey(at, slot, vector);
      const key = memory.f32.subarray(vector / 4, vector / 4 + DIM);
      return rotated([...key], slot, config.ropeBase);
    });
    const searcher = new SlotSearcher(tools);
    const kept = Int32Array.of(0, 2, 3, 7, 11);
    // The second needs more room than the first, the third less, the last looks for nothing.
    for (
      const seekers of [
        [[1, 0, 5], [8, 2, 2]],
        [[1, 0, 5], [4, 1, 4], [6, 1, 3], [9, 3, 5], [10, 4, 5]],
        [[5, 0, 3]],
        [],
      ]
    ) {
      const list = Int32Array.from(seekers.flat());
      const expected = likestOf((slot) => seen[slot], kept, list);
      const { targets, cosines } = searcher.run(cache, 1, kept, list);
      assertEquals([...targets], [...expected.targets]);
      assertEquals(cosines.length, seekers.length);
      expected.cosines.forEach((cosine, i) =>
        cosine === -Infinity
          ? assertEquals(cosines[i], cosine)
          : assertAlmostEquals(cosines[i], cosine, TOLERANCE[store])
      );
    }
  });
}
