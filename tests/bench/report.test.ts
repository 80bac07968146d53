import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { machine, table } from "../../bench/report.ts";

Deno.test("table() aligns text left and numbers right", () => {
  assertEquals(
    table(["method", "slots"], [["full", 8192], ["a|b", 256]]),
    [
      "| method | slots |",
      "| ------ | ----: |",
      "| full   |  8192 |",
      "| a\\|b   |   256 |",
    ].join("\n"),
  );
});

Deno.test("table() lays out a head alone", () => {
  assertEquals(table(["a"], []), "| a   |\n| --- |");
});

Deno.test("table() refuses a row of another length than the head", () => {
  assertThrows(
    () => table(["a", "b"], [["x"]]),
    RangeError,
    "a row of 1 cells",
  );
});

Deno.test("machine() names processor, cores and Deno, and not the host", () => {
  assertMatch(
    machine(),
    new RegExp(
      `^.+, \\d+ cores?, ${Deno.build.os}, Deno ${Deno.version.deno}$`,
    ),
  );
});
