import { assertEquals, assertThrows } from "@std/assert";
import { readOptions } from "../../bench/arguments.ts";

const OPTIONS = { store: ["f32", "int8"], slots: 512, model: null } as const;

Deno.test("readOptions() takes what is given and else the first name, the number, or null", () => {
  assertEquals(readOptions([], OPTIONS), {
    store: "f32",
    slots: 512,
    model: null,
  });
  assertEquals(
    readOptions(
      ["--slots", "64", "--model", "a.gguf", "--store", "int8"],
      OPTIONS,
    ),
    { store: "int8", slots: 64, model: "a.gguf" },
  );
});

for (
  const [args, reason] of [
    [["--colour", "red"], "Cannot read --colour: see --help"],
    [["--slots"], "Cannot read --slots: see --help"],
    [["--slots", "-1"], "Cannot read -1: expected a whole number"],
    [["--store", "f64"], "Cannot read f64: expected one of f32,int8"],
  ] as const
) {
  Deno.test(`readOptions() refuses ${args.join(" ")}`, () => {
    assertThrows(() => readOptions(args, OPTIONS), TypeError, reason);
  });
}
