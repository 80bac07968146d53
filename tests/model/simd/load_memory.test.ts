import { assertGreater, assertLess } from "@std/assert";
import type { LoadRecord } from "../../helpers/load_memory.ts";
import { recordOf } from "../../helpers/own_process.ts";

Deno.test("SimdRuntime.load() streams the weights into place: the process grows by at most 1.25 times their file", async () => {
  const record = await recordOf<LoadRecord>("./load_memory.ts");
  const growth = (record.peak - record.before) / record.file;
  assertGreater(growth, 0.9);
  assertLess(growth, 1.25);
});
