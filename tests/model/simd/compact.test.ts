import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { createLayout } from "../../../src/cache/layout.ts";
import { Plan } from "../../../src/cache/plan.ts";
import { cacheIndex, original } from "../../../src/cache/positions.ts";
import { LinearMemory } from "../../../src/kernels/memory.ts";
import { loadSimdKernels } from "../../../src/kernels/simd.ts";
import {
  compact,
  type CompactionTools,
} from "../../../src/model/simd/compact.ts";
import { SimdKvCache } from "../../../src/model/simd/kv_cache.ts";
import { RopeTable } from "../../../src/model/simd/rope_table.ts";
import { normal } from "../../helpers/random.ts";
import { tinyGguf } from "../../helpers/tiny_gguf.ts";

const { config } = tinyGguf({ heads: 4, kvHeads: 2, headDim: 16, layers: 1 });
const DIM = config.headDim;
const LIVE = 12;

interface Bench {
  tools: CompactionTools;
  cache: SimdKvCache;
  /** [unit][slot][DIM], not rotated */
  keys: number[][][];
  values: number[][][];
}

/** The reference: a key turned to a position, in double precision. */
function rotated(key: readonly number[], position: number): number[] {
  const out = [...key];
  for (let i = 0; i < DIM; i += 2) {
    const angle = position * config.ropeBase ** (-i / DIM);
    out[i] = key[i] * Math.cos(angle) - key[i + 1] * Math.sin(angle);
    out[i + 1] = key[i + 1] * Math.cos(angle) + key[i] * Math.sin(angle);
  }
  return out;
}

/** A cache of two heads with random keys and values at positions 0 … LIVE - 1. */
async function bench(): Promise<Bench> {
  const memory = new LinearMemory();
  const kernels = await loadSimdKernels(memory);
  const layout = createLayout({
    layers: 1,
    kvHeads: 2,
    headDim: DIM,
    slots: 8,
    block: 12,
    biased: true,
  });
  const cache = new SimdKvCache(memory, layout);
  cache.slots.append(LIVE);
  const random = (seed: number) =>
    [0, 1].map((unit) =>
      Array.from({ length: LIVE }, (_, slot) => [
        ...normal(seed + unit * 100 + slot, DIM),
      ])
    );
  const keys = random(1), values = random(1000);
  for (const unit of [0, 1]) {
    for (let slot = 0; slot < LIVE; slot++) {
      const at = layout.offsets[unit] + slot;
      memory.f32.set(
        rotated(keys[unit][slot], slot),
        cache.keys / 4 + at * DIM,
      );
      memory.f32.set(values[unit][slot], cache.values / 4 + at * DIM);
    }
  }
  const rope = new RopeTable(memory, config, null);
  return { tools: { memory, kernels, rope, config }, cache, keys, values };
}

function read(
  { tools, cache }: Bench,
  base: number,
  unit: number,
  slot: number,
): number[] {
  const at = base / 4 + (cache.slots.offsets[unit] + slot) * DIM;
  return [...tools.memory.f32.subarray(at, at + DIM)];
}

function assertClose(actual: number[], expected: number[]): void {
  actual.forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-5));
}

/** Σ weight · vectors[member] */
function mixed(
  vectors: number[][],
  members: number[],
  weights: number[],
): number[] {
  return Array.from(
    { length: DIM },
    (_, d) =>
      members.reduce((sum, m, i) => sum + weights[i] * vectors[m][d], 0),
  );
}

