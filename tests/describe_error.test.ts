import { assertEquals, assertStrictEquals } from "@std/assert";
import { ConfigError } from "../src/config.ts";
import { describeError } from "../src/describe_error.ts";
import { ModelError } from "../src/engine/errors.ts";

Deno.test("describeError() gives one line for errors in the project's words", () => {
  const errors = [
    new ConfigError("Cannot read --port: no"),
    new ModelError("Cannot get it: no"),
    new RangeError("Cannot keep that: no"),
  ];
  for (const error of errors) {
    assertEquals(describeError(error), error.message);
  }
});

Deno.test("describeError() names a permission that is missing", () => {
  assertEquals(
    describeError(new Deno.errors.NotCapable('Requires net access to "x"')),
    'Cannot start without permission: Requires net access to "x"',
  );
});

Deno.test("describeError() leaves all else as it is", () => {
  const errors = [
    new TypeError("Cannot read properties of undefined (reading 'x')"),
    new Error("disk on fire"),
    "text",
    undefined,
  ];
  for (const error of errors) assertStrictEquals(describeError(error), error);
});
