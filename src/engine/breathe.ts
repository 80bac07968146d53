/**
 * Turns for the event loop between steps of the model, which occupy the thread.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/**
 * Lets pending I/O run, among it the news that a client has left, then throws the signal's reason if it aborted. Costs
 * some ten microseconds; a timer would cost milliseconds.
 */
export async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}
