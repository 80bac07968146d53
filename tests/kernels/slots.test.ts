import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { LinearMemory } from "../../src/kernels/memory.ts";
import { ReferenceKernels } from "../../src/kernels/reference.ts";
import { loadSimdKernels, type SimdVariant } from "../../src/kernels/simd.ts";
import type { SlotKernels } from "../../src/kernels/slot_kernels.ts";
import { normal, uniform } from "../helpers/random.ts";

const VARIANTS = ["relaxed", "plain"] as const;

/** Both implementations, each with a memory of its own. */
async function both(variant: SimdVariant) {
  const memories = [new LinearMemory(), new LinearMemory()];
  const simd = await loadSimdKernels(memories[0], variant);
  const reference = new ReferenceKernels(memories[1]);
  return [simd.slots, reference.slots].map((slots, i) => ({
    slots,
    memory: memories[i],
  }));
}

function write(memory: LinearMemory, values: Float32Array): number {
  const pointer = memory.allocate(values.byteLength);
  memory.f32.set(values, pointer / 4);
  return pointer;
}

/** A row of the rotary table for random angles; the first are 0, a quarter turn and half a turn. */
function angles(rotated: number, seed: number): Float32Array {
  const random = uniform(seed);
  const row = new Float32Array(rotated * 2);
  for (let i = 0; i < rotated; i += 2) {
    const some = [0, Math.PI / 2, Math.PI][i / 2] ?? 2 * Math.PI * random();
    row.fill(Math.cos(some), i, i + 2);
    row[rotated + i] = -Math.sin(some);
    row[rotated + i + 1] = Math.sin(some);
  }
  return row;
}

/** Vectors of several sizes, also of nothing and with one value far above the rest. */
const VECTORS = [16, 80, 64].flatMap((count) =>
  [0, 1e-3, 50].flatMap((scale) => {
    const vector = normal(count, count).map((x) => x * scale);
    const peaked = vector.slice();
    peaked[3] = 40 * scale;
    return [vector, peaked];
  })
);

