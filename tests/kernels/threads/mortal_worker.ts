/** A thread that never comes back from its first task; the one that takes its place does. */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import type { Exports } from "../../../src/kernels/simd.ts";
import { createPlayers } from "../../../src/kernels/threads/operations.ts";
import { TaskQueue } from "../../../src/kernels/threads/task_queue.ts";
import type { Assignment } from "../../../src/kernels/threads/worker.ts";

self.onmessage = ({ data }: MessageEvent<Assignment>) => {
  const { thread, module, memory, queue } = data;
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  // A word of the memory that nobody uses tells the threads apart.
  const word = new Int32Array(memory.buffer, 64, 1);
  const isFirst = Atomics.add(word, 0, 1) === 0;
  self.postMessage("ready");
  const never = () => void Atomics.wait(word, 0, Atomics.load(word, 0));
  const players = createPlayers(exports as unknown as Exports);
  const own = isFirst ? players.map(() => never) : players;
  new TaskQueue(queue).serve(own, thread);
  self.close();
};
