Deno.test("first", () => {
  setInterval(() => {}, 1_000_000);
});