for (const variant of VARIANTS) {
  for (const operation of ["encode", "encodeKey"] as const) {
    Deno.test(`${operation}() and decode() in ${variant} SIMD give the bytes of the reference`, async () => {
      const sides = await both(variant);
      for (const vector of VECTORS) {
        const [actual, expected] = sides.map(({ slots, memory }) => {
          const x = write(memory, vector);
          const bytes = memory.allocate(vector.length);
          const scale = memory.allocate(4);
          slots[operation](x, 0, bytes, scale, 1, vector.length);
          slots.decode(bytes, scale, x, vector.length);
          return {
            bytes: memory.i8.slice(bytes, bytes + vector.length),
            scale: memory.f32[scale / 4],
            decoded: memory.f32.slice(x / 4, x / 4 + vector.length),
          };
        });
        assertEquals(actual, expected);
        vector.forEach((value, i) =>
          assertAlmostEquals(
            expected.decoded[i],
            value,
            expected.scale * 0.501,
          )
        );
      }
    });
  }

  Deno.test(`turnKey() in ${variant} SIMD gives the bytes of the reference, rotates, and comes back to the very bytes`, async () => {
    const sides = await both(variant);
    for (const [count, rotated] of [[16, 16], [64, 64], [80, 52], [32, 4]]) {
      const vector = normal(count, count);
      const row = angles(rotated, count);
      const [actual, expected] = sides.map(({ slots, memory }) => {
        const x = write(memory, vector);
        const bytes = memory.allocate(count), scale = memory.allocate(4);
        const table = write(memory, row);
        slots.encodeKey(x, 0, bytes, scale, 1, count);
        return (["before", "to", "from"] as const).map((way) => {
          if (way !== "before") {
            slots.turnKey(bytes, table, 1, count, rotated, way);
          }
          return memory.i8.slice(bytes, bytes + count);
        });
      });
      assertEquals(actual, expected);
      const [before, turned, back] = expected;
      assertEquals(back, before);
      assertRotated(before, turned, row, rotated);
    }
  });

  Deno.test(`encode(), encodeKey() and turnKey() in ${variant} SIMD do many vectors as one by one`, async () => {
    const [{ slots, memory }] = await both(variant);
    const vectors = 3, count = 64, rotated = 48, stride = 80 * 4;
    const x = write(memory, normal(9, vectors * 80));
    const table = write(
      memory,
      Float32Array.from(
        [1, 2, 3].flatMap((seed) => [...angles(rotated, seed)]),
      ),
    );
    for (const operation of ["encode", "encodeKey"] as const) {
      const [together, apart] = [0, 1].map(() => ({
        bytes: memory.allocate(vectors * count),
        scales: memory.allocate(vectors * 4),
      }));
      const { bytes, scales } = together;
      slots[operation](x, stride, bytes, scales, vectors, count);
      slots.turnKey(bytes, table, vectors, count, rotated, "to");
      for (let v = 0; v < vectors; v++) {
        const to = apart.bytes + v * count, row = table + v * rotated * 8;
        slots[operation](x + v * stride, 0, to, apart.scales + v * 4, 1, count);
        slots.turnKey(to, row, 1, count, rotated, "to");
      }
      const [actual, expected] = [together, apart].map((side) => [
        ...memory.i8.subarray(side.bytes, side.bytes + vectors * count),
        ...memory.f32.subarray(side.scales / 4, side.scales / 4 + vectors),
      ]);
      assertEquals(actual, expected);
      assertEquals(new Set(expected).size > 10, true);
    }
  });

  Deno.test(`turnKey() in ${variant} SIMD never leaves the range of a byte`, async () => {
    const [{ slots, memory }] = await both(variant);
    const bytes = memory.allocate(64), scale = memory.allocate(4);
    const table = write(memory, new Float32Array(128));
    const x = write(memory, new Float32Array(64));
    for (let round = 0; round < 500; round++) {
      // Pairs of the greatest length, in all directions.
      const random = uniform(round);
      for (let i = 0; i < 64; i += 2) {
        const angle = 2 * Math.PI * random();
        memory.f32[x / 4 + i] = Math.cos(angle);
        memory.f32[x / 4 + i + 1] = Math.sin(angle);
      }
      const row = angles(64, round + 1000);
      memory.f32.set(row, table / 4);
      slots.encodeKey(x, 0, bytes, scale, 1, 64);
      const before = memory.i8.slice(bytes, bytes + 64);
      slots.turnKey(bytes, table, 1, 64, 64, "to");
      assertRotated(before, memory.i8.slice(bytes, bytes + 64), row, 64);
      slots.turnKey(bytes, table, 1, 64, 64, "from");
      assertEquals(memory.i8.slice(bytes, bytes + 64), before);
    }
  });

  for (
    const [count, size] of [[64, 64], [80, 16], [96, 32], [192, 64], [4, 4]]
  ) {
    Deno.test(`hadamard() in ${variant} SIMD agrees with the reference and undoes itself: ${count} in parts of ${size}`, async () => {
      const vector = normal(7, count).map((x) => x * 3);
      const [actual, expected] = (await both(variant)).map(
        ({ slots, memory }) => {
          const x = write(memory, vector);
          const read = () => memory.f32.slice(x / 4, x / 4 + count);
          slots.hadamard(x, count, size);
          const once = read();
          slots.hadamard(x, count, size);
          return [once, read()];
        },
      );
      vector.forEach((value, i) => {
        assertAlmostEquals(actual[0][i], expected[0][i], 1e-5);
        assertAlmostEquals(actual[1][i], value, 1e-5);
        assertAlmostEquals(expected[1][i], value, 1e-5);
      });
    });
  }

  Deno.test(`gather() in ${variant} SIMD copies the rows of the reference, and nothing behind them`, async () => {
    const sides = await both(variant);
    for (const bytes of [4, 64, 76]) {
      const [actual, expected] = sides.map(({ slots, memory }) => {
        const from = write(memory, normal(bytes, 7 * bytes / 4));
        const to = write(memory, new Float32Array(bytes));
        const indices = memory.allocate(12);
        memory.u32.set([5, 0, 6], indices / 4);
        slots.gather(from, to, indices, 3, bytes);
        return memory.f32.slice(to / 4, to / 4 + bytes);
      });
      assertEquals(actual, expected);
      assertEquals(actual.subarray(3 * bytes / 4).every((x) => x === 0), true);
      assertEquals(actual[0], normal(bytes, 7 * bytes / 4)[5 * bytes / 4]);
    }
  });

  Deno.test(`turnNibbles() in ${variant} SIMD agrees with the reference`, async () => {
    const sides = await both(variant);
    for (const [headDim, rotated, size] of [[32, 32, 32], [96, 64, 32]]) {
      const [actual, expected] = sides.map((side) =>
        turned(side.slots, side.memory, 3, headDim, rotated, size)
      );
      actual.decoded.forEach((value, i) => {
        const scale = expected.byteScales[Math.floor(i / headDim)];
        assertAlmostEquals(value, expected.decoded[i], 1.01 * scale);
        assertAlmostEquals(value, expected.wanted[i], 0.51 * scale + 1e-6);
      });
    }
  });

  Deno.test(`encodeNibbles(), decodeNibbles() and spreadNibbles() in ${variant} SIMD agree with the reference`, async () => {
    const sides = await both(variant);
    for (const headDim of [32, 64, 96]) {
      for (const slots of [1, 2, 5]) {
        const [actual, expected] = sides.map((side) =>
          nibbles(side.slots, side.memory, slots, headDim)
        );
        assertEquals(actual, expected);
        const { x, decoded, scales, bytes } = expected;
        x.forEach((value, i) => {
          const scale = scales[Math.floor(i / headDim)];
          assertAlmostEquals(decoded[i], value, scale * 1.001);
          assertAlmostEquals(bytes[i] * scale, decoded[i], 1e-6);
        });
      }
    }
  });
}

