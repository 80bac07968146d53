import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Kernels } from "../../../src/kernels/kernels.ts";
import { scoreBytes, wordBytes } from "../../../src/kernels/kernels.ts";
import { allocateMatrix } from "../../../src/kernels/matrix.ts";
import { LinearMemory } from "../../../src/kernels/memory.ts";
import {
  loadSimdKernels,
  SimdKernels,
  type SimdVariant,
} from "../../../src/kernels/simd.ts";
import { ThreadedExports } from "../../../src/kernels/threads/threaded_exports.ts";
import type { PoolOptions } from "../../../src/kernels/threads/thread_pool.ts";
import { normal } from "../../helpers/random.ts";

/** Something that is computed, and where its result of `count` floats is. */
interface Operation {
  readonly out: number;
  readonly count: number;
  run(kernels: Kernels): void;
}

function write(memory: LinearMemory, values: Float32Array): number {
  const pointer = memory.allocate(values.byteLength);
  memory.f32.set(values, pointer / 4);
  return pointer;
}

/** A product with every kind of matrix, of rows that make no whole number of tiles. */
function products(memory: LinearMemory): Operation {
  const tokens = 5, rows = 1001, columns = 576;
  const values = write(memory, normal(1, tokens * columns));
  const room = () => ({
    bytes: memory.allocate(tokens * columns * 2),
    scales: memory.allocate(tokens * columns / 2),
  });
  const x = { values, narrow: room(), wide: room() };
  const types = ["q4", "q8", "f16", "f32"] as const;
  const matrices = types.map((type) => {
    const matrix = allocateMatrix(memory, type, rows, columns);
    const bytes = { q4: 5, q8: 8.5, f16: 16, f32: 32 }[type] * columns / 8;
    // Small numbers whatever they are read as.
    memory.u32.fill(
      0x1c121d13,
      matrix.pointer / 4,
      matrix.pointer / 4 + rows * bytes / 4 - 1,
    );
    return matrix;
  });
  const size = tokens * matrices[0].paddedRows;
  const out = memory.allocate(size * 4 * types.length);
  return {
    out,
    count: size * types.length,
    run(kernels) {
      matrices.forEach((matrix, i) => {
        kernels.quantize(matrix.type, x, tokens, columns);
        kernels.matmul(matrix, x, out + i * size * 4, tokens);
      });
      kernels.settle();
    },
  };
}

/** What is done value by value, over more of them than one thread would keep to itself. */
function elementwise(memory: LinearMemory): Operation {
  const tokens = 65, columns = 576, count = tokens * columns;
  const x = write(memory, normal(2, count));
  const weight = write(memory, normal(3, columns));
  const normed = memory.allocate(count * 4);
  const half = {
    bytes: memory.allocate(count * 2),
    scales: memory.allocate(count),
  };
  return {
    out: normed,
    count: count + count / 4,
    run(kernels) {
      kernels.rmsNorm(x, weight, normed, tokens, columns, 1e-5);
      kernels.swiglu(normed, x, tokens, columns);
      const activations = { values: normed, narrow: half, wide: half };
      kernels.quantize("q4", activations, tokens, columns);
      kernels.add(normed, x, tokens, columns);
      kernels.settle();
    },
  };
}

