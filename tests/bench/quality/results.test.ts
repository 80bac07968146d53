import { assertEquals, assertRejects } from "@std/assert";
import {
  type Cell,
  learnedIn,
  Results,
} from "../../../bench/quality/results.ts";
import type { Model } from "../../../bench/quality/session.ts";
import type { LearnedParts } from "../../../src/cache/learned_parts.ts";

const CELL: Cell = {
  fingerprint: "a",
  task: "perplexity",
  setup: {
    method: "full",
    values: {},
    slots: null,
    store: "f32",
    block: 64,
    sinks: 4,
    window: 32,
  },
  model: "tiny",
  learned: null,
  corpus: "reference",
  quick: false,
  machine: "one",
  seconds: 3,
  measures: { nats: [1.23456789, 2] },
};

async function withFile(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(`${folder}/results/quality.json`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Results keeps cells in the file, to six digits", async () => {
  await withFile(async (path) => {
    const results = await Results.open(path);
    assertEquals(results.get("a"), undefined);
    await results.add(CELL);
    await results.add({ ...CELL, fingerprint: "b", seconds: 4 });

    const again = await Results.open(path);
    assertEquals(again.get("a"), {
      ...CELL,
      measures: { nats: [1.23457, 2] },
    });
    assertEquals(again.get("b")?.seconds, 4);
  });
});

Deno.test("Results.add() replaces the cell of the same fingerprint", async () => {
  await withFile(async (path) => {
    const results = await Results.open(path);
    await results.add(CELL);
    await results.add({ ...CELL, seconds: 5 });
    assertEquals((await Results.open(path)).get("a")?.seconds, 5);
    const { cells } = JSON.parse(await Deno.readTextFile(path));
    assertEquals(cells.length, 1);
  });
});

Deno.test("Results.open() refuses a file of something else", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/other.json`;
  await Deno.writeTextFile(path, "{}");
  await assertRejects(
    () => Results.open(path),
    SyntaxError,
    "it has no cells",
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("Results.open() refuses a file that cannot be written", async () => {
  await withFile(async (path) => {
    await Deno.mkdir(`${path}.part`, { recursive: true });
    await assertRejects(
      () => Results.open(path),
      Error,
      `Cannot write --results ${path}: `,
    );
  });
});

Deno.test("learnedIn() is null where the method uses none of the parts", () => {
  const parts: LearnedParts = {
    name: "some",
    sha256: "ab",
    score: null,
    budgets: { sizes: [40, 80], errors: [[2, 1]] },
    corrections: null,
    absorb: null,
    lococo: null,
    far: 512,
  };
  const among = (setup: Partial<Cell["setup"]>) =>
    learnedIn({ ...CELL.setup, ...setup }, { learned: parts } as Model);
  assertEquals(among({ method: "locoloop" }), "ab");
  assertEquals(among({ method: "locoloop", values: { budgets: 0 } }), null);
  assertEquals(among({ method: "lococo" }), null);
  assertEquals(among({ method: "dual" }), null);
});
