import { assert, assertEquals } from "@std/assert";
import {
  KernelClock,
  millisecondsOf,
} from "../../../bench/profile/timed_kernels.ts";
import { measurePeaks } from "../../../bench/profile/peaks.ts";
import { LinearMemory } from "../../../src/kernels/memory.ts";
import { ReferenceKernels } from "../../../src/kernels/reference.ts";

const PEAKS = { memory: 1, cache: 2, bytes: 3, words: 4, floats: 5 };

Deno.test("KernelClock.wrap() runs the kernels and bills each call by its name", () => {
  const memory = new LinearMemory();
  const clock = new KernelClock(PEAKS);
  const kernels = clock.wrap(new ReferenceKernels(memory));
  const x = memory.allocate(16), y = memory.allocate(16);
  memory.f32.set([1, 2, 3, 4], x / 4);
  memory.f32.set([10, 20, 30, 40], y / 4);
  kernels.add(x, y, 1, 4);
  kernels.add(x, y, 1, 4);

  assertEquals([...memory.f32.subarray(x / 4, x / 4 + 4)], [21, 42, 63, 84]);
  assertEquals([...clock.costs.keys()], ["add"]);
  const { samples, atBest } = clock.costs.get("add")!;
  // Two reads of four floats each, twice, at 2 bytes a millisecond.
  assertEquals([samples.length, atBest], [2, 2 * 2 * 4 * 4 / 2]);
  clock.isRunning = false;
  kernels.add(x, y, 1, 4);
  assertEquals(clock.costs.get("add")!.samples.length, 2);
  clock.reset();
  assertEquals(clock.costs.size, 0);
});

Deno.test("measurePeaks() finds some speed for each loop", async () => {
  const peaks = await measurePeaks();
  for (const [name, speed] of Object.entries(peaks)) {
    assert(Number.isFinite(speed) && speed > 0, name);
  }
});

Deno.test("millisecondsOf() counts the median of the calls", () => {
  assertEquals(millisecondsOf({ samples: [2, 900, 1, 3, 2], atBest: 0 }), 10);
});
