import { assertEquals, assertThrows } from "@std/assert";
import { readArguments } from "../../../bench/quality/arguments.ts";

const TASKS = ["one", "two"];

Deno.test("readArguments() always compares with full, streaming_llm and random", () => {
  const { setups, tasks } = readArguments(
    ["--methods", "h2o", "--slots=128,256", "--tasks", "two"],
    TASKS,
  );
  assertEquals(tasks, ["two"]);
  assertEquals(
    setups.map(({ method, slots }) => `${method} ${slots}`),
    [
      "full null",
      "streaming_llm 128",
      "streaming_llm 256",
      "random 128",
      "random 256",
      "h2o 128",
      "h2o 256",
    ],
  );
  const { store, block, sinks, window } = setups[0];
  assertEquals([store, block, sinks, window], ["f32", 64, 4, 32]);
});

Deno.test("readArguments() takes only what is named, alone", () => {
  const { setups } = readArguments(
    ["--alone", "--methods=h2o", "--slots=128", "--stores=int8"],
    TASKS,
  );
  assertEquals(setups.map(({ method, store }) => [method, store]), [
    ["h2o", "int8"],
  ]);
});

Deno.test("readArguments() takes a method several times, with other options", () => {
  const { setups } = readArguments(
    ["--methods=maxdecay,random,maxdecay:decay=0.9:pool=5", "--slots", "128"],
    TASKS,
  );
  assertEquals(
    setups.map(({ method, values }) => [method, values]),
    [
      ["full", {}],
      ["streaming_llm", {}],
      ["random", {}],
      ["maxdecay", {}],
      ["maxdecay", { decay: 0.9, pool: 5 }],
    ],
  );
});

Deno.test("readArguments() refuses what it does not know", () => {
  const refused = (...args: string[]) => () => readArguments(args, TASKS);
  assertThrows(
    refused("--methods", "nothing"),
    RangeError,
    "Cannot read --methods: nothing is none of full,",
  );
  assertThrows(
    refused("--methods", "h2o,maxdecay:speed=1"),
    RangeError,
    "Cannot use maxdecay.speed",
  );
  assertThrows(
    refused("--methods", "maxdecay:decay"),
    RangeError,
    "Cannot use maxdecay.decay NaN",
  );
  assertThrows(
    refused("--tasks", "one,three"),
    RangeError,
    "Cannot read --tasks: three is none of one, two",
  );
  assertThrows(
    refused("--slots", "many"),
    RangeError,
    "Cannot read --slots: many is no number",
  );
  assertThrows(refused("--speed", "9"), TypeError, "--speed");
});
