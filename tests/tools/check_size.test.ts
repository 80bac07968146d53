import { assertEquals } from "@std/assert";
import { checkSize } from "../../tools/check_size.ts";

function lines(count: number, indent = ""): string {
  return Array.from({ length: count }, (_, i) => `${indent}f(${i});`)
    .join("\n");
}

Deno.test("checkSize() points out a file past 300 lines", () => {
  assertEquals(checkSize("a.ts", lines(300)), []);
  assertEquals(checkSize("a.ts", lines(301)), ["a.ts:1: 301 lines in a file"]);
});

Deno.test("checkSize() points out functions and methods past 60 lines", () => {
  const text = `// head
export async function long(
  a: number,
): Promise<void> {
${lines(57, "  ")}
}
function short() {
${lines(58, "  ")}
}
class A {
  static async of<T>(x: T) {
    if (x) {
${lines(60, "      ")}
    }
  }
}`;
  assertEquals(checkSize("a.ts", text), [
    "a.ts:2: 61 lines in a function",
    "a.ts:124: 64 lines in a function",
  ]);
});

Deno.test("checkSize() takes calls for what they are", () => {
  const text = `function short() {
  call(a, {
    b,
  });
}
${lines(70)}
if (x) {
  y();
}`;
  assertEquals(checkSize("a.ts", text), []);
});

Deno.test("checkSize() is silent where a comment gives the reason", () => {
  const file = `/**\n * Long: one table.\n */\n${lines(400)}`;
  assertEquals(checkSize("a.ts", file), []);
  const fn = `// Long: one switch over all types.
function long() {
${lines(80, "  ")}
}`;
  assertEquals(checkSize("a.ts", fn), []);
});
