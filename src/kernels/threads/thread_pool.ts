/**
 * Threads that compute beside the one that asks.
 *
 * @module
 */
import { type KernelCall, TaskQueue } from "./task_queue.ts";
import type { Assignment } from "./worker.ts";

/** What every thread of a pool works with. */
export interface PoolTools {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Functions of the module that commands call by number, and their names. */
  readonly calls: readonly KernelCall[];
  readonly names: readonly string[];
}

/** Choices that only tests make. */
export interface PoolOptions {
  /** Milliseconds without a task done after which a thread counts as dead; default 30,000. */
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

  /** Where tasks are written to before `run`. */
  get queue(): TaskQueue {
    return this.#queue;
  }

  /** Until all threads are there. Tasks need not wait for it: whoever is there does them. */
  get ready(): Promise<unknown> {
    return this.#ready;
  }

  /**
   * Has the queue's first `count` tasks done, and does its share.
   *
   * @throws {Error} If a task failed, or a thread died with one; threads are new then.
   */
  run(count: number): void {
    const queue = this.#queue;
    queue.publish(count);
    queue.work(this.#tools.calls, 0);
    if (queue.wait(this.#limit)) return;
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
    const { module, memory, names } = this.#tools;
    const queue = this.#queue.shared;
    const started: Promise<void>[] = [];
    for (let thread = 1; thread < this.threads; thread++) {
      const worker = new Worker(this.#worker, { type: "module" });
      const { promise, resolve } = Promise.withResolvers<void>();
      worker.onmessage = () => resolve();
      // A thread that cannot be had is no loss but of time: the others do its tasks.
      worker.onerror = (event) => {
        event.preventDefault();
        resolve();
      };
      const assignment: Assignment = { thread, module, memory, queue, names };
      worker.postMessage(assignment);
      this.#workers.push(worker);
      started.push(promise);
    }
    this.#ready = Promise.all(started);
  }
}
