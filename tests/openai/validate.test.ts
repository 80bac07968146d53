import { z } from "@hono/zod-openapi";
import { assertEquals, assertThrows } from "@std/assert";
import { ApiError } from "../../src/openai/api_error.ts";
import {
  formatPath,
  isEmptyList,
  isOneOf,
  refuseUnsupported,
  validate,
} from "../../src/openai/validate.ts";

Deno.test("validate() gives the checked value without what the schema does not name", () => {
  const schema = z.object({ a: z.number() });
  assertEquals(validate(schema, { a: 1, b: 2 }), { a: 1 });
});

Deno.test("validate() complains about the branch of a union that fits furthest", () => {
  const schema = z.object({
    x: z.union([
      z.string(),
      z.array(z.union([z.number(), z.object({ y: z.array(z.boolean()) })])),
    ]),
  });
  const cases: [unknown, string][] = [
    [{ x: 5 }, "x"],
    [{ x: [1, "a"] }, "x[1]"],
    [{ x: [{ y: [true, 0] }] }, "x[0].y[1]"],
  ];
  for (const [value, param] of cases) {
    const error = assertThrows(() => validate(schema, value), ApiError);
    assertEquals(error.details.param, param);
  }
});

Deno.test("formatPath() writes members with dots and items with brackets", () => {
  assertEquals(
    formatPath(["messages", 0, "content", 1, "type"]),
    [
      "messages[0].content[1].type",
    ].join(),
  );
  assertEquals(formatPath([]), "");
  assertEquals(formatPath([2, "a"]), "[2].a");
});

Deno.test("refuseUnsupported() refuses only values that would change something", () => {
  const table = { a: () => false, b: isEmptyList, c: isOneOf("x") };
  refuseUnsupported({ a: null, b: [], c: "x", d: 1 }, table);
  const cases: [object, string][] = [
    [{ a: 0 }, "at.a"],
    [{ b: {} }, "at.b"],
    [{ b: [1] }, "at.b"],
    [{ c: "y" }, "at.c"],
  ];
  for (const [fields, param] of cases) {
    const { message } = assertThrows(
      () => refuseUnsupported(fields, table, "at."),
      ApiError,
    );
    assertEquals(
      message,
      `Cannot take ${param}: this server does not support it`,
    );
  }
});
