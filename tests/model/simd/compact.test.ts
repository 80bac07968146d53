import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { createLayout } from "../../../src/cache/layout.ts";
import { Plan } from "../../../src/cache/plan.ts";
import { cacheIndex, original } from "../../../src/cache/positions.ts";
import {
  STORE_NAMES,
  type StoreName,
  STORES,
} from "../../../src/cache/store/stores.ts";
import { scoreBytes, wordBytes } from "../../../src/kernels/kernels.ts";
import type { Attention } from "../../../src/kernels/kernels.ts";
import { LinearMemory } from "../../../src/kernels/memory.ts";
import { loadSimdKernels } from "../../../src/kernels/simd.ts";
import { compact } from "../../../src/model/simd/compact.ts";
import { SimdKvCache } from "../../../src/model/simd/kv_cache.ts";
import { RopeTable } from "../../../src/model/simd/rope_table.ts";
import type { SlotTools } from "../../../src/model/simd/slot_store.ts";
import { normal } from "../../helpers/random.ts";
import { rotated } from "../../helpers/rotated.ts";
import { tinyGguf } from "../../helpers/tiny_gguf.ts";

const { config } = tinyGguf({ heads: 4, kvHeads: 2, headDim: 32, layers: 1 });
const DIM = config.headDim;
const LIVE = 12;
/** Of sums of a few numbers of the order of 1. */
const TOLERANCE = { f32: 1e-5, int8: 0.05, k8v4: 0.5, int4: 0.6 };

/** A slot as it should be: its key not rotated. */
interface Slot {
  key: number[];
  value: number[];
  position: number;
  mass: number;
}

interface Bench {
  tools: SlotTools;
  cache: SimdKvCache;
  /** [unit][slot] */
  slots: Slot[][];
  tolerance: number;
}

/** A cache of two heads a layer with random keys and values at positions 0 … LIVE - 1. */
async function bench(store: StoreName, layers = 1): Promise<Bench> {
  const memory = new LinearMemory();
  const kernels = await loadSimdKernels(memory);
  const rope = new RopeTable(memory, kernels, config, null);
  const tools = { memory, kernels, rope, config };
  const layout = createLayout({
    layers,
    kvHeads: 2,
    headDim: DIM,
    slots: 8,
    block: 12,
    biased: true,
    store,
  });
  const vectors = memory.allocate(3 * DIM * 4);
  const cache = new SimdKvCache(tools, layout, vectors + 2 * DIM * 4);
  cache.slots.append(LIVE);
  const slots = Array.from(
    { length: layers * 2 },
    (_, unit) =>
      Array.from({ length: LIVE }, (_, position) => ({
        key: [...normal(unit * 100 + position, DIM)],
        value: [...normal(1000 + unit * 100 + position, DIM)],
        position,
        mass: 1,
      })),
  );
  slots.forEach((row, unit) =>
    row.forEach(({ key, value, position }) => {
      memory.f32.set([...key, ...value], vectors / 4);
      const slot = layout.offsets[unit] + position;
      cache.store.write(slot, vectors, vectors + DIM * 4, position);
      memory.f32[cache.biases / 4 + slot] = 0;
    })
  );
  return { tools, cache, slots, tolerance: TOLERANCE[store] };
}

const QUERY = [...normal(77, DIM)];

/** What a query must get from `slots`: softmax(q·k/4 + log mass)·v. */
function expectedAttention(slots: readonly Slot[]): number[] {
  const weights = slots.map(({ key, position, mass }) => {
    const turned = rotated(key, position, config.ropeBase);
    const dot = QUERY.reduce((sum, q, i) => sum + q * turned[i], 0);
    return mass * Math.exp(dot / 4);
  });
  const total = weights.reduce((a, b) => a + b, 0);
  return QUERY.map((_, d) =>
    slots.reduce((sum, { value }, s) => sum + weights[s] * value[d], 0) / total
  );
}

/** What it does get from a unit of the cache. */
function attention({ tools, cache }: Bench, unit: number): number[] {
  const { memory } = tools;
  const query = memory.allocate(DIM * 4), output = memory.allocate(DIM * 4);
  memory.f32.set(QUERY, query / 4);
  const { offsets, live } = cache.slots;
  const a: Attention = {
    query,
    output,
    stride: DIM * 4,
    keys: 0,
    keyScales: 0,
    values: 0,
    valueScales: 0,
    bias: cache.biases + offsets[unit] * 4,
    scores: memory.allocate(scoreBytes(64)),
    scratch: memory.allocate(wordBytes(64, DIM)),
    lift: 0,
    liftFrom: 0,
    liftTo: 0,
    spread: memory.allocate(64 * STORES.int4.spreadBytes(DIM)),
    mass: 0,
    heads: 1,
    headDim: DIM,
    base: live[unit] - 1,
    tokens: 1,
    scale: 0.25,
  };
  cache.store.point(a, offsets[unit], live[unit]);
  cache.store.run(a);
  return [...memory.f32.subarray(output / 4, output / 4 + DIM)];
}

