/**
 * Work in memory that threads share, in phases that follow one another: a phase has tasks, a task has commands, which are
 * done in order, and may be cut into parts. Whoever is free takes the next piece (a part of a task) of the current phase, so
 * that a thread which the machine holds up holds up nobody else, and the thread that hands out work needs nobody to do it.
 *
 * @module
 */
import type { Player } from "./operations.ts";

/** Most numbers of the commands that wait at a time, most of a command, and most tasks and phases (a power of two). */
const COMMANDS = 1 << 15;
const COMMAND = 24;
const TASKS = 1 << 12;
const PHASES = 1 << 10;
/** Most pieces of a phase: what the lower bits of `NEXT` can count. */
export const PIECES = 255;
const PIECE_BITS = 8;

/**
 * Counters, each in a cache line of its own. NEXT is the number of the current phase, from which on it counts without end, and
 * below that the piece that nobody has taken. DONE counts pieces without end.
 */
const NEXT = 0, DONE = 16, PUBLISHED = 32, SIGNAL = 48, ASLEEP = 64;
const FAILED = 80, STOP = 96, COUNTERS = 112;

/** How often a thread looks before it goes to sleep, which is worth some 50 microseconds. */
const LOOKS = 4000;

/** What threads are given of a queue. */
export interface SharedQueue {
  readonly counters: SharedArrayBuffer;
  readonly commands: SharedArrayBuffer;
  readonly tasks: SharedArrayBuffer;
  readonly phases: SharedArrayBuffer;
}

/** One side of a queue: the same in every thread, over the same memory. What writes is for the thread that hands out work. */
export class TaskQueue {
  readonly shared: SharedQueue;
  readonly #counters: Int32Array;
  /** Scratch space of all threads, and the bytes that each has; then commands: where the next begins, operation, arguments. */
  readonly #commands: Float64Array;
  /** [TASKS, 2]: where a task's commands begin and end. */
  readonly #tasks: Int32Array;
  /** [PHASES, 4]: a phase's first task, tasks, parts of each, and the pieces of all phases before it. */
  readonly #phases: Int32Array;
  /** [TASKS] */
  readonly #costs = new Float64Array(TASKS);
  #command = 2;
  #taskStart = 2;
  #task = 0;
  #phaseStart = 0;
  #phase = 0;
  #firstPhase = 0;
  #pieces = 0;

  constructor(shared: SharedQueue = createShared()) {
    this.shared = shared;
    this.#counters = new Int32Array(shared.counters);
    this.#commands = new Float64Array(shared.commands);
    this.#tasks = new Int32Array(shared.tasks);
    this.#phases = new Int32Array(shared.phases);
  }

  /** Where threads have scratch space: thread t from `start` + t · `bytes`. */
  setScratch(start: number, bytes: number): void {
    this.#commands[0] = start;
    this.#commands[1] = bytes;
  }

  /** Whether `finish` must come before anything else is written. */
  get isFull(): boolean {
    return this.#command + COMMAND > COMMANDS || this.#task + 2 > TASKS ||
      this.#phase - this.#firstPhase + 2 > PHASES;
  }

  /** Tasks of the phase that is being written. */
  get taskCount(): number {
    return this.#task - this.#phaseStart;
  }

  /** Where `write` says that arguments go. */
  get commands(): Float64Array {
    return this.#commands;
  }

  /** Begins a command of the next task, and gives the index in `commands` from which on its `count` arguments are to stand. */
  write(operation: number, count: number): number {
    const at = this.#command;
    this.#commands[at + 1] = operation;
    this.#command = this.#commands[at] = at + 2 + count;
    return at + 2;
  }

