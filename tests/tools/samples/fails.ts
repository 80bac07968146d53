Deno.test("first", () => {});
Deno.test("second", () => {
  throw new Error("failed on purpose");
});
