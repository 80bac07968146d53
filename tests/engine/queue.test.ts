import {
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { QueueFullError } from "../../src/engine/errors.ts";
import { RequestQueue } from "../../src/engine/queue.ts";

const never = new AbortController().signal;

/** Lets everything that is ready run. */
const settle = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

Deno.test("RequestQueue.acquire() gives turns one at a time, first come first served", async () => {
  const queue = new RequestQueue(4);
  const order: number[] = [];
  let together = 0;
  await Promise.all([0, 1, 2, 3].map(async (id) => {
    const release = await queue.acquire(never);
    assertEquals(++together, 1);
    order.push(id);
    await settle();
    together--;
    release();
  }));
  assertEquals(order, [0, 1, 2, 3]);
  assertEquals([queue.running, queue.waiting], [0, 0]);
});

Deno.test("RequestQueue.acquire() refuses past its capacity and counts who waits", async () => {
  const queue = new RequestQueue(2);
  const release = await queue.acquire(never);
  const second = queue.acquire(never);
  const third = queue.acquire(never);
  const error = await assertRejects(
    () => queue.acquire(never),
    QueueFullError,
    "Cannot queue the request: 2 are waiting already",
  );
  assertEquals(error.retryAfter, 1);
  assertEquals([queue.running, queue.waiting], [1, 2]);
  release();
  (await second)();
  (await third)();
  assertEquals([queue.running, queue.waiting], [0, 0]);
});

Deno.test("RequestQueue with capacity 0 lets one run and none wait", async () => {
  const queue = new RequestQueue(0);
  const release = await queue.acquire(never);
  await assertRejects(() => queue.acquire(never), QueueFullError);
  release();
  (await queue.acquire(never))();
});

Deno.test("RequestQueue.acquire() frees the place of one who leaves at once", async () => {
  const queue = new RequestQueue(1);
  const release = await queue.acquire(never);
  const leaver = new AbortController();
  const left = queue.acquire(leaver.signal);
  const reason = new Error("gone");
  leaver.abort(reason);
  assertEquals(queue.waiting, 0);
  assertStrictEquals(await assertRejects(() => left), reason);
  const next = queue.acquire(never);
  release();
  (await next)();
});

Deno.test("RequestQueue.acquire() keeps the order when one in the middle leaves", async () => {
  const queue = new RequestQueue(3);
  const release = await queue.acquire(never);
  const leaver = new AbortController();
  const order: string[] = [];
  const take = async (name: string, signal: AbortSignal) => {
    const done = await queue.acquire(signal);
    order.push(name);
    done();
  };
  const first = take("first", never);
  const middle = take("middle", leaver.signal);
  const last = take("last", never);
  leaver.abort();
  release();
  await assertRejects(() => middle, DOMException);
  await Promise.all([first, last]);
  assertEquals(order, ["first", "last"]);
});

Deno.test("RequestQueue.acquire() gives the turn even if the signal aborts right after the grant", async () => {
  const queue = new RequestQueue(1);
  const release = await queue.acquire(never);
  const late = new AbortController();
  const granted = queue.acquire(late.signal);
  release();
  late.abort();
  assertEquals([queue.running, queue.waiting], [1, 0]);
  (await granted)();
  assertEquals(queue.running, 0);
});

Deno.test("RequestQueue.acquire() takes no place for a signal that has aborted already", async () => {
  const queue = new RequestQueue(1);
  await assertRejects(() => queue.acquire(AbortSignal.abort()), DOMException);
  assertEquals([queue.running, queue.waiting], [0, 0]);
});

Deno.test("RequestQueue release twice ends only its own turn", async () => {
  const queue = new RequestQueue(1);
  const release = await queue.acquire(never);
  const second = queue.acquire(never);
  release();
  const releaseSecond = await second;
  release();
  assertEquals(queue.running, 1);
  releaseSecond();
  assertEquals(queue.running, 0);
});

Deno.test("RequestQueue.retryAfter follows the duration of turns within 1 to 60 seconds", async () => {
  let now = 0;
  const queue = new RequestQueue(1, 1, () => now);
  const turn = async (milliseconds: number) => {
    const release = await queue.acquire(never);
    now += milliseconds;
    release();
  };
  assertEquals(queue.retryAfter, 1);
  await turn(10);
  assertEquals(queue.retryAfter, 1);
  for (let i = 0; i < 40; i++) await turn(4_000);
  assertEquals(queue.retryAfter, 4);
  await turn(1e9);
  assertEquals(queue.retryAfter, 60);
});

Deno.test("RequestQueue.close() refuses those who wait and all who come", async () => {
  const queue = new RequestQueue(2);
  const release = await queue.acquire(never);
  const waiting = queue.acquire(never);
  queue.close();
  const message = "Cannot queue the request: the engine is closed";
  await assertRejects(() => waiting, Error, message);
  await assertRejects(() => queue.acquire(never), Error, message);
  assertEquals([queue.running, queue.waiting], [1, 0]);
  release();
  assertEquals(queue.running, 0);
});

Deno.test("RequestQueue survives arrivals, leavers and releases in any order", async () => {
  const queue = new RequestQueue(5);
  let random = 1;
  const draw = (n: number) => (random = random * 48271 % 2147483647) % n;
  let running = 0;
  const outcomes = { served: 0, full: 0, left: 0 };
  const visit = async () => {
    const visitor = new AbortController();
    const turn = queue.acquire(visitor.signal);
    if (draw(3) === 0) queueMicrotask(() => visitor.abort("left"));
    try {
      const release = await turn;
      try {
        assertEquals(++running, 1);
        if (draw(2) === 0) await settle();
      } finally {
        running--;
        release();
        outcomes.served++;
      }
    } catch (error) {
      if (error instanceof QueueFullError) outcomes.full++;
      else if (error === "left") outcomes.left++;
      else throw error;
    }
  };
  const visits: Promise<void>[] = [];
  for (let i = 0; i < 300; i++) {
    visits.push(visit());
    if (draw(4) === 0) await settle();
  }
  await Promise.all(visits);
  assertEquals(outcomes.served + outcomes.full + outcomes.left, 300);
  assertEquals(Object.values(outcomes).every((count) => count > 10), true);
  assertEquals([queue.running, queue.waiting], [0, 0]);
});

Deno.test("RequestQueue.retryAfter is shorter where several turns run at once", async () => {
  let now = 0;
  const queue = new RequestQueue(1, 4, () => now);
  const release = await queue.acquire(never);
  now += 20_000;
  release();
  assertEquals(queue.retryAfter, 5);
});

Deno.test("RequestQueue with several turns gives no more at once, first come first served", async () => {
  const queue = new RequestQueue(8, 3);
  const order: number[] = [];
  let together = 0, most = 0;
  await Promise.all([0, 1, 2, 3, 4, 5, 6].map(async (id) => {
    const release = await queue.acquire(never);
    most = Math.max(most, ++together);
    order.push(id);
    await settle();
    together--;
    release();
  }));
  assertEquals(order, [0, 1, 2, 3, 4, 5, 6]);
  assertEquals([most, queue.running, queue.waiting], [3, 0, 0]);
});

Deno.test("RequestQueue refuses turns that are no whole number from 1", () => {
  for (const turns of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(
      () => new RequestQueue(1, turns),
      RangeError,
      `Cannot make a queue: turns is ${turns}`,
    );
  }
});

Deno.test("RequestQueue refuses a capacity that is no whole number from 0", () => {
  for (const capacity of [-1, 1.5, NaN, Infinity]) {
    assertThrows(
      () => new RequestQueue(capacity),
      RangeError,
      `Cannot make a queue: capacity is ${capacity}`,
    );
  }
});
