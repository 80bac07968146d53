/**
 * The compiled kernels of `simd/`, over a linear memory.
 *
 * @module
 */
import type { Activations, Attention, Kernels } from "./kernels.ts";
import type { KeySearch } from "./key_search.ts";
import { BLOCK, type Matrix, type MatrixType } from "./matrix.ts";
import type { LinearMemory } from "./memory.ts";
import { readProgramFile } from "./read_program_file.ts";
import { callSearch, SimdSlotKernels, type SlotExports } from "./simd_slots.ts";

/** What the compiled module exports; every argument is a number. */
export type Exports =
  & SlotExports
  & Record<
    | "add"
    | "addScaled"
    | "attend"
    | "attendInt8"
    | "convolve"
    | "copy"
    | "correct"
    | "likest"
    | "matmulF16"
    | "matmulF32"
    | "matmulQ4"
    | "matmulQ8"
    | "quantizeNarrow"
    | "quantizeWide"
    | "rmsNorm"
    | "rotate"
    | "swiglu",
    (...args: number[]) => void
  >;

/** What the kernels know of threads. */
interface Threads {
  settle(): void;
  task(): void;
  readonly pool: { dispose(): void };
}

/** With relaxed SIMD where the engine has it; otherwise in plain SIMD. */
export type SimdVariant = "relaxed" | "plain";

/** Where the build task puts a variant. */
const LOCATIONS: Readonly<Record<SimdVariant, URL>> = {
  relaxed: new URL("../../build/kernels_relaxed.wasm", import.meta.url),
  plain: new URL("../../build/kernels_simd.wasm", import.meta.url),
};
/** The same over shared memory. */
const SHARED_LOCATIONS: Readonly<Record<SimdVariant, URL>> = {
  relaxed: new URL("../../build/kernels_relaxed_shared.wasm", import.meta.url),
  plain: new URL("../../build/kernels_simd_shared.wasm", import.meta.url),
};

/**
 * Compiles the kernels.
 *
 * @param variant Null for the fastest that this engine runs.
 * @param threads How many compute; more than one only over shared memory.
 * @throws {Error} If the kernels were not built, or the engine has no SIMD at all.
 */
export async function loadSimdKernels(
  memory: LinearMemory,
  variant: SimdVariant | null = null,
  threads = 1,
): Promise<SimdKernels> {
  const chosen = variant ?? "relaxed";
  const locations = memory.shared ? SHARED_LOCATIONS : LOCATIONS;
  const code = await readModule(locations[chosen]);
  if (variant === null && !WebAssembly.validate(code)) {
    return loadSimdKernels(memory, "plain", threads);
  }
  const { module, instance } = await WebAssembly.instantiate(code, {
    env: { memory: memory.memory },
  });
  const wasm = instance.exports as unknown as Exports;
  if (threads === 1) return new SimdKernels(wasm, chosen);
  // Loaded only here: hosts without workers never see it.
  const { ThreadedExports } = await import("./threads/threaded_exports.ts");
  const threaded = new ThreadedExports(threads, memory, module, wasm);
  await threaded.pool.ready;
  return new SimdKernels(threaded.exports(), chosen, threaded);
}

async function readModule(location: URL): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readProgramFile(location);
  } catch (cause) {
    throw new Error(
      `Cannot read the kernels at ${location.pathname}: run \`deno task build\``,
      { cause },
    );
  }
}

/** The operations of {@link Kernels} in WebAssembly. Matrices of 4 and 8 bits multiply quantised activations. */
export class SimdKernels implements Kernels {
  readonly slots: SimdSlotKernels;
  readonly #wasm: Exports;
  readonly #threads: Threads | null;

  constructor(
    wasm: Exports,
    readonly variant: SimdVariant,
    threads: Threads | null = null,
  ) {
    this.slots = new SimdSlotKernels(wasm);
    this.#wasm = wasm;
    this.#threads = threads;
  }

