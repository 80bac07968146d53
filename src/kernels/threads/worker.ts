/**
 * A thread that computes: says that it is there, then does tasks until it is told to stop.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { type KernelCall, type SharedQueue, TaskQueue } from "./task_queue.ts";

/** What a thread is sent, once. */
export interface Assignment {
  readonly thread: number;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly queue: SharedQueue;
  /** Names of the functions that commands call by number. */
  readonly names: readonly string[];
}

self.onmessage = ({ data }: MessageEvent<Assignment>) => {
  const { thread, module, memory, queue, names } = data;
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  self.postMessage("ready");
  new TaskQueue(queue).serve(
    names.map((name) => exports[name] as KernelCall),
    thread,
  );
  self.close();
};
