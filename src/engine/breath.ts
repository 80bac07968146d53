/**
 * Turns for the event loop between steps of the model, which occupy the thread.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/** Milliseconds after which the event loop looks for I/O, whatever it costs. */
const IO_INTERVAL = 50;

/**
 * Lets others run between two steps. The event loop looks for I/O, among it the
 * news that a client has left, only where it is idle: while something is ready
 * to run, and an immediate always is, it does so at every 61st turn. A timer
 * lets it idle for a millisecond, which is too long for every step.
 */
export class Breath {
  #lastIdle = performance.now();

  async take(): Promise<void> {
    if (performance.now() - this.#lastIdle < IO_INTERVAL) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    } else {
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
      this.#lastIdle = performance.now();
    }
  }
}
