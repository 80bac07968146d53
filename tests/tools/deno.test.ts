import { assertEquals } from "@std/assert";
import { runDeno, standInImports } from "../../tools/deno.ts";

Deno.test("runDeno() gives the exit code", async () => {
  const run = ["eval", "Deno.exit(Number(Deno.env.get('CODE')))"];
  const options = { limit: 60_000, quiet: true };
  assertEquals(await runDeno(run, { ...options, env: { CODE: "0" } }), 0);
  assertEquals(await runDeno(run, { ...options, env: { CODE: "7" } }), 7);
});

Deno.test("runDeno() ends a process that goes past its limit", async () => {
  const forever = ["eval", "for (;;);"];
  assertEquals(await runDeno(forever, { limit: 200, quiet: true }), "timeout");
});

Deno.test("standInImports() maps packages, their subpaths and a stand-in for @std/assert", () => {
  const imports = standInImports({
    "@std/assert": "jsr:@std/assert@1",
    "hono": "npm:hono@4.0.0",
    "@scope/name": "npm:@scope/name@1.2.3",
  });
  assertEquals(imports, {
    "@std/assert": import.meta.resolve("../helpers/assert.ts"),
    "hono": "npm:hono@4.0.0",
    "hono/": "npm:/hono@4.0.0/",
    "@scope/name": "npm:@scope/name@1.2.3",
    "@scope/name/": "npm:/@scope/name@1.2.3/",
  });
});
