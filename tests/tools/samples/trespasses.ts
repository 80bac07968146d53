import { assertEquals, assertRejects } from "@std/assert";

const { NotCapable } = Deno.errors;

Deno.test("network", async () => {
  await assertRejects(() => fetch("http://192.0.2.1/"), NotCapable);
});
Deno.test("checkout", async () => {
  await assertRejects(() => Deno.writeTextFile("trespass", ""), NotCapable);
});
Deno.test("files", async () => {
  await assertRejects(() => Deno.readTextFile("/etc/hosts"), NotCapable);
});
Deno.test("programs", async () => {
  const program = new Deno.Command("true");
  await assertRejects(() => program.output(), NotCapable);
});
Deno.test("environment", () => {
  assertEquals(Deno.env.get("PATH"), undefined);
});