function assertClose(
  actual: number[],
  expected: number[],
  tolerance: number,
): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((value, i) =>
    assertAlmostEquals(value, expected[i], tolerance)
  );
}

/** Keys and values of a unit one by one, then all of them through attention. */
function assertUnit(b: Bench, unit: number, expected: readonly Slot[]): void {
  const { cache, tools, tolerance } = b;
  const start = cache.slots.offsets[unit];
  const at = tools.memory.allocate(DIM * 4);
  const read = () => [...tools.memory.f32.subarray(at / 4, at / 4 + DIM)];
  assertEquals(cache.slots.live[unit], expected.length);
  expected.forEach(({ key, value, position }, i) => {
    assertEquals(cache.slots.position[start + i], position);
    cache.store.readKey(start + i, position, at);
    assertClose(read(), key, tolerance);
    cache.store.readValue(start + i, at);
    assertClose(read(), value, tolerance);
  });
  assertClose(attention(b, unit), expectedAttention(expected), tolerance);
}

/** Σ weight · slots[member], at `position`. */
function mixture(
  slots: readonly Slot[],
  members: number[],
  weights: number[],
  mass: number,
  position: number,
): Slot {
  const sum = (field: "key" | "value") =>
    QUERY.map((_, d) =>
      members.reduce((s, m, i) => s + weights[i] * slots[m][field][d], 0)
    );
  return { key: sum("key"), value: sum("value"), position, mass };
}

