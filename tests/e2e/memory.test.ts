/** `--memory`, kept by a process that serves the default model. */
import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { SERVE_MEMORY_FLAGS } from "../../tools/serve_command.ts";
import type { BoundRecord } from "../helpers/bounded_memory.ts";
import { recordOf } from "../helpers/own_process.ts";
import { runToEnd } from "../helpers/server_process.ts";
import { realModelPath } from "../helpers/real_model.ts";

const FLAGS = [
  ...SERVE_MEMORY_FLAGS,
  "--allow-net=127.0.0.1",
];

for (const memory of [216, 255]) {
  Deno.test(`main keeps to --memory ${memory} while dialogues overflow what it chose`, async () => {
    const { lines, slots, tokens, peak } = await recordOf<BoundRecord>(
      "./bounded_memory.ts",
      FLAGS,
      [`${memory}`],
    );
    assertMatch(
      lines[0],
      /^Within --memory \d+: \d+ slots in int8, dialogues kept: \d,/,
    );
    assert(slots >= 36 && slots <= 512 && tokens > slots, `${slots} slots`);
    // Small bounds leave fewer slots than the default; larger ones more than one dialogue.
    assertEquals(slots === 512, memory === 255);
    assertLess(peak, memory * 1e6);
    // The bound is no mere guess: most of it is taken.
    assertLess(memory * 0.7e6, peak);
  });
}

Deno.test("main refuses --memory below the minimum, and says what would fit", async () => {
  const model = ["--model", realModelPath()];
  const { code, stderr } = await runToEnd([...model, "--memory", "100"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "Cannot keep to --memory 100: 1 dialogue of");
  assertMatch(
    stderr,
    /what would fit: no dialogue at all, the least is \d+ MB/,
  );
});
