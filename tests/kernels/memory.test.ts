import { assertEquals, assertGreaterOrEqual, assertThrows } from "@std/assert";
import { LinearMemory } from "../../src/kernels/memory.ts";
import { uniform } from "../helpers/random.ts";

Deno.test("LinearMemory.allocate() gives aligned blocks that never overlap", () => {
  const memory = new LinearMemory();
  const random = uniform(1);
  const blocks: { at: number; size: number }[] = [];
  for (let i = 0; i < 300; i++) {
    if (blocks.length > 20) {
      const [block] = blocks.splice(Math.floor(random() * blocks.length), 1);
      memory.free(block.at);
    }
    const size = Math.floor(random() * 50_000);
    blocks.push({ at: memory.allocate(size), size });
    assertEquals(blocks.at(-1)!.at % 64, 0);
    blocks.sort((a, b) => a.at - b.at);
    for (let j = 1; j < blocks.length; j++) {
      const previous = blocks[j - 1];
      assertGreaterOrEqual(blocks[j].at, previous.at + previous.size);
    }
  }
});

Deno.test("LinearMemory.free() lets the room be used again", () => {
  const memory = new LinearMemory();
  const blocks = Array.from({ length: 8 }, () => memory.allocate(1 << 20));
  const grown = memory.byteLength;
  for (const index of [1, 3, 2, 0, 7, 5, 6, 4]) memory.free(blocks[index]);
  memory.allocate(8 << 20);
  assertEquals(memory.byteLength, grown);
});

Deno.test("LinearMemory keeps what its views show when it grows", () => {
  const memory = new LinearMemory();
  const at = memory.allocate(4);
  memory.f32[at / 4] = 42;
  memory.allocate(1 << 24);
  assertEquals(memory.f32[at / 4], 42);
});

Deno.test("LinearMemory refuses what it cannot do", () => {
  const memory = new LinearMemory();
  assertThrows(() => memory.free(64), RangeError, "no block starts there");
  assertThrows(() => memory.allocate(2 ** 33), RangeError, "Cannot allocate");
});