/** Attention in several groups of heads with unequal slots, corrected. */
function attention(memory: LinearMemory): Operation {
  const heads = 3, headDim = 64, tokens = 4, groups = [70, 9, 200, 33];
  const width = groups.length * heads * headDim;
  const query = write(memory, normal(4, tokens * width));
  const slots = Math.max(...groups);
  const keys = write(memory, normal(5, slots * headDim));
  const values = write(memory, normal(6, slots * headDim));
  const gain = write(memory, normal(7, heads * headDim));
  const out = write(memory, new Float32Array(tokens * width + slots));
  const scores = memory.allocate(scoreBytes(slots));
  const scratch = memory.allocate(wordBytes(slots, headDim));
  return {
    out,
    count: tokens * width + slots,
    run(kernels) {
      groups.forEach((group, i) => {
        kernels.task();
        const at = i * heads * headDim * 4;
        kernels.attend({
          query: query + at,
          output: out + at,
          stride: width * 4,
          keys,
          keyScales: 0,
          values,
          valueScales: 0,
          spread: 0,
          bias: 0,
          lift: 0,
          liftFrom: 0,
          liftTo: 0,
          scores,
          scratch,
          // Of one group only: units do not share their slots.
          mass: i === 0 ? out + tokens * width * 4 : 0,
          heads,
          headDim,
          base: group - tokens,
          tokens,
          scale: 0.125,
        });
        kernels.correct(
          out + at,
          gain,
          gain,
          0.3,
          heads * headDim,
          width * 4,
          tokens,
        );
      });
      kernels.settle();
    },
  };
}

for (const variant of ["relaxed", "plain"] as const) {
  for (const make of [products, elementwise, attention]) {
    Deno.test(`threads compute the same bits as one does, in ${variant} SIMD: ${make.name}`, async () => {
      const [one, three] = await Promise.all([1, 3].map(async (threads) => {
        const memory = new LinearMemory(threads > 1);
        const kernels = await loadSimdKernels(memory, variant, threads);
        const { out, count, run } = make(memory);
        run(kernels);
        kernels.dispose();
        return memory.u32.slice(out / 4, out / 4 + count);
      }));
      assert(one.some((bits) => bits !== 0));
      assertEquals(three, one);
    });
  }
}

/** Kernels of two threads, and the pool behind them. */
async function twoThreads(variant: SimdVariant, options: PoolOptions) {
  const memory = new LinearMemory(true);
  const code = await Deno.readFile(
    new URL(
      `../../../build/kernels_${
        variant === "relaxed" ? "relaxed" : "simd"
      }_shared.wasm`,
      import.meta.url,
    ),
  );
  const { module, instance } = await WebAssembly.instantiate(code, {
    env: { memory: memory.memory },
  });
  // deno-lint-ignore no-explicit-any
  const wasm = instance.exports as any;
  const threads = new ThreadedExports(2, memory, module, wasm, options);
  await threads.pool.ready;
  return {
    memory,
    kernels: new SimdKernels(threads.exports(), variant, threads),
  };
}

Deno.test("ThreadPool.finish() gives an error for a thread that died with a task, and goes on with a new one", async () => {
  const worker = new URL("mortal_worker.ts", import.meta.url);
  const { memory, kernels } = await twoThreads("plain", { worker, limit: 200 });
  const { out, count, run } = products(memory);
  // The other thread need not get a task at once.
  assertThrows(
    () => {
      for (let i = 0; i < 1000; i++) run(kernels);
    },
    Error,
    "Cannot go on computing: a thread died",
  );
  run(kernels);
  const after = memory.u32.slice(out / 4, out / 4 + count);
  kernels.dispose();

  const alone = new LinearMemory();
  const expected = products(alone);
  expected.run(await loadSimdKernels(alone, "plain"));
  assertEquals(
    after,
    alone.u32.slice(expected.out / 4, expected.out / 4 + count),
  );
});

Deno.test("ThreadPool.finish() gives an error for a kernel that fails, and goes on", async () => {
  const { memory, kernels } = await twoThreads("plain", {});
  const { run } = products(memory);
  const matrix = {
    type: "f32" as const,
    pointer: 0xfff00000,
    rows: 4000,
    columns: 64,
    paddedRows: 4000,
  };
  const none = { bytes: 0, scales: 0 };
  const x = { values: memory.allocate(256), narrow: none, wide: none };
  const y = memory.allocate(16000);
  assertThrows(
    () => {
      kernels.matmul(matrix, x, y, 1);
      kernels.settle();
    },
    Error,
    "Cannot go on computing: a kernel failed",
  );
  run(kernels);
  kernels.dispose();
});
