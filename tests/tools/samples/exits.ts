Deno.test("first", () => {});
Deno.test("second", () => {
  Deno.kill(Deno.pid, "SIGKILL");
});