/** Vectors through 4 bits; the second is nothing. */
function nibbles(
  kernels: SlotKernels,
  memory: LinearMemory,
  slots: number,
  headDim: number,
) {
  const x = normal(slots * headDim, slots * headDim);
  x.fill(0, headDim, 2 * headDim);
  const from = write(memory, x);
  const packed = memory.allocate(slots * headDim / 2);
  const scales = memory.allocate(slots * 4);
  const to = memory.allocate(slots * headDim * 4);
  const bytes = memory.allocate(slots * headDim);
  for (let slot = 0; slot < slots; slot++) {
    const at = packed + slot * headDim / 2, scale = scales + slot * 4;
    const offset = slot * headDim * 4;
    kernels.encodeNibbles(from + offset, at, scale, headDim);
    kernels.decodeNibbles(at, scale, to + offset, headDim);
  }
  kernels.spreadNibbles(packed, bytes, slots * headDim);
  return {
    x,
    decoded: memory.f32.slice(to / 4, to / 4 + slots * headDim),
    scales: memory.f32.slice(scales / 4, scales / 4 + slots),
    bytes: memory.i8.slice(bytes, bytes + slots * headDim),
  };
}

/** Keys through 4 bits and turned, in the 8 bits of attention, and what they should be. */
function turned(
  kernels: SlotKernels,
  memory: LinearMemory,
  slots: number,
  headDim: number,
  rotated: number,
  size: number,
) {
  const packed = memory.allocate(slots * headDim / 2);
  const scales = memory.allocate(slots * 4), rows = memory.allocate(slots * 4);
  const bytes = memory.allocate(slots * headDim);
  const byteScales = memory.allocate(slots * 4);
  const x = memory.allocate(headDim * 4);
  const wanted: number[] = [];
  for (let slot = 0; slot < slots; slot++) {
    const nibbles = packed + slot * headDim / 2, scale = scales + slot * 4;
    const row = angles(rotated, slot);
    memory.f32.set(normal(slot, headDim), x / 4);
    kernels.encodeNibbles(x, nibbles, scale, headDim);
    kernels.decodeNibbles(nibbles, scale, x, headDim);
    kernels.hadamard(x, headDim, size);
    const key = memory.f32.slice(x / 4, x / 4 + headDim);
    for (let i = 0; i < headDim; i++) {
      const other = key[i ^ 1];
      wanted.push(
        i < rotated ? key[i] * row[i] + other * row[rotated + i] : key[i],
      );
    }
    memory.u32[rows / 4 + slot] = write(memory, row);
  }
  kernels.turnNibbles(
    packed,
    scales,
    rows,
    bytes,
    byteScales,
    x,
    slots,
    headDim,
    rotated,
    size,
  );
  const decoded = Array.from(
    { length: slots * headDim },
    (_, i) =>
      memory.i8[bytes + i] *
      memory.f32[byteScales / 4 + Math.floor(i / headDim)],
  );
  return {
    wanted,
    decoded,
    byteScales: memory.f32.slice(byteScales / 4, byteScales / 4 + slots),
  };
}

/** Three rounded shears are off by at most 1.25. */
function assertRotated(
  before: Int8Array,
  after: Int8Array,
  row: Float32Array,
  rotated: number,
): void {
  before.forEach((value, i) => {
    const even = i & ~1;
    const [a, b] = [before[even], before[even + 1]];
    const cosine = row[even], sine = row[rotated + even + 1];
    const turned = i % 2 === 0 ? a * cosine - b * sine : b * cosine + a * sine;
    const wanted = i < rotated ? turned : value;
    assertLess(Math.abs(after[i] - wanted), 1.26);
  });
}
