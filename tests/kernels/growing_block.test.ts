import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { GrowingBlock } from "../../src/kernels/growing_block.ts";
import { LinearMemory } from "../../src/kernels/memory.ts";

Deno.test("GrowingBlock.reserve() keeps what is large enough", () => {
  const block = new GrowingBlock(new LinearMemory());
  assertEquals(block.pointer, 0);
  const pointer = block.reserve(1000);
  assertNotEquals(pointer, 0);
  assertEquals(block.reserve(1), pointer);
  assertEquals(block.reserve(1000), pointer);
  assertEquals(block.byteLength, 1000);
});

Deno.test("GrowingBlock.reserve() gives the smaller block back", () => {
  const memory = new LinearMemory();
  const block = new GrowingBlock(memory);
  const pointer = block.reserve(1000);
  const wall = memory.allocate(64);
  assertNotEquals(block.reserve(2000), pointer);
  assertEquals(memory.allocate(1000), pointer);
  memory.free(wall);
});

Deno.test("GrowingBlock.reserve() holds nothing where the memory cannot grow so far", () => {
  const block = new GrowingBlock(new LinearMemory());
  block.reserve(64);
  assertThrows(() => block.reserve(2 ** 40), RangeError, "Cannot allocate");
  assertEquals(block.byteLength, 0);
  block.reserve(64);
});