  /** Makes what was written since the last task the next one; the phase's costliest are done first. */
  endTask(cost: number): void {
    if (this.#taskStart === this.#command) return;
    const tasks = this.#tasks, costs = this.#costs;
    let task = this.#task++;
    for (; task > this.#phaseStart && costs[task - 1] < cost; task--) {
      costs[task] = costs[task - 1];
      tasks[task * 2] = tasks[task * 2 - 2];
      tasks[task * 2 + 1] = tasks[task * 2 - 1];
    }
    costs[task] = cost;
    tasks[task * 2] = this.#taskStart;
    tasks[task * 2 + 1] = this.#taskStart = this.#command;
  }

  /** Lets threads begin with the tasks since the last phase, each in `parts`, as soon as that phase is done. */
  publish(parts: number): void {
    const tasks = this.taskCount;
    if (tasks === 0) return;
    const at = this.#phase % PHASES * 4;
    this.#phases[at] = this.#phaseStart;
    this.#phases[at + 1] = tasks;
    this.#phases[at + 2] = parts;
    this.#phases[at + 3] = this.#pieces;
    this.#phaseStart = this.#task;
    this.#phase++;
    this.#pieces = this.#pieces + tasks * parts | 0;
    Atomics.store(this.#counters, PUBLISHED, this.#phase << PIECE_BITS);
    this.#wake();
  }

  /**
   * Does pieces until all are done; false if none became done for `limit` milliseconds, so that a thread must have died with
   * one.
   *
   * @throws {Error} If a command failed.
   */
  finish(players: readonly Player[], limit: number): boolean {
    const counters = this.#counters;
    let looks = 0;
    while (Atomics.load(counters, DONE) !== this.#pieces) {
      if (this.#step(players, 0)) looks = 0;
      else if (++looks > LOOKS && !this.#sleep(limit, this.#pieces)) {
        return false;
      }
    }
    this.#command = this.#taskStart = 2;
    this.#task = this.#phaseStart = 0;
    this.#firstPhase = this.#phase;
    if (Atomics.exchange(counters, FAILED, 0) === 0) return true;
    throw new Error("Cannot go on computing: a kernel failed");
  }

  /** What a thread does until it is told to stop: pieces, as they come. */
  serve(players: readonly Player[], thread: number): void {
    let looks = 0;
    while (Atomics.load(this.#counters, STOP) === 0) {
      if (this.#step(players, thread)) looks = 0;
      else if (++looks > LOOKS) {
        this.#sleep(Infinity, null);
        looks = 0;
      }
    }
  }

  /** Sends threads home. */
  stop(): void {
    Atomics.store(this.#counters, STOP, 1);
    this.#wake();
  }

  /** Does the next piece, if it can be begun with. */
  #step(players: readonly Player[], thread: number): boolean {
    const counters = this.#counters;
    const next = Atomics.load(counters, NEXT);
    if (!this.#canBegin(next)) return false;
    const phases = this.#phases;
    const at = (next >>> PIECE_BITS) % PHASES * 4;
    const first = phases[at], tasks = phases[at + 1], parts = phases[at + 2];
    const piece = next & PIECES;
    const isLast = piece === tasks * parts - 1;
    const after = isLast ? (next | PIECES) + 1 | 0 : next + 1;
    // What was read of the phase is right if it is still the current one.
    if (Atomics.compareExchange(counters, NEXT, next, after) === next) {
      const task = first + Math.floor(piece / parts);
      try {
        this.#play(task, piece % parts, parts, players, thread);
      } catch {
        Atomics.store(counters, FAILED, 1);
      }
      Atomics.add(counters, DONE, 1);
      this.#wake();
    }
    return true;
  }

  /** Whether the phase of `next` is there, and all before it are done. */
  #canBegin(next: number): boolean {
    const counters = this.#counters;
    const phase = next >>> PIECE_BITS;
    if (phase === Atomics.load(counters, PUBLISHED) >>> PIECE_BITS) {
      return false;
    }
    const before = this.#phases[phase % PHASES * 4 + 3];
    return (Atomics.load(counters, DONE) - before | 0) >= 0;
  }

  #play(
    task: number,
    part: number,
    parts: number,
    players: readonly Player[],
    thread: number,
  ): void {
    const c = this.#commands;
    const scratch = c[0] + thread * c[1];
    const end = this.#tasks[task * 2 + 1];
    let at = this.#tasks[task * 2];
    while (at < end) {
      players[c[at + 1]](c, at + 2, part, parts, scratch);
      at = c[at];
    }
  }

  /**
   * Sleeps until there may be a piece to begin with; or `done` of them are done, if that is not null.
   *
   * @returns Whether less than `limit` milliseconds have gone by.
   */
  #sleep(limit: number, done: number | null): boolean {
    const counters = this.#counters;
    // Whoever changes something after this gives a signal; what was changed before is seen here.
    Atomics.add(counters, ASLEEP, 1);
    const signal = Atomics.load(counters, SIGNAL);
    const isNeeded = Atomics.load(counters, STOP) !== 0 ||
      Atomics.load(counters, DONE) === done ||
      this.#canBegin(Atomics.load(counters, NEXT));
    const ending = isNeeded
      ? "ok"
      : Atomics.wait(counters, SIGNAL, signal, limit);
    Atomics.sub(counters, ASLEEP, 1);
    return ending !== "timed-out";
  }

  #wake(): void {
    if (Atomics.load(this.#counters, ASLEEP) === 0) return;
    Atomics.add(this.#counters, SIGNAL, 1);
    Atomics.notify(this.#counters, SIGNAL);
  }
}

function createShared(): SharedQueue {
  return {
    counters: new SharedArrayBuffer(COUNTERS * 4),
    commands: new SharedArrayBuffer(COMMANDS * 8),
    tasks: new SharedArrayBuffer(TASKS * 2 * 4),
    phases: new SharedArrayBuffer(PHASES * 4 * 4),
  };
}
