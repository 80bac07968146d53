/**
 * The compiled kernels, done by several threads: what stands here has the functions of the compiled module, but notes calls
 * that take long as tasks and has them done together. Each value is computed by the same instructions in the same order as
 * by one thread, whoever does it, so results are the same to the last bit.
 *
 * @module
 */
import { GrowingBlock } from "../growing_block.ts";
import { scoreBytes, wordBytes } from "../kernels.ts";
import type { LinearMemory } from "../memory.ts";
import { narrowOffset } from "../narrow_activations.ts";
import type { Exports } from "../simd.ts";
import { CAPACITY, type KernelCall } from "./task_queue.ts";
import { type PoolOptions, ThreadPool } from "./thread_pool.ts";

/** Calls that are noted. Those of one kind do not need each other's results, those of different kinds may. */
type Noted = Extract<
  keyof Exports,
  | `matmul${string}`
  | `attend${string}`
  | `quantize${string}`
  | "correct"
  | "rmsNorm"
  | "swiglu"
>;

const NAMES: readonly Noted[] = [
  "matmulF16",
  "matmulF32",
  "matmulQ4",
  "matmulQ8",
  "attend",
  "attendInt8",
  "correct",
  "quantizeNarrow",
  "quantizeWide",
  "rmsNorm",
  "swiglu",
];

/** Products of a task, about: enough that taking it costs little beside doing it. */
const WORTHWHILE = 1 << 17;
/** Values of a task of the operations that take each value once. */
const VALUES = 1 << 13;
/** A part of a product has a multiple of so many rows: whole groups of those that are interleaved. */
const ROWS = 8;
/** Index of the first argument that is scratch space, and of those that tell how much of it is needed. */
const SCRATCH = { attend: 6, attendInt8: 8 };

/** Notes calls, and has them done. */
export class ThreadedExports {
  readonly pool: ThreadPool;
  readonly #wasm: Exports;
  /** What the noted calls have in common. */
  #kind = "";
  #commands = 0;
  #tasks = 0;
  /** [CAPACITY]: of each task, its first command, how many it has, and what it costs. */
  readonly #first = new Int32Array(CAPACITY);
  readonly #length = new Int32Array(CAPACITY);
  readonly #cost = new Float64Array(CAPACITY);
  /** Scratch space of all threads, and the bytes that each needs. */
  readonly #scratch: GrowingBlock;
  #neededBytes = 0;

  constructor(
    threads: number,
    memory: LinearMemory,
    module: WebAssembly.Module,
    wasm: Exports,
    options?: PoolOptions,
  ) {
    const calls: KernelCall[] = NAMES.map((name) => wasm[name]);
    const tools = { module, memory: memory.memory, calls, names: NAMES };
    this.pool = new ThreadPool(threads, tools, options);
    this.#scratch = new GrowingBlock(memory);
    this.#wasm = wasm;
  }

  /** Has everything done that was noted. */
  settle(): void {
    const tasks = this.#tasks;
    if (tasks === 0) return;
    this.#reserve();
    for (let rank = 0; rank < tasks; rank++) {
      const task = this.#costliest(tasks);
      this.pool.queue.group(rank, this.#first[task], this.#length[task]);
      this.#cost[task] = -1;
    }
    this.#tasks = this.#commands = 0;
    this.#kind = "";
    this.pool.run(tasks);
  }

  /** The functions of the compiled module. */
  exports(): Exports {
    const direct = Object.keys(this.#wasm)
      .filter((name) => name !== "memory")
      .map((name) => [name, this.#now(name as keyof Exports)]);
    return {
      ...Object.fromEntries(direct),
      matmulF16: this.#product("matmulF16", 2, 2),
      matmulF32: this.#product("matmulF32", 2, 4),
      matmulQ4: this.#product("matmulQ4", 3, 20),
      matmulQ8: this.#product("matmulQ8", 3, 34),
      attend: this.#attention("attend", 8),
      attendInt8: this.#attention("attendInt8", 11),
      correct: this.#correct,
      quantizeNarrow: this.#quantizeNarrow,
      quantizeWide: this.#quantizeWide,
      rmsNorm: this.#rmsNorm,
      swiglu: this.#swiglu,
    };
  }

  /** Waits for what was noted, then does it here. */
  #now(name: keyof Exports): KernelCall {
    const call = this.#wasm[name];
    return (...args) => {
      this.settle();
      call(...args);
    };
  }

  /** @param step Bytes of a weight, or of a row's block of 32. */
  #product(name: Noted, yIndex: 2 | 3, step: number): KernelCall {
    return (...args) => {
      const rows = args[yIndex + 2];
      const columns = args[yIndex + 3] * (yIndex === 3 ? 32 : 1);
      const products = rows * columns * args[yIndex + 4];
      const most = Math.floor(products / WORTHWHILE);
      const size = this.#share(rows, most, ROWS);
      const row = args[yIndex + 3] * step;
      for (let first = 0; first < rows; first += size) {
        const part = [...args];
        part[0] += first * row;
        part[yIndex] += first * 4;
        part[yIndex + 2] = Math.min(size, rows - first);
        this.#note("product", name, size, part);
      }
    };
  }

  /** @param headsIndex Where the number of heads stands, behind which come headDim, base and tokens. */
  #attention(name: "attend" | "attendInt8", headsIndex: number): KernelCall {
    return (...args) => {
      const headDim = args[headsIndex + 1];
      const slots = args[headsIndex + 2] + args[headsIndex + 3];
      // The first part is a whole number of vectors.
      const scores = Math.ceil(scoreBytes(slots) / 64) * 64;
      const bytes = scores + wordBytes(slots, headDim);
      this.#neededBytes = Math.max(this.#neededBytes, bytes);
      const words = name === "attend" ? 0 : scores;
      const cost = slots * args[headsIndex + 3];
      this.#note("attend", name, cost, args, SCRATCH[name], words);
    };
  }

  /** Belongs to the attention that was noted before it. */
  readonly #correct: KernelCall = (...args) => {
    if (this.#kind === "attend" && this.#commands < CAPACITY) {
      this.#write("correct", args, -1, 0);
      this.#length[this.#tasks - 1]++;
    } else {
      this.settle();
      this.#wasm.correct(...args);
    }
  };

