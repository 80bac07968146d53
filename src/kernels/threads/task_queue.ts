/**
 * Tasks in memory that threads share. Whoever is free takes the next one, so that a thread which the machine holds up holds
 * up nobody else, and the thread that hands them out needs nobody to finish them.
 *
 * @module
 */

/** A kernel as the compiled module exports it. */
export type KernelCall = (...args: number[]) => void;

/** Most commands that wait at a time. */
export const CAPACITY = 1024;
/** Most arguments of a command. */
export const ARGUMENTS = 20;
/** A command: its function, which argument is scratch space of the thread, how far into it, and the arguments. */
const RECORD = 3 + ARGUMENTS;

/** Indices of the counters. */
const LEFT = 0, COUNT = 1, DONE = 2, ROUND = 3, ASLEEP = 4, FAILED = 5;
const STOP = 6, WAITING = 7, COUNTERS = 8;

/** How often a thread looks before it goes to sleep, which is worth some 50 microseconds. */
const LOOKS = 4000;

/** What threads are given of a queue. */
export interface SharedQueue {
  readonly counters: SharedArrayBuffer;
  readonly commands: SharedArrayBuffer;
  readonly tasks: SharedArrayBuffer;
}

/** One side of a queue: the same in every thread, over the same memory. */
export class TaskQueue {
  readonly shared: SharedQueue;
  readonly #counters: Int32Array;
  /** [CAPACITY, RECORD], behind the start of the scratch space and what a thread has of it */
  readonly #commands: Float64Array;
  /** [CAPACITY, 2]: a task's first command, and how many it has. */
  readonly #tasks: Int32Array;

  constructor(shared: SharedQueue = createShared()) {
    this.shared = shared;
    this.#counters = new Int32Array(shared.counters);
    this.#commands = new Float64Array(shared.commands);
    this.#tasks = new Int32Array(shared.tasks);
  }

  /** Where threads have scratch space: thread t from `start` + t · `bytes`. */
  setScratch(start: number, bytes: number): void {
    this.#commands[0] = start;
    this.#commands[1] = bytes;
  }

  /**
   * Writes a command.
   *
   * @param scratch Index of the argument that is the thread's scratch space, or -1. The next one is scratch space too,
   * `offset` bytes behind, unless that is 0.
   */
  write(
    index: number,
    call: number,
    scratch: number,
    offset: number,
    args: readonly number[],
  ): void {
    const commands = this.#commands;
    const at = 2 + index * RECORD;
    commands[at] = call;
    commands[at + 1] = scratch;
    commands[at + 2] = offset;
    // Faster than `set` for so few.
    for (let i = 0; i < args.length; i++) commands[at + 3 + i] = args[i];
  }

  /** Makes commands `first` … `first` + `count` - 1 task `task`. */
  group(task: number, first: number, count: number): void {
    this.#tasks[task * 2] = first;
    this.#tasks[task * 2 + 1] = count;
  }

  /** Lets threads begin with `count` tasks. */
  publish(count: number): void {
    const counters = this.#counters;
    Atomics.store(counters, COUNT, count);
    Atomics.store(counters, DONE, 0);
    Atomics.store(counters, FAILED, 0);
    Atomics.store(counters, LEFT, count);
    Atomics.add(counters, ROUND, 1);
    if (Atomics.load(counters, ASLEEP) > 0) Atomics.notify(counters, ROUND);
  }

  /** Does tasks until none is left to begin with. */
  work(calls: readonly KernelCall[], thread: number): void {
    const counters = this.#counters;
    while (Atomics.load(counters, LEFT) > 0) {
      const left = Atomics.sub(counters, LEFT, 1);
      if (left <= 0) return;
      const task = Atomics.load(counters, COUNT) - left;
      try {
        this.#run(task, calls, thread);
      } catch {
        Atomics.store(counters, FAILED, 1);
      }
      Atomics.add(counters, DONE, 1);
      if (Atomics.load(counters, WAITING)) Atomics.notify(counters, DONE);
    }
  }

  #run(task: number, calls: readonly KernelCall[], thread: number): void {
    const c = this.#commands;
    const first = this.#tasks[task * 2];
    const end = first + this.#tasks[task * 2 + 1];
    for (let command = first; command < end; command++) {
      const at = 2 + command * RECORD;
      const a = at + 3;
      const scratch = c[at + 1];
      if (scratch >= 0) {
        c[a + scratch] = c[0] + thread * c[1];
        if (c[at + 2]) c[a + scratch + 1] = c[a + scratch] + c[at + 2];
      }
      // Spelled out: an array of arguments would be made for every command. What a function does not take, it ignores.
      // deno-fmt-ignore
      calls[c[at]](
        c[a], c[a + 1], c[a + 2], c[a + 3], c[a + 4], c[a + 5], c[a + 6],
        c[a + 7], c[a + 8], c[a + 9], c[a + 10], c[a + 11], c[a + 12],
        c[a + 13], c[a + 14], c[a + 15], c[a + 16], c[a + 17], c[a + 18],
        c[a + 19],
      );
    }
  }

  /**
   * Waits until all tasks are done; false if none became done for `limit` milliseconds, so that a thread must have died with
   * one.
   *
   * @throws {Error} If a task failed.
   */
  wait(limit: number): boolean {
    const counters = this.#counters;
    const count = Atomics.load(counters, COUNT);
    let looks = 0;
    let done = Atomics.load(counters, DONE);
    while (done < count) {
      if (++looks > LOOKS) {
        // Whoever is done after this sees it; whoever was done before has changed what is waited for.
        Atomics.store(counters, WAITING, 1);
        const ending = Atomics.wait(counters, DONE, done, limit);
        Atomics.store(counters, WAITING, 0);
        if (ending === "timed-out") return false;
      }
      done = Atomics.load(counters, DONE);
    }
    if (Atomics.load(counters, FAILED) === 0) return true;
    throw new Error("Cannot go on computing: a kernel failed");
  }

  /** What a thread does until it is told to stop: tasks, as they come. */
  serve(calls: readonly KernelCall[], thread: number): void {
    const counters = this.#counters;
    let looks = 0;
    while (Atomics.load(counters, STOP) === 0) {
      const round = Atomics.load(counters, ROUND);
      if (Atomics.load(counters, LEFT) > 0) {
        this.work(calls, thread);
        looks = 0;
      } else if (++looks > LOOKS) {
        Atomics.add(counters, ASLEEP, 1);
        Atomics.wait(counters, ROUND, round);
        Atomics.sub(counters, ASLEEP, 1);
        looks = 0;
      }
    }
  }

  /** Sends threads home. */
  stop(): void {
    Atomics.store(this.#counters, STOP, 1);
    Atomics.add(this.#counters, ROUND, 1);
    Atomics.notify(this.#counters, ROUND);
  }
}

function createShared(): SharedQueue {
  return {
    counters: new SharedArrayBuffer(COUNTERS * 4),
    commands: new SharedArrayBuffer((2 + CAPACITY * RECORD) * 8),
    tasks: new SharedArrayBuffer(CAPACITY * 2 * 4),
  };
}