for (const store of STORE_NAMES) {
  for (const [name, rule] of Object.entries({ cacheIndex, original })) {
    Deno.test(`compact() keeps, mixes, drops and turns slots in ${store}: ${name}`, async () => {
      const b = await bench(store);
      const members = [2, 5, 9], weights = [0.5, -0.25, 0.75];
      const plan = new Plan(b.cache.slots.layout);
      plan.keep(0, 0, 2);
      plan.fuse(0, 5, members, weights, 3);
      plan.keep(0, 8);
      plan.fuse(0, 10, [10, 11], [0.5, 0.5], 2);
      plan.keep(1, 4, 12);
      for (const unit of [0, 1]) rule(b.cache.slots, unit, plan);
      const at = (unit: number, i: number) =>
        plan.position[plan.offsets[unit] + i];
      const [first, second] = b.slots;
      const expected = [
        [
          { ...first[0], position: at(0, 0) },
          { ...first[1], position: at(0, 1) },
          mixture(first, members, weights, 3, at(0, 2)),
          { ...first[8], position: at(0, 3) },
          mixture(first, [10, 11], [0.5, 0.5], 2, at(0, 4)),
        ],
        second.slice(4).map((slot, i) => ({ ...slot, position: at(1, i) })),
      ];
      compact(b.tools, b.cache, plan);
      expected.forEach((slots, unit) => assertUnit(b, unit, slots));
    });
  }

  Deno.test(`compact() follows heads whose ranges move in ${store}`, async () => {
    const b = await bench(store);
    // Unit 0 keeps two slots and unit 1 ten, then the other way round.
    for (const kept of [2, 10]) {
      const plan = new Plan(b.cache.slots.layout);
      plan.offsets[1] = kept + 10;
      for (const unit of [0, 1]) {
        const { live } = b.cache.slots;
        const count = Math.min(unit === 0 ? kept : 12 - kept, live[unit]);
        plan.keep(unit, live[unit] - count, live[unit]);
        original(b.cache.slots, unit, plan);
        b.slots[unit] = b.slots[unit].slice(-count);
      }
      compact(b.tools, b.cache, plan);
      b.slots.forEach((slots, unit) => assertUnit(b, unit, slots));
    }
  });

  Deno.test(`compact() a hundred times adds up no rounding in ${store}`, async () => {
    const b = await bench(store);
    for (let round = 0; round < 100; round++) {
      const plan = new Plan(b.cache.slots.layout);
      for (const unit of [0, 1]) {
        plan.keep(unit, 0, b.cache.slots.live[unit]);
        original(b.cache.slots, unit, plan);
        // All slots are seen further and further away.
        const start = plan.offsets[unit];
        for (let i = start; i < start + plan.count[unit]; i++) {
          plan.position[i] -= 64 + (i % 3);
        }
      }
      compact(b.tools, b.cache, plan);
    }
    b.slots.forEach((slots, unit) => {
      const start = b.cache.slots.offsets[unit];
      slots.forEach((slot, i) => {
        slot.position = b.cache.slots.position[start + i];
      });
      assertUnit(b, unit, slots);
    });
  });

  Deno.test(`compact() of twins into one slot that counts twice leaves attention as it was in ${store}`, async () => {
    const b = await bench(store);
    const { memory } = b.tools;
    // Slots 6 and 7 hold the same key, seen at the same place, and the same value.
    for (const { pointer, bytes } of b.cache.store.planes) {
      memory.u8.copyWithin(
        pointer + 7 * bytes,
        pointer + 6 * bytes,
        pointer + 7 * bytes,
      );
    }
    b.cache.slots.position[7] = 6;
    const before = attention(b, 0);
    const plan = new Plan(b.cache.slots.layout);
    plan.keep(0, 0, 6);
    plan.fuse(0, 6, [6, 7], [0.5, 0.5], 2);
    plan.keep(0, 8, LIVE);
    plan.keep(1, 4, LIVE);
    for (const unit of [0, 1]) original(b.cache.slots, unit, plan);
    compact(b.tools, b.cache, plan);
    assertClose(attention(b, 0), before, b.tolerance);
  });

  Deno.test(`compact() gives back what it borrowed in ${store}`, async () => {
    const b = await bench(store);
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
}

for (const store of STORE_NAMES) {
  Deno.test(`compact() lets a slot that stays take in values, and leaves its key alone, in ${store}`, async () => {
    const b = await bench(store);
    const plan = new Plan(b.cache.slots.layout);
    plan.keep(0, 0, 2);
    plan.join(0, 5, [5, 3, 2], [0.5, 0.3, 0.2], 2);
    plan.keep(0, 8);
    // In the second unit, and beside a mixture of the other kind.
    plan.join(1, 0, [0, 1], [0.9, 0.1], 1.25);
    plan.fuse(1, 4, [3, 4], [0.5, 0.5], 2);
    plan.keep(1, 6);
    for (const unit of [0, 1]) cacheIndex(b.cache.slots, unit, plan);
    const at = (unit: number, i: number) =>
      plan.position[plan.offsets[unit] + i];
    const [first, second] = b.slots;
    const joined = (
      slots: readonly Slot[],
      members: number[],
      weights: number[],
      mass: number,
      position: number,
    ) => ({
      ...mixture(slots, members, weights, mass, position),
      key: slots[members[0]].key,
    });
    compact(b.tools, b.cache, plan);
    assertUnit(b, 0, [
      { ...first[0], position: at(0, 0) },
      { ...first[1], position: at(0, 1) },
      joined(first, [5, 3, 2], [0.5, 0.3, 0.2], 2, at(0, 2)),
      { ...first[8], position: at(0, 3) },
    ]);
    assertUnit(b, 1, [
      joined(second, [0, 1], [0.9, 0.1], 1.25, at(1, 0)),
      mixture(second, [3, 4], [0.5, 0.5], 2, at(1, 1)),
      { ...second[6], position: at(1, 2) },
    ]);
    const { mass, fused, offsets } = b.cache.slots;
    const of = (values: ArrayLike<number>, unit: number, count: number) =>
      Array.from({ length: count }, (_, i) => values[offsets[unit] + i]);
    assertEquals(of(mass, 0, 4), [1, 1, 2, 1]);
    assertEquals(of(fused, 0, 4), [0, 0, 1, 0]);
    assertEquals(of(mass, 1, 3), [1.25, 2, 1]);
    assertEquals(of(fused, 1, 3), [1, 1, 0]);
  });
}

Deno.test("compact() mixes each layer's rows, however many there were before", async () => {
  const b = await bench("f32", 3);
  const plan = new Plan(b.cache.slots.layout);
  const [half, twice] = [[0.5, 0.5], 2];
  // A row, then none, then three.
  plan.keep(0, 0, 8);
  plan.fuse(1, 3, [3, 7], half, twice);
  plan.keep(2, 4, 12);
  plan.keep(3, 0, 8);
  plan.fuse(4, 1, [1, 2], half, twice);
  plan.join(4, 8, [8, 9], half, twice);
  // A fourth row would lie where slot 0 is read to, if rows were not counted by layer.
  plan.fuse(5, 0, [0, 6], half, twice);
  for (const unit of b.slots.keys()) original(b.cache.slots, unit, plan);
  const mixed = (unit: number, members: number[], i: number) => {
    const position = plan.position[plan.offsets[unit] + i];
    return mixture(b.slots[unit], members, half, twice, position);
  };
  const expected = [
    b.slots[0].slice(0, 8),
    [mixed(1, [3, 7], 0)],
    b.slots[2].slice(4),
    b.slots[3].slice(0, 8),
    [mixed(4, [1, 2], 0), { ...mixed(4, [8, 9], 1), key: b.slots[4][8].key }],
    [mixed(5, [0, 6], 0)],
  ];
  compact(b.tools, b.cache, plan);
  expected.forEach((slots, unit) => assertUnit(b, unit, slots));
});
