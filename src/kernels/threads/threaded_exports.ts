/**
 * The compiled kernels, done by several threads: what stands here has the functions of the compiled module, but notes calls
 * and has them done together. Each value is computed by the same instructions in the same order as by one thread, whoever does
 * it, so results are the same to the last bit.
 *
 * @module
 */
import { GrowingBlock } from "../growing_block.ts";
import { wordBytes } from "../kernels.ts";
import type { LinearMemory } from "../memory.ts";
import type { Exports } from "../simd.ts";
import {
  alignedScoreBytes,
  createPlayers,
  type KernelCall,
  NAMES,
  type Shared,
  TOKENS,
} from "./operations.ts";
import { PIECES } from "./task_queue.ts";
import { type PoolOptions, ThreadPool } from "./thread_pool.ts";

/**
 * Products of a part: at least so many that taking it costs little beside doing it, and not many more than so many, since
 * whoever is done at the end of a phase waits for the others.
 */
const PRODUCTS = { least: 1 << 17, most: 1 << 21 };
/** As many values, where an operation takes each once. */
const VALUES = { least: 1 << 13, most: 1 << 15 };

/**
 * What the calls of a phase are: products, which need nothing of each other; their gates, each of which needs what the same part
 * has multiplied; operations on tokens, where a token needs none but itself; or tasks, which need nothing of each other.
 */
type Kind = "none" | "products" | "gates" | "tokens" | "tasks";

/** Notes calls, and has them done. */
export class ThreadedExports {
  readonly pool: ThreadPool;
  readonly #wasm: Exports;
  readonly #scratch: GrowingBlock;
  /** Bytes of the scratch space that every thread has, so that none writes into another's. */
  #scratchBytes = 0;
  #kind: Kind = "none";
  /** Rows of the phase's products, or its tokens. */
  #size = 0;
  /** What the phase, or its last task, costs: products, values, or pairs of a query and a slot. */
  #cost = 0;

  constructor(
    threads: number,
    memory: LinearMemory,
    module: WebAssembly.Module,
    wasm: Exports,
    options?: PoolOptions,
  ) {
    const players = createPlayers(wasm);
    const tools = { module, memory: memory.memory, players };
    this.pool = new ThreadPool(threads, tools, options);
    this.#scratch = new GrowingBlock(memory);
    this.#wasm = wasm;
  }

  /** Begins a task: see `Kernels.task`. */
  task(): void {
    this.#endTask();
    if (this.pool.queue.taskCount === PIECES) this.#close();
    this.#begin("tasks", 0);
  }

  /** Has everything done that was noted. */
  settle(): void {
    this.#close();
    this.#kind = "none";
    this.#finish();
  }

  /** The functions of the compiled module. */
  exports(): Exports {
    const direct = Object.keys(this.#wasm)
      .filter((name) => name !== "memory")
      .map((name) => [name, this.#direct(name as keyof Exports)]);
    return {
      ...Object.fromEntries(direct),
      matmulF16: this.#product("matmulF16", 4, 1),
      matmulF32: this.#product("matmulF32", 4, 1),
      matmulQ4: this.#product("matmulQ4", 5, 32),
      matmulQ8: this.#product("matmulQ8", 5, 32),
      swiglu: this.#gate("swiglu"),
      add: this.#byToken("add", 2),
      rmsNorm: this.#byToken("rmsNorm", 3),
      quantizeNarrow: this.#byToken("quantizeNarrow", 3),
      quantizeWide: this.#byToken("quantizeWide", 3),
      attend: this.#attention("attend", 8),
      attendInt8: this.#attention("attendInt8", 11),
      correct: this.#ofTask("correct"),
      rotate: this.#ofTask("rotate"),
      copy: this.#ofTask("copy"),
      encode: this.#ofTask("encode"),
      encodeKey: this.#ofTask("encodeKey"),
      turnKey: this.#ofTask("turnKey"),
      hadamard: this.#ofTask("hadamard"),
      encodeNibbles: this.#ofTask("encodeNibbles"),
    };
  }

  /** Waits for what was noted, then does it here. */
  #direct(name: keyof Exports): KernelCall {
    const call = this.#wasm[name];
    return (...args) => {
      this.settle();
      call(...args);
    };
  }

  /** @param rowsIndex Where rows stand, behind which come columns, in blocks of `block`, and tokens. */
  #product(name: Shared, rowsIndex: number, block: number): KernelCall {
    const operation = NAMES.indexOf(name);
    return (...args) => {
      const rows = args[rowsIndex];
      this.#begin("products", 0);
      this.#size = rows;
      this.#cost += rows * args[rowsIndex + 1] * block * args[rowsIndex + 2];
      const at = this.#note(operation, args.length);
      const { commands: to } = this.pool.queue;
      for (let i = 0; i < args.length; i++) to[at + i] = args[i];
    };
  }

  #gate(name: Shared): KernelCall {
    const operation = NAMES.indexOf(name);
    return (...args) => {
      // Cut as the products are whose columns it takes.
      const columns = args[2];
      if (this.#kind === "products" && this.#size === columns) {
        this.#kind = "gates";
      }
      this.#begin("gates", columns);
      const at = this.#note(operation, args.length);
      const { commands: to } = this.pool.queue;
      for (let i = 0; i < args.length; i++) to[at + i] = args[i];
    };
  }

