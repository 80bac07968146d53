import { assertEquals, assertThrows } from "@std/assert";
import type { Player } from "../../../src/kernels/threads/operations.ts";
import { TaskQueue } from "../../../src/kernels/threads/task_queue.ts";

function write(queue: TaskQueue, operation: number, ...args: number[]): void {
  const at = queue.write(operation, args.length);
  queue.commands.set(args, at);
}

/** Operations that note what they were asked to do: the first their argument, the second the part too, the third fails. */
function noting() {
  const notes: string[] = [];
  const players: Player[] = [
    (c, a) => notes.push(`${c[a]}`),
    (c, a, part, parts) => notes.push(`${c[a]}: ${part} of ${parts}`),
    () => {
      throw new Error("out of bounds");
    },
    (_c, _a, _part, _parts, scratch) => notes.push(`at ${scratch}`),
  ];
  return { notes, players };
}

Deno.test("TaskQueue.finish() needs nobody to do phase after phase, and of each the costliest task first", () => {
  const { notes, players } = noting();
  const queue = new TaskQueue();
  for (const [name, cost] of [[1, 5], [2, 9], [3, 5], [4, 7]]) {
    write(queue, 0, name);
    write(queue, 0, name + 10);
    queue.endTask(cost);
  }
  assertEquals(queue.taskCount, 4);
  queue.publish(1);
  assertEquals(queue.taskCount, 0);
  write(queue, 1, 5);
  queue.endTask(0);
  queue.publish(3);

  assertEquals(queue.finish(players, 100), true);
  assertEquals(
    notes.join(", "),
    "2, 12, 4, 14, 1, 11, 3, 13, 5: 0 of 3, 5: 1 of 3, 5: 2 of 3",
  );
});

Deno.test("TaskQueue.publish() leaves out tasks and phases without commands", () => {
  const { notes, players } = noting();
  const queue = new TaskQueue();
  queue.endTask(1);
  queue.publish(4);
  assertEquals(queue.finish(players, 100), true);
  assertEquals(notes, []);
});

Deno.test("TaskQueue gives each thread scratch space of its own", () => {
  const { notes, players } = noting();
  const queue = new TaskQueue();
  queue.setScratch(4096, 64);
  write(queue, 3);
  queue.endTask(0);
  queue.publish(1);
  queue.finish(players, 100);
  assertEquals(notes, ["at 4096"]);
});

Deno.test("TaskQueue.finish() makes room for as much again, without end", () => {
  const { notes, players } = noting();
  const queue = new TaskQueue();
  let written = 0;
  for (let round = 0; round < 5; round++) {
    while (!queue.isFull) {
      write(queue, 0, written++);
      queue.endTask(0);
      queue.publish(1);
    }
    assertEquals(queue.finish(players, 100), true);
    assertEquals(queue.isFull, false);
  }
  assertEquals(notes, Array.from({ length: written }, (_, i) => `${i}`));
});

Deno.test("TaskQueue.finish() does the rest when a command has failed, says so, and goes on", () => {
  const { notes, players } = noting();
  const queue = new TaskQueue();
  for (const operation of [2, 0]) {
    write(queue, operation, 7);
    queue.endTask(0);
    queue.publish(1);
  }
  assertThrows(
    () => queue.finish(players, 100),
    Error,
    "Cannot go on computing: a kernel failed",
  );
  assertEquals(notes, ["7"]);
  write(queue, 0, 8);
  queue.endTask(0);
  queue.publish(1);
  assertEquals(queue.finish(players, 100), true);
  assertEquals(notes, ["7", "8"]);
});

Deno.test("TaskQueue.finish() gives up on a piece that another thread took and did not do", () => {
  const { players } = noting();
  const queue = new TaskQueue();
  write(queue, 0, 1);
  queue.endTask(0);
  queue.publish(1);
  // The counters' first word is what is taken next: the only piece of phase 0 is gone.
  Atomics.store(new Int32Array(queue.shared.counters), 0, 1 << 8);
  assertEquals(queue.finish(players, 20), false);
});
