import { assertEquals } from "@std/assert";
import { checkImports, readImports } from "../../tools/check_imports.ts";
import { sourceFiles } from "../../tools/source_files.ts";

function check(files: Record<string, string>): string[] {
  return checkImports(new Map(Object.entries(files)));
}

Deno.test("checkImports() lets imports go down the folders", () => {
  assertEquals(
    check({
      "main.ts": `import { a } from "./mod.ts";`,
      "mod.ts": `import { a } from "./src/config.ts";`,
      "src/config.ts": `import { a } from "./cache/methods.ts";`,
      "routes/chat.ts": `import { a } from "../src/openai/chat.ts";`,
      "src/openai/chat.ts": `import { a } from "../engine/generate.ts";`,
      "src/engine/generate.ts": `import { a } from "../model/runtime.ts";`,
      "src/model/runtime.ts": `import { a } from "../kernels/reference.ts";`,
    }),
    [],
  );
});

Deno.test("checkImports() names file and line of an import that goes up", () => {
  assertEquals(
    check({
      "src/text/stop.ts": `import { Hono } from "hono";
import {
  a,
  b,
} from "../engine/generate.ts";`,
    }),
    ["src/text/stop.ts:2: src/text may not import src/engine/generate.ts"],
  );
});

Deno.test("checkImports() counts type imports, re-exports, dynamic and bare imports", () => {
  const forbidden = [
    `import type { A } from "../engine/queue.ts";`,
    `export * from "../engine/queue.ts";`,
    `import "../engine/queue.ts";`,
    `const a = await import("../engine/queue.ts");`,
    `type A = import("../engine/queue.ts").A;`,
  ];
  for (const text of forbidden) {
    assertEquals(check({ "src/cache/plan.ts": text }), [
      "src/cache/plan.ts:1: src/cache may not import src/engine/queue.ts",
    ], text);
  }
});

Deno.test("checkImports() lets everyone import a contract", () => {
  assertEquals(
    check({
      "src/text/stop.ts": `import type { A } from "../engine/types.ts";`,
      "src/model/llama.ts": `import type { A } from "../text/tokenizer.ts";`,
    }),
    [],
  );
});

Deno.test("checkImports() refuses folders that are not in its table", () => {
  assertEquals(
    check({
      "src/engine/a.ts": `import { a } from "../../tests/helpers/gguf.ts";`,
      "src/novel/b.ts": `import { a } from "../engine/a.ts";`,
    }),
    [
      "src/engine/a.ts:1: src/engine may not import tests/helpers/gguf.ts",
      "src/novel/b.ts:1: src/novel may not import src/engine/a.ts",
    ],
  );
});

Deno.test("checkImports() shows a circle of files once", () => {
  assertEquals(
    check({
      "src/cache/a.ts": `import { b } from "./b.ts";`,
      "src/cache/b.ts": `import { c } from "./c.ts";`,
      "src/cache/c.ts": `import { b } from "./b.ts";\nimport "./d.ts";`,
      "src/cache/d.ts": `export const d = 1;`,
    }),
    [
      "src/cache/b.ts: imports itself: src/cache/b.ts → src/cache/c.ts → src/cache/b.ts",
    ],
  );
});

Deno.test("checkImports() lets types go in a circle", () => {
  assertEquals(
    check({
      "src/cache/a.ts": `import { b } from "./b.ts";`,
      "src/cache/b.ts": `import type { A } from "./a.ts";`,
    }),
    [],
  );
});

Deno.test("readImports() takes no notice of comments, packages and data", () => {
  const text = `/**
 * import { a } from "../engine/generate.ts";
 */
import { z } from "zod";
import project from "../../deno.json" with { type: "json" };
const text = "from";
export const from = "../engine/generate.ts";
export { a } from "./a.ts";
`;
  assertEquals(readImports("src/text/x.ts", text), [
    { from: "src/text/x.ts", line: 8, to: "src/text/a.ts", typeOnly: false },
  ]);
});

Deno.test("sourceFiles() reads the product's TypeScript alone, in order", async () => {
  const root = await Deno.makeTempDir();
  const write = async (path: string) => {
    const folder = `${root}/${path}`.split("/").slice(0, -1).join("/");
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${root}/${path}`, path);
  };
  const product = ["main.ts", "routes/a.ts", "src/a.ts", "src/kernels/b/c.ts"];
  const rest = [
    "README.md",
    "src/kernels/simd/dot.ts",
    "src/a.wgsl",
    "tests/a.ts",
  ];
  for (const path of [...rest, ...product.toReversed()]) await write(path);
  try {
    assertEquals([...await sourceFiles(root)], product.map((p) => [p, p]));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