  /** @param tokensIndex Where tokens stand, behind which come columns. */
  #byToken(name: Shared, tokensIndex: number): KernelCall {
    const operation = NAMES.indexOf(name);
    return (...args) => {
      const tokens = args[tokensIndex];
      this.#begin("tokens", tokens);
      this.#cost += tokens * args[tokensIndex + 1];
      const at = this.#note(operation, args.length);
      const { commands: to } = this.pool.queue;
      for (let i = 0; i < args.length; i++) to[at + i] = args[i];
    };
  }

  /** In a task, noted; otherwise done here. */
  #ofTask(name: Shared): KernelCall {
    const operation = NAMES.indexOf(name);
    const direct = this.#direct(name);
    return (...args) => {
      if (this.#kind !== "tasks") return direct(...args);
      const at = this.#note(operation, args.length);
      const { commands: to } = this.pool.queue;
      for (let i = 0; i < args.length; i++) to[at + i] = args[i];
    };
  }

  /** @param headsIndex Where the number of heads stands, behind which come headDim, base and tokens. */
  #attention(name: Shared, headsIndex: number): KernelCall {
    const operation = NAMES.indexOf(name);
    const direct = this.#direct(name);
    return (...args) => {
      if (this.#kind !== "tasks") return direct(...args);
      const tokens = args[headsIndex + 3];
      const slots = args[headsIndex + 2] + tokens;
      this.#reserve(
        alignedScoreBytes(slots) + wordBytes(slots, args[headsIndex + 1]),
      );
      this.#cost += slots * tokens;
      const at = this.#note(operation, args.length);
      const { commands: to } = this.pool.queue;
      for (let i = 0; i < args.length; i++) to[at + i] = args[i];
    };
  }

  /**
   * Begins a command, and gives where its arguments go. Callers copy them themselves: handed on, they would be an array that is
   * made for every call.
   */
  #note(operation: number, count: number): number {
    if (this.pool.queue.isFull) this.#drain();
    return this.pool.queue.write(operation, count);
  }

  /** Goes on with the phase if it is of the kind and size, or else begins one. */
  #begin(kind: Kind, size: number): void {
    if (this.#kind === kind && (this.#size === size || kind === "products")) {
      return;
    }
    this.#close();
    this.#kind = kind;
    this.#size = size;
  }

  #endTask(): void {
    this.pool.queue.endTask(this.#cost);
    if (this.#kind === "tasks") this.#cost = 0;
  }

  /** Lets threads have the phase. */
  #close(): void {
    const { queue } = this.pool;
    this.#endTask();
    queue.publish(this.#parts());
    this.#cost = 0;
  }

  /** How many parts the phase is cut into: as many for each thread, or fewer than threads where there is little to do. */
  #parts(): number {
    if (this.#kind === "tasks") return 1;
    const { threads } = this.pool;
    const isByTokens = this.#kind === "tokens";
    const { least, most } = isByTokens ? VALUES : PRODUCTS;
    const some = Math.floor(this.#cost / least);
    if (some < threads) return Math.max(1, some);
    const parts = Math.ceil(this.#cost / most / threads) * threads;
    const groups = isByTokens ? Math.ceil(this.#size / TOKENS) : PIECES;
    return Math.min(parts, groups, PIECES);
  }

  /** Has everything done that was noted; the phase goes on. */
  #drain(): void {
    this.#close();
    this.#finish();
  }

  #finish(): void {
    try {
      this.pool.finish();
    } catch (error) {
      // Threads that are new must be told of it.
      this.#scratchBytes = 0;
      throw error;
    }
  }

  /** Makes room for every thread. */
  #reserve(needed: number): void {
    if (needed <= this.#scratchBytes) return;
    this.#drain();
    this.#scratchBytes = Math.ceil(needed / 64) * 64;
    const start = this.#scratch.reserve(this.#scratchBytes * this.pool.threads);
    this.pool.queue.setScratch(start, this.#scratchBytes);
  }
}
