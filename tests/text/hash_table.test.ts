import { assertEquals } from "@std/assert";
import { HashTable } from "../../src/text/hash_table.ts";

/** All numbers that may have a hash, in the order in which they are looked at. */
function candidates(table: HashTable, hash: number): number[] {
  const found: number[] = [];
  for (let at = table.first(hash); at >= 0; at = table.next(at)) {
    found.push(table.value(at));
  }
  return found;
}

Deno.test("HashTable finds all numbers of a hash, whatever others there are", () => {
  const table = new HashTable(100);
  // Negative, far past the table, and many alike.
  const hashOf = (value: number) => Math.imul(value % 7, 0x9e3779b1);
  for (let value = 0; value < 100; value++) table.add(hashOf(value), value);
  for (let value = 0; value < 100; value++) {
    const found = candidates(table, hashOf(value));
    assertEquals(found.filter((other) => other === value), [value]);
  }
});

Deno.test("HashTable has nothing where nothing was added", () => {
  for (const most of [0, 1, 5]) {
    assertEquals(candidates(new HashTable(most), -1), []);
  }
});

Deno.test("HashTable goes round at its end", () => {
  const table = new HashTable(2);
  table.add(3, 8);
  table.add(3, 9);
  assertEquals(candidates(table, 3), [8, 9]);
  table.replace(table.first(3), 7);
  assertEquals(candidates(table, 3), [7, 9]);
});
