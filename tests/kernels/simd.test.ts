import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import {
  type Activations,
  type Kernels,
  scoreBytes,
  wordBytes,
} from "../../src/kernels/kernels.ts";
import {
  allocateMatrix,
  type Matrix,
  PACKED,
  packRows,
  rowBytes,
  type RowType,
} from "../../src/kernels/matrix.ts";
import { LinearMemory } from "../../src/kernels/memory.ts";
import { narrowBytes } from "../../src/kernels/narrow_activations.ts";
import { ReferenceKernels } from "../../src/kernels/reference.ts";
import { loadSimdKernels, type SimdVariant } from "../../src/kernels/simd.ts";
import { normal, uniform } from "../helpers/random.ts";

/** Runs `operation` with both implementations on the same input and compares `count` floats at `out`. */
async function compare(
  variant: SimdVariant,
  tolerance: number,
  prepare: (
    memory: LinearMemory,
  ) => { out: number; count: number; run(k: Kernels): void },
): Promise<void> {
  const results: Float32Array[] = [];
  for (const kind of ["reference", variant] as const) {
    const memory = new LinearMemory();
    const kernels = kind === "reference"
      ? new ReferenceKernels(memory, "quantised")
      : await loadSimdKernels(memory, kind);
    const { out, count, run } = prepare(memory);
    run(kernels);
    results.push(memory.f32.slice(out / 4, out / 4 + count));
  }
  const [expected, actual] = results;
  const size = Math.max(...expected.map(Math.abs), 1e-3);
  expected.forEach((value, i) =>
    assertAlmostEquals(
      actual[i],
      value,
      size * tolerance,
      `at ${i}: ${actual[i]} for ${value}`,
    )
  );
}

function write(memory: LinearMemory, values: Float32Array): number {
  const pointer = memory.allocate(values.byteLength);
  memory.f32.set(values, pointer / 4);
  return pointer;
}

function activations(
  memory: LinearMemory,
  tokens: number,
  columns: number,
): Activations {
  const values = write(memory, normal(3, tokens * columns));
  // One block of zeros and one outlier: both must survive quantisation.
  memory.f32.fill(0, values / 4, values / 4 + Math.min(32, columns));
  if (columns > 32) memory.f32[values / 4 + 40] = 300;
  return {
    values,
    narrow: {
      bytes: memory.allocate(narrowBytes(tokens, columns)),
      scales: memory.allocate(tokens * 4),
    },
    wide: {
      bytes: memory.allocate(tokens * columns * 2),
      scales: memory.allocate(tokens * columns / 32 * 4),
    },
  };
}

/** Random keys and values of `slots` slots. */
function slotArrays(
  memory: LinearMemory,
  store: "f32" | "int8",
  slots: number,
  headDim: number,
) {
  const vectors = [12, 13].map((seed) => {
    const values = write(memory, normal(seed, slots * headDim));
    if (store === "f32") return { values, scales: 0 };
    const reference = new ReferenceKernels(memory);
    const bytes = memory.allocate((slots + 7) * headDim);
    const scales = memory.allocate(slots * 4);
    for (let slot = 0; slot < slots; slot++) {
      const from = values + slot * headDim * 4;
      const to = bytes + slot * headDim;
      reference.slots.encode(from, 0, to, scales + slot * 4, 1, headDim);
    }
    return { values: bytes, scales };
  });
  return {
    keys: vectors[0].values,
    keyScales: vectors[0].scales,
    values: vectors[1].values,
    valueScales: vectors[1].scales,
  };
}

function randomMatrix(
  memory: LinearMemory,
  type: RowType,
  rows: number,
  columns: number,
): Matrix {
  const matrix = allocateMatrix(memory, PACKED[type], rows, columns);
  const source = new DataView(new ArrayBuffer(rowBytes(type, columns) * rows));
  const random = uniform(5);
  const step = { F32: 4, F16: 2, Q8_0: 34, Q4_0: 18, Q4_1: 20 }[type];
  for (let at = 0; at < source.byteLength; at++) {
    source.setUint8(at, random() * 256);
  }
  for (let at = 0; at < source.byteLength; at += step) {
    if (type === "F32") source.setFloat32(at, random() - 0.5, true);
    else source.setFloat16(at, (random() - 0.4) / 8, true);
    if (type === "Q4_1") source.setFloat16(at + 2, random() - 0.7, true);
  }
  packRows(memory, matrix, type, new Uint8Array(source.buffer), 0);
  return matrix;
}

