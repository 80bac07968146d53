Deno.test("first", () => {});
Deno.test("second", () => {});
Deno.test({ name: "third", ignore: true, fn() {} });
