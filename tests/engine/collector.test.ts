import { assertEquals } from "@std/assert";
import { Collector } from "../../src/engine/collector.ts";

/** Lets everything run that is due. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("Collector.rest() collects once the caller is done, and not again too soon", async () => {
  let collections = 0;
  const collector = new Collector(() => collections++);
  collector.rest(0);
  assertEquals(collections, 0);
  await turn();
  assertEquals(collections, 1);
  collector.rest(1999);
  await turn();
  assertEquals(collections, 1);
  collector.rest(2000);
  await turn();
  assertEquals(collections, 2);
});
