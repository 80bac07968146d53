/**
 * The one line in which requests wait for the model.
 *
 * @module
 */
import { QueueFullError } from "./errors.ts";

/** Ends a turn; calling it again does nothing. */
export type Release = () => void;

/** Bounds of the advice when to try again, in seconds. */
const RETRY_AFTER = { least: 1, most: 60 };

/** Share of the newest turn in the running mean of their durations. */
const NEWEST = 0.3;

interface Waiter {
  grant(): void;
  refuse(reason: unknown): void;
}

/**
 * A bounded line, first come, first served: so many requests have their turn,
 * at most `capacity` wait.
 */
export class RequestQueue {
  readonly #capacity: number;
  readonly #turns: number;
  readonly #now: () => number;
  readonly #waiters: Waiter[] = [];
  #running = 0;
  #closed = false;
  /** Mean duration of recent turns in milliseconds; null before the first. */
  #duration: number | null = null;

  /**
   * @param turns Requests that have their turn at once.
   * @param now A clock in milliseconds that never goes back.
   * @throws {RangeError} If `capacity` is no whole number from 0, or `turns` none from 1.
   */
  constructor(
    capacity: number,
    turns = 1,
    now: () => number = () => performance.now(),
  ) {
    if (!Number.isInteger(capacity) || capacity < 0) {
      throw new RangeError(`Cannot make a queue: capacity is ${capacity}`);
    }
    if (!Number.isInteger(turns) || turns < 1) {
      throw new RangeError(`Cannot make a queue: turns is ${turns}`);
    }
    this.#capacity = capacity;
    this.#turns = turns;
    this.#now = now;
  }

  /** Requests that have their turn. */
  get running(): number {
    return this.#running;
  }

  /** Requests that wait for their turn. */
  get waiting(): number {
    return this.#waiters.length;
  }

  /** Seconds after which a place is likely to be free: about one turn, or sooner where several run. */
  get retryAfter(): number {
    const seconds = Math.ceil((this.#duration ?? 0) / 1000 / this.#turns);
    return Math.min(Math.max(seconds, RETRY_AFTER.least), RETRY_AFTER.most);
  }

  /**
   * Waits for a turn. The caller must release it, also when `signal` has
   * aborted in between.
   *
   * @throws {QueueFullError} If `capacity` requests wait already.
   * @throws The signal's reason, at once, if it aborts while waiting.
   * @throws {Error} If the queue is closed.
   */
  // deno-lint-ignore require-await -- refusals are rejections, never throws
  async acquire(signal: AbortSignal): Promise<Release> {
    signal.throwIfAborted();
    if (this.#closed) throw closedError();
    if (this.#running < this.#turns) return this.#startTurn();
    if (this.#waiters.length >= this.#capacity) {
      throw new QueueFullError(this.#waiters.length, this.retryAfter);
    }
    return this.#wait(signal);
  }

  /** Refuses those who wait and all who come; running turns go on. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiters.splice(0)) waiter.refuse(closedError());
  }

  #wait(signal: AbortSignal): Promise<Release> {
    const { promise, resolve, reject } = Promise.withResolvers<Release>();
    const leave = () => {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      reject(signal.reason);
    };
    const waiter: Waiter = {
      grant: () => {
        signal.removeEventListener("abort", leave);
        resolve(this.#startTurn());
      },
      refuse: (reason) => {
        signal.removeEventListener("abort", leave);
        reject(reason);
      },
    };
    signal.addEventListener("abort", leave, { once: true });
    this.#waiters.push(waiter);
    return promise;
  }

  #startTurn(): Release {
    const start = this.#now();
    let released = false;
    this.#running++;
    return () => {
      if (released) return;
      released = true;
      this.#running--;
      this.#learn(this.#now() - start);
      this.#waiters.shift()?.grant();
    };
  }

  #learn(duration: number): void {
    this.#duration = this.#duration === null
      ? duration
      : this.#duration + NEWEST * (duration - this.#duration);
  }
}

function closedError(): Error {
  return new Error("Cannot queue the request: the engine is closed");
}
