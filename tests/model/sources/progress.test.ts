import { assertEquals } from "@std/assert";
import {
  type Progress,
  progressBar,
  progressLines,
} from "../../../src/model/sources/progress.ts";

/** Tells of `total` bytes in steps. */
function run(progress: Progress, total: number, step: number): void {
  for (let done = 0; done < total; done += step) {
    progress.advance(Math.min(step, total - done));
  }
  progress.end();
}

Deno.test("progressLines() says every ten percent once", () => {
  const lines: string[] = [];
  run(progressLines(98_362_432, (line) => lines.push(line)), 98_362_432, 1000);
  assertEquals(lines.length, 10);
  assertEquals(lines[0], "10 % of 98 MB");
  assertEquals(lines[9], "100 % of 98 MB");
});

Deno.test("progressLines() passes over steps that were too short to see", () => {
  const lines: string[] = [];
  run(progressLines(1000, (line) => lines.push(line)), 1000, 450);
  assertEquals(lines, [
    "40 % of 0.0 MB",
    "90 % of 0.0 MB",
    "100 % of 0.0 MB",
  ]);
});

Deno.test("progressBar() draws each percent once, on one line", () => {
  const writes: string[] = [];
  run(progressBar(2_000_000, (text) => writes.push(text)), 2_000_000, 512);
  assertEquals(writes.length, 102);
  assertEquals(
    writes[50],
    "\r[###############---------------] 50 %, 1.0 of 2.0 MB ",
  );
  assertEquals(
    writes[100],
    "\r[##############################] 100 %, 2.0 of 2.0 MB ",
  );
  assertEquals(writes[101], "\n");
});

Deno.test("progressBar() leaves no trace of a download that never started", () => {
  const writes: string[] = [];
  progressBar(10, (text) => writes.push(text)).end();
  assertEquals(writes, []);
});
