/**
 * Threads that compute beside the one that asks.
 *
 * @module
 */
import type { Player } from "./operations.ts";
import { TaskQueue } from "./task_queue.ts";
import type { Assignment } from "./worker.ts";

/** What every thread of a pool works with. */
export interface PoolTools {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** How the caller's thread does each operation. */
  readonly players: readonly Player[];
}

/** Choices that only tests make. */
export interface PoolOptions {
  /** Milliseconds without anything done after which a thread counts as dead; default 30,000. */
  readonly limit?: number;
  /** What a thread runs. */
  readonly worker?: URL;
}

/** Any number of threads but the first, which is the caller's. */
export class ThreadPool {
  readonly threads: number;
  readonly #tools: PoolTools;
  readonly #limit: number;
  readonly #worker: URL;
  #workers: Worker[] = [];
  #ready: Promise<unknown> = Promise.resolve();
  #queue = new TaskQueue();

  /** @param threads At least 2. */
  constructor(threads: number, tools: PoolTools, options: PoolOptions = {}) {
    this.threads = threads;
    this.#tools = tools;
    this.#limit = options.limit ?? 30_000;
    this.#worker = options.worker ?? new URL("worker.ts", import.meta.url);
    this.#start();
  }

  /** Where work is written to. */
  get queue(): TaskQueue {
    return this.#queue;
  }

  /** Until all threads are there. Work need not wait for it: whoever is there does it. */
  get ready(): Promise<unknown> {
    return this.#ready;
  }

  /**
   * Waits until everything is done that was published, and does its share.
   *
   * @throws {Error} If a command failed, or a thread died with one; threads are new then.
   */
  finish(): void {
    if (this.#queue.finish(this.#tools.players, this.#limit)) return;
    this.dispose();
    this.#queue = new TaskQueue();
    this.#start();
    throw new Error("Cannot go on computing: a thread died");
  }

  dispose(): void {
    this.#queue.stop();
    for (const worker of this.#workers) worker.terminate();
    this.#workers = [];
  }

  #start(): void {
    const { module, memory } = this.#tools;
    const queue = this.#queue.shared;
    const started: Promise<void>[] = [];
    for (let thread = 1; thread < this.threads; thread++) {
      const worker = new Worker(this.#worker, { type: "module" });
      const { promise, resolve } = Promise.withResolvers<void>();
      worker.onmessage = () => resolve();
      // A thread that cannot be had is no loss but of time: the others do its work.
      worker.onerror = (event) => {
        event.preventDefault();
        resolve();
      };
      const assignment: Assignment = { thread, module, memory, queue };
      worker.postMessage(assignment);
      this.#workers.push(worker);
      started.push(promise);
    }
    this.#ready = Promise.all(started);
  }
}