  /** Tokens that lie together stay together. */
  readonly #quantizeNarrow: KernelCall = (x, xq, xs, tokens, columns) => {
    const name = "quantizeNarrow";
    this.#byTokens(tokens, columns, 4, "quantize", name, (first, count) => [
      x + first * columns * 4,
      xq + narrowOffset(first, columns),
      xs + first * 4,
      count,
      columns,
    ]);
  };

  readonly #quantizeWide: KernelCall = (x, xq, xs, tokens, columns) => {
    const name = "quantizeWide";
    this.#byTokens(tokens, columns, 1, "quantize", name, (first, count) => [
      x + first * columns * 4,
      xq + first * columns * 2,
      xs + first * columns / 8,
      count,
      columns,
    ]);
  };

  readonly #rmsNorm: KernelCall = (x, weight, y, tokens, columns, epsilon) => {
    this.#byTokens(tokens, columns, 1, "norm", "rmsNorm", (first, count) => {
      const at = first * columns * 4;
      return [x + at, weight, y + at, count, columns, epsilon];
    });
  };

  readonly #swiglu: KernelCall = (gate, up, count) => {
    const vectors = count / 4;
    this.#byTokens(vectors, 4, 1, "gate", "swiglu", (first, some) => {
      return [gate + first * 16, up + first * 16, some * 4];
    });
  };

  /** Notes an operation in parts, of a multiple of `unit` tokens each; what is small is done here. */
  #byTokens(
    tokens: number,
    columns: number,
    unit: number,
    kind: string,
    name: Noted,
    part: (first: number, count: number) => number[],
  ): void {
    const most = Math.floor(tokens * columns / VALUES);
    if (most < 2) {
      this.settle();
      this.#wasm[name](...part(0, tokens));
      return;
    }
    const size = this.#share(tokens, most, unit);
    for (let first = 0; first < tokens; first += size) {
      const count = Math.min(size, tokens - first);
      this.#note(kind, name, count, part(first, count));
    }
  }

  /**
   * How many of `all` a part has, if there may be at most so many parts: a multiple of `unit`. Several parts for each thread,
   * so that one which is held up does less; but one where there is little to do, since every part costs its taking.
   */
  #share(all: number, most: number, unit: number): number {
    const { threads } = this.pool;
    const many = threads * 4;
    const parts = most < many ? Math.min(most, threads) : many;
    return Math.ceil(all / Math.max(1, parts) / unit) * unit;
  }

  #note(
    kind: string,
    name: Noted,
    cost: number,
    args: readonly number[],
    scratch = -1,
    offset = 0,
  ): void {
    if (this.#kind !== kind || this.#commands === CAPACITY) this.settle();
    this.#kind = kind;
    const task = this.#tasks++;
    this.#first[task] = this.#commands;
    this.#length[task] = 1;
    this.#cost[task] = cost;
    this.#write(name, args, scratch, offset);
  }

  #write(
    name: Noted,
    args: readonly number[],
    scratch: number,
    offset: number,
  ): void {
    const call = NAMES.indexOf(name);
    this.pool.queue.write(this.#commands++, call, scratch, offset, args);
  }

  /** The task that costs most: begun first, so that threads end together (FairKV, arXiv 2502.15804, for heads). */
  #costliest(tasks: number): number {
    let most = 0;
    for (let task = 1; task < tasks; task++) {
      if (this.#cost[task] > this.#cost[most]) most = task;
    }
    return most;
  }

  /** Scratch space for every thread, so that none writes into another's. */
  #reserve(): void {
    const bytes = Math.ceil(this.#neededBytes / 64) * 64;
    const start = this.#scratch.reserve(bytes * this.pool.threads);
    this.pool.queue.setScratch(start, bytes);
  }
}