for (const [name, rule] of Object.entries({ cacheIndex, original })) {
  Deno.test(`compact() keeps, mixes un-rotated keys, drops, and turns what stays to its position: ${name}`, async () => {
    const b = await bench();
    const members = [2, 5, 9], weights = [0.5, -0.25, 0.75];
    const plan = new Plan(b.cache.slots.layout);
    plan.keep(0, 0, 2);
    plan.fuse(0, 5, members, weights, 3);
    plan.keep(0, 8);
    plan.fuse(0, 10, [10, 11], [0.5, 0.5], 2);
    plan.keep(1, 4, 12);
    for (const unit of [0, 1]) rule(b.cache.slots, unit, plan);
    const position = plan.position.slice();
    compact(b.tools, b.cache, plan);

    const expected = [
      [
        [b.keys[0][0], b.values[0][0]],
        [b.keys[0][1], b.values[0][1]],
        [
          mixed(b.keys[0], members, weights),
          mixed(b.values[0], members, weights),
        ],
        [b.keys[0][8], b.values[0][8]],
        [
          mixed(b.keys[0], [10, 11], [0.5, 0.5]),
          mixed(b.values[0], [10, 11], [0.5, 0.5]),
        ],
      ],
      b.keys[1].slice(4).map((key, i) => [key, b.values[1][4 + i]]),
    ];
    expected.forEach((slots, unit) => {
      assertEquals(b.cache.slots.live[unit], slots.length);
      slots.forEach(([key, value], i) => {
        const at = position[b.cache.slots.offsets[unit] + i];
        assertClose(read(b, b.cache.keys, unit, i), rotated(key, at));
        assertClose(read(b, b.cache.values, unit, i), value);
      });
    });
    const biases = b.tools.memory.f32.subarray(b.cache.biases / 4);
    assertClose([...biases.subarray(0, 5)], [
      0,
      0,
      Math.log(3),
      0,
      Math.log(2),
    ]);
  });
}

Deno.test("compact() of twins into one slot that counts twice leaves attention as it was", async () => {
  const b = await bench();
  const { memory, kernels } = b.tools;
  // Slots 6 and 7 hold the same key, seen at the same place, and the same value.
  const at = (base: number, slot: number) => base + slot * DIM * 4;
  for (const base of [b.cache.keys, b.cache.values]) {
    memory.u8.copyWithin(at(base, 7), at(base, 6), at(base, 7));
  }
  b.cache.slots.position[7] = 6;
  const attend = () => {
    const query = memory.allocate(DIM * 4), output = memory.allocate(DIM * 4);
    memory.f32.set(normal(77, DIM), query / 4);
    const live = b.cache.slots.live[0];
    kernels.attend({
      query,
      output,
      stride: DIM * 4,
      keys: b.cache.keys,
      values: b.cache.values,
      bias: b.cache.biases,
      scores: memory.allocate(64 * 4),
      mass: 0,
      heads: 1,
      headDim: DIM,
      base: live - 1,
      tokens: 1,
      scale: 0.25,
    });
    return [...memory.f32.subarray(output / 4, output / 4 + DIM)];
  };
  memory.f32.fill(0, b.cache.biases / 4, b.cache.biases / 4 + 32);
  const before = attend();
  const plan = new Plan(b.cache.slots.layout);
  plan.keep(0, 0, 6);
  plan.fuse(0, 6, [6, 7], [0.5, 0.5], 2);
  plan.keep(0, 8, LIVE);
  plan.keep(1, 4, LIVE);
  for (const unit of [0, 1]) original(b.cache.slots, unit, plan);
  compact(b.tools, b.cache, plan);
  assertClose(attend(), before);
});

Deno.test("compact() gives back what it borrowed", async () => {
  const b = await bench();
  const bytes: number[] = [];
  for (let round = 0; round < 50; round++) {
    const plan = new Plan(b.cache.slots.layout);
    for (const unit of [0, 1]) {
      plan.fuse(unit, 0, [0, 1, 2, 3, 4], [0.2, 0.2, 0.2, 0.2, 0.2], 5);
      plan.keep(unit, 5, 12);
      cacheIndex(b.cache.slots, unit, plan);
    }
    compact(b.tools, b.cache, plan);
    b.cache.slots.append(4);
    bytes.push(b.tools.memory.byteLength);
  }
  assert(bytes.every((n) => n === bytes[0]));
});