  settle(): void {
    this.#threads?.settle();
  }

  task(): void {
    this.#threads?.task();
  }

  dispose(): void {
    this.#threads?.pool.dispose();
  }

  quantize(
    type: MatrixType,
    x: Activations,
    tokens: number,
    columns: number,
  ): void {
    const { quantizeNarrow, quantizeWide } = this.#wasm;
    if (type === "q4") {
      const { bytes, scales } = x.narrow;
      quantizeNarrow(x.values, bytes, scales, tokens, columns);
    } else if (type === "q8") {
      const { bytes, scales } = x.wide;
      quantizeWide(x.values, bytes, scales, tokens, columns);
    }
  }

  matmul(matrix: Matrix, x: Activations, y: number, tokens: number): void {
    const { type, pointer, paddedRows, columns } = matrix;
    const stride = paddedRows * 4;
    if (type === "f32" || type === "f16") {
      const run = type === "f32" ? this.#wasm.matmulF32 : this.#wasm.matmulF16;
      run(pointer, x.values, y, stride, paddedRows, columns, tokens);
    } else {
      const run = type === "q4" ? this.#wasm.matmulQ4 : this.#wasm.matmulQ8;
      const { bytes, scales } = type === "q4" ? x.narrow : x.wide;
      const blocks = columns / BLOCK;
      run(pointer, bytes, scales, y, stride, paddedRows, blocks, tokens);
    }
  }

  rmsNorm(
    x: number,
    weight: number,
    y: number,
    tokens: number,
    columns: number,
    epsilon: number,
  ): void {
    this.#wasm.rmsNorm(x, weight, y, tokens, columns, epsilon);
  }

  add(x: number, y: number, tokens: number, columns: number): void {
    this.#wasm.add(x, y, tokens, columns);
  }

  copy(
    from: number,
    stride: number,
    to: number,
    vectors: number,
    count: number,
  ): void {
    this.#wasm.copy(from, stride, to, vectors, count);
  }

  convolve(
    weight: number,
    bias: number,
    x: number,
    out: number,
    rows: number,
    width: number,
    step: number,
    count: number,
  ): void {
    this.#wasm.convolve(weight, bias, x, out, rows, width, step, count);
  }

  correct(
    x: number,
    gain: number,
    offset: number,
    share: number,
    width: number,
    stride: number,
    tokens: number,
  ): void {
    this.#wasm.correct(x, gain, offset, share, width, stride, tokens);
  }

  addScaled(out: number, x: number, weight: number, count: number): void {
    this.#wasm.addScaled(out, x, weight, count);
  }

  likest(search: KeySearch): void {
    callSearch(this.#wasm.likest, search);
  }

  swiglu(gate: number, up: number, tokens: number, columns: number): void {
    this.#wasm.swiglu(gate, up, columns, columns * 4, tokens);
  }

  rotate(
    x: number,
    stride: number,
    table: number,
    tokens: number,
    heads: number,
    headDim: number,
    rotated: number,
  ): void {
    this.#wasm.rotate(x, stride, table, tokens, heads, headDim, rotated);
  }

  attend(a: Readonly<Attention>): void {
    this.#wasm.attend(
      a.query,
      a.output,
      a.stride,
      a.keys,
      a.values,
      a.bias,
      a.scores,
      a.mass,
      a.heads,
      a.headDim,
      a.base,
      a.tokens,
      a.scale,
      a.lift,
      a.liftFrom,
      a.liftTo,
    );
  }

  attendInt8(a: Readonly<Attention>): void {
    this.#wasm.attendInt8(
      a.query,
      a.output,
      a.stride,
      a.keys,
      a.keyScales,
      a.values,
      a.valueScales,
      a.bias,
      a.scores,
      a.scratch,
      a.mass,
      a.heads,
      a.headDim,
      a.base,
      a.tokens,
      a.scale,
      a.lift,
      a.liftFrom,
      a.liftTo,
    );
  }
}
