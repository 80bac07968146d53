import { assertEquals, assertThrows } from "@std/assert";
import { readArguments } from "../../../tools/tune/arguments.ts";

Deno.test("readArguments() reads lists, and sorts the sizes", () => {
  const given = readArguments(
    "--text texts --sizes 320,64 --slots 512,128 --sinks 2".split(" "),
  );
  assertEquals(given.sizes, [64, 320]);
  assertEquals(given.slots, [512, 128]);
  assertEquals(given.frame, { block: 64, sinks: 2, window: 32 });
  assertEquals(given.out, null);
});

Deno.test("readArguments() names what is wrong", () => {
  const refuse = (args: string, message: string) =>
    assertThrows(() => readArguments(args.split(" ")), Error, message);
  refuse("--sizes 64", "--text FOLDER is missing");
  refuse("--text t --method magic", "Cannot read --method: magic is none of");
  refuse("--text t --tokens many", "Cannot read --tokens: many is no number");
  refuse("--text t --sizes 64,", "Cannot read --sizes:  is no number");
  refuse("--text t --sizes 64,64", "Cannot read --sizes: 64,64 is less than 2");
});