for (const variant of ["relaxed", "plain"] as const) {
  for (const type of ["F32", "F16", "Q8_0", "Q4_0", "Q4_1"] as const) {
    for (
      const [rows, columns, tokens] of [[4, 32, 1], [7, 64, 3], [192, 576, 4], [
        10,
        1536,
        9,
      ], [576, 96, 65]]
    ) {
      Deno.test(`matmul() in ${variant} SIMD agrees with the reference: ${type} [${rows}, ${columns}] · ${tokens}`, async () => {
        // Sums of up to 1,536 products in f32.
        await compare(variant, 2e-6, (memory) => {
          const x = activations(memory, tokens, columns);
          const matrix = randomMatrix(memory, type, rows, columns);
          const count = tokens * matrix.paddedRows;
          const y = memory.allocate(count * 4);
          return {
            out: y,
            count,
            run(kernels) {
              kernels.quantize(matrix.type, x, tokens, columns);
              kernels.matmul(matrix, x, y, tokens);
            },
          };
        });
      });
    }
  }

  for (const type of ["q4", "q8"] as const) {
    Deno.test(`quantize() in ${variant} SIMD gives the bytes and scales of the reference: ${type}`, async () => {
      const [simd, reference] = await Promise.all(
        [variant, null].map(async (kind) => {
          const memory = new LinearMemory();
          const kernels = kind
            ? await loadSimdKernels(memory, kind)
            : new ReferenceKernels(memory);
          const x = activations(memory, 5, 192);
          kernels.quantize(type, x, 5, 192);
          const { bytes, scales } = type === "q4" ? x.narrow : x.wide;
          const [byteCount, scaleCount] = type === "q4"
            ? [narrowBytes(5, 192), 5]
            : [5 * 192 * 2, 5 * 6];
          return {
            bytes: memory.i8.slice(bytes, bytes + byteCount),
            scales: memory.f32.slice(scales / 4, scales / 4 + scaleCount),
          };
        }),
      );
      assertEquals(simd.bytes, reference.bytes);
      assertEquals(simd.scales, reference.scales);
    });
  }

  for (
    const [heads, headDim, base, tokens] of [
      [1, 16, 0, 1],
      [3, 64, 0, 9],
      [3, 64, 317, 5],
      [2, 80, 2, 3],
      [4, 4, 30, 2],
      [7, 12, 10, 4],
      [1, 32, 63, 64],
    ]
  ) {
    for (const added of ["nothing", "bias", "bias and lift"] as const) {
      for (const store of ["f32", "int8"] as const) {
        if (store === "int8" && headDim % 16 !== 0) continue;
        Deno.test(`attention over ${store} slots in ${variant} SIMD agrees with the reference: ${heads} heads of ${headDim}, ${base} + ${tokens} slots, ${added} added`, async () => {
          // f32: exponentials and sums over up to 323 slots. int8: attention weights of 15 bits.
          const tolerance = store === "f32" ? 5e-6 : 5e-4;
          await compare(variant, tolerance, (memory) => {
            const slots = base + tokens;
            const width = (heads + 1) * headDim;
            const attention = {
              query: write(
                memory,
                normal(11, tokens * width).map((x) => x * 2),
              ),
              output: 0,
              stride: width * 4,
              ...slotArrays(memory, store, slots, headDim),
              bias: added === "nothing" ? 0 : write(memory, normal(14, slots)),
              // Stretched, the first slot lifted, and a range that begins at no whole vector and may go too far.
              lift: added === "bias and lift"
                ? write(memory, normal(15, heads * 3))
                : 0,
              liftFrom: 3,
              liftTo: base + 1,
              scores: memory.allocate(scoreBytes(slots)),
              scratch: memory.allocate(wordBytes(slots, headDim)),
              spread: 0,
              mass: 0,
              heads,
              headDim,
              base,
              tokens,
              scale: 1 / Math.sqrt(headDim),
            };
            // Output and attention mass lie side by side, so that one comparison covers both.
            const count = tokens * width + slots;
            attention.output = write(memory, new Float32Array(count));
            attention.mass = attention.output + tokens * width * 4;
            return {
              out: attention.output,
              count,
              run: (kernels) =>
                store === "f32"
                  ? kernels.attend(attention)
                  : kernels.attendInt8(attention),
            };
          });
        });
      }
    }
  }

  for (
    const [rows, taps, step, count] of [
      [1, 1, 4, 1],
      [3, 5, 8, 7],
      [32, 21, 32, 30],
      [6, 1, 128, 2],
    ]
  ) {
    Deno.test(`convolve() in ${variant} SIMD agrees with the reference: ${rows} rows, ${taps} taps of ${step}, ${count} places`, async () => {
      await compare(variant, 2e-6, (memory) => {
        const width = taps * step;
        const weight = write(memory, normal(41, rows * width));
        const bias = write(memory, normal(42, rows));
        const x = write(memory, normal(43, (count + taps - 1) * step));
        const out = memory.allocate(rows * count * 4);
        return {
          out,
          count: rows * count,
          run: (k) =>
            k.convolve(weight, bias, x, out, rows, width, step, count),
        };
      });
    });
  }

  Deno.test(`likest() in ${variant} SIMD finds what the reference finds, over f32 and over bytes`, async () => {
    const kept = [0, 3, 4, 5, 7, 9, 10];
    // All of them, some, one, and none.
    const seekers = [[1, 0, 7], [2, 2, 5], [6, 6, 7], [8, 3, 3]].flat();
    const count = seekers.length / 3;
    for (const headDim of [16, 64, 96]) {
      for (const isBytes of [false, true]) {
        await compare(variant, 1e-6, (memory) => {
          const keys = write(memory, normal(51, 11 * headDim));
          const bytes = memory.allocate(11 * headDim);
          memory.i8.set(normal(52, 11 * headDim).map((x) => x * 40), bytes);
          const lists = memory.allocate((kept.length + seekers.length) * 4);
          memory.i32.set([...kept, ...seekers], lists / 4);
          // Targets and cosines lie side by side.
          const out = memory.allocate(count * 8);
          const search = {
            keys: isBytes ? bytes : keys,
            kept: lists,
            seekers: lists + kept.length * 4,
            count,
            headDim,
            targets: out,
            cosines: out + count * 4,
          };
          return {
            out,
            count: count * 2,
            run: (k) => {
              if (isBytes) k.slots.likestBytes(search);
              else k.likest(search);
              // As numbers, so that one comparison covers both; nothing is alike to nothing.
              const at = out / 4;
              memory.f32.set(memory.i32.slice(at, at + count), at);
              assertEquals(memory.f32[at + 2 * count - 1], -Infinity);
              memory.f32[at + 2 * count - 1] = -1;
            },
          };
        });
      }
    }
  });

  for (const columns of [4, 64, 576]) {
    Deno.test(`rmsNorm(), swiglu(), add(), addScaled(), correct() and rotate() in ${variant} SIMD agree with the reference: ${columns}`, async () => {
      const tokens = 3;
      const count = tokens * columns;
      const operations:
        ((kernels: Kernels, x: number, y: number, table: number) => void)[] = [
          (k, x, y) => k.rmsNorm(y, y, x, tokens, columns, 1e-5),
          (k, x, y) => k.swiglu(x, y, tokens, columns),
          (k, x, y) => k.add(x, y, tokens, columns),
          (k, x, y) => k.addScaled(x, y, -0.3, count),
          (k, x, y) => k.correct(x, y, y + 16, -0.3, 4, columns * 4, tokens),
          (k, x, y) => k.correct(x, y, y, 0.7, columns, columns * 4, tokens),
          (k, x, _, table) =>
            k.rotate(x, 0, table, 1, tokens, columns, columns),
          (k, x, _, table) =>
            k.rotate(x, 0, table, 1, tokens, columns, columns / 2 & ~3),
          (k, x, _, table) =>
            k.rotate(x, columns * 4, table, 2, 1, columns, columns / 2 & ~3),
          (k, x, y) => k.copy(y + 16, columns * 4, x, tokens - 1, columns),
        ];
      for (const operation of operations) {
        await compare(variant, 1e-6, (memory) => {
          const x = write(memory, normal(21, count).map((v) => v * 20));
          const y = write(memory, normal(22, count));
          const table = write(memory, normal(23, columns * 4));
          return { out: x, count, run: (k) => operation(k, x, y, table) };
        });
      }
    });
  }
}

Deno.test("swiglu() survives gates of any size", async () => {
  const memory = new LinearMemory();
  const kernels = await loadSimdKernels(memory);
  const gate = write(memory, Float32Array.of(-1e30, -200, 200, 1e30));
  const up = write(memory, Float32Array.of(1, 1, 1, 1));
  kernels.swiglu(gate, up, 1, 4);
  const [a, b, c, d] = memory.f32.subarray(gate / 4, gate / 4 + 4);
  assertAlmostEquals(b, 0, 1e-30);
  assertAlmostEquals(c, 200, 1e-4);
  assertAlmostEquals(d / 1e30, 1, 1e-6);
  assertEquals(Number.isFinite(a), true);
});

Deno.test("loadSimdKernels() says how to build kernels that are missing", async () => {
  const memory = new LinearMemory();
  await assertRejects(
    // deno-lint-ignore no-explicit-any
    () => loadSimdKernels(memory, "missing" as any),
    Error,
    "Cannot",
  );
});
