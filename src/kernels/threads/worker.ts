/**
 * A thread that computes: says that it is there, then does what there is to do until it is told to stop.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import type { Exports } from "../simd.ts";
import { createPlayers } from "./operations.ts";
import { type SharedQueue, TaskQueue } from "./task_queue.ts";

/** What a thread is sent, once. */
export interface Assignment {
  readonly thread: number;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly queue: SharedQueue;
}

self.onmessage = ({ data }: MessageEvent<Assignment>) => {
  const { thread, module, memory, queue } = data;
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  self.postMessage("ready");
  const players = createPlayers(exports as unknown as Exports);
  new TaskQueue(queue).serve(players, thread);
  self.close();
};
