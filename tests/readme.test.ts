/** README.md against what it speaks of. */
import { assertEquals } from "@std/assert";
import { options as peersOptions } from "../bench/peers.ts";
import { OPTIONS as QUALITY_OPTIONS } from "../bench/quality/arguments.ts";
import { options as scaleOptions } from "../bench/scale.ts";
import { METHOD_NAMES } from "../src/cache/methods.ts";
import { helpText } from "../src/config.ts";
import { render } from "../tools/readme.ts";

const README = await Deno.readTextFile("README.md");

/** Flags of Deno itself that commands need. */
const DENO_FLAGS = ["env", "net", "read", "run", "write"]
  .map((what) => `--allow-${what}`);

/** Of `deno task readme`. */
const OWN_FLAGS = ["--check"];

function flagsIn(text: string): Set<string> {
  return new Set(text.match(/(?<![-\w])--[a-z][a-z-]*/g));
}

Deno.test("README.md has every flag of helpText()", () => {
  assertEquals([...flagsIn(helpText()).difference(flagsIn(README))], []);
});

Deno.test("README.md names no flag that does not exist", () => {
  const benches = [QUALITY_OPTIONS, peersOptions, scaleOptions];
  const known = flagsIn(
    [helpText(), ...benches, ...DENO_FLAGS, ...OWN_FLAGS].join("\n"),
  );
  assertEquals([...flagsIn(README).difference(known)], []);
});

Deno.test("README.md names every cache method", () => {
  const missing = METHOD_NAMES.filter((name) =>
    !README.includes(`\`${name}\``)
  );
  assertEquals(missing, []);
});

Deno.test("README.md has the tables of `deno task readme`", async () => {
  assertEquals(README, await render(README, "."));
});

for (const file of ["README.md", "ARCHITECTURE.md"]) {
  Deno.test(`${file} links to files that are there`, async () => {
    const text = await Deno.readTextFile(file);
    for (const [, target] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      await Deno.stat(target);
    }
  });
}
