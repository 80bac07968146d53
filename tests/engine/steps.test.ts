import { assert, assertEquals, assertRejects } from "@std/assert";
import { Dialogue } from "../../src/engine/dialogue.ts";
import { Steps } from "../../src/engine/steps.ts";
import type { Runtime, Sequence } from "../../src/model/runtime.ts";
import { someTokens, STAYS } from "../helpers/generation.ts";
import { uniformCache } from "../helpers/stream.ts";
import { tinyParts } from "../helpers/tiny_engine.ts";

const PARALLEL = 4;
const BLOCK = 16;
const model = await tinyParts({ parallel: PARALLEL });
const { runtime } = model;

/** What a runtime was asked to do: the tokens of each sequence of a step, or something else by its name. */
type Note = number[] | string;

/** The runtime, noting what it is asked to do, each thing in a turn of the event loop of its own, and failing where it overlaps. */
function noting(notes: Note[], fail?: (batch: readonly Sequence[]) => void) {
  let busy = false;
  const turn = async <T>(note: Note, run: () => Promise<T>): Promise<T> => {
    assert(!busy, "two things at once");
    busy = true;
    notes.push(note);
    try {
      await new Promise((resolve) => setTimeout(resolve, 0));
      return await run();
    } finally {
      busy = false;
    }
  };
  const noted: Runtime = {
    kind: runtime.kind,
    config: runtime.config,
    maxTokens: runtime.maxTokens,
    check: runtime.check.bind(runtime),
    createCache: runtime.createCache.bind(runtime),
    forward: (batch, sink) =>
      turn(batch.map(({ tokens }) => tokens.length), () => {
        fail?.(batch);
        return runtime.forward(batch, sink);
      }),
    observe: (cache, needs) =>
      turn("observe", () => runtime.observe(cache, needs)),
    apply: (cache, plan) => turn("apply", () => runtime.apply(cache, plan)),
    exportState: (cache, spent) =>
      turn("export", () => runtime.exportState(cache, spent)),
    importState: (cache, state) =>
      turn("import", () => runtime.importState(cache, state)),
    dispose: () => {},
  };
  return noted;
}

/** The logits behind each of a dialogue's tokens, of which the first are read at once and the others in steps. */
async function logitsOf(
  dialogue: Dialogue,
  tokens: readonly number[],
  atOnce: number,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  const take = (logits: Float32Array) => rows.push(logits.slice());
  await dialogue.prefill(tokens.slice(0, atOnce), "all", take, STAYS);
  for (const token of tokens.slice(atOnce)) {
    await dialogue.step(token, take, STAYS);
  }
  return rows;
}

Deno.test("Steps: dialogues that go on together have the logits of each alone, through compactions and saved states", async () => {
  // They begin to answer one after the other, and compact at different times.
  const texts = [20, 33, 47, 90].map((count, from) => ({
    tokens: someTokens(count + 40, 100 * from),
    atOnce: count,
  }));
  const alone: Float32Array[][] = [];
  for (const { tokens, atOnce } of texts) {
    using dialogue = new Dialogue(runtime, model.cache);
    alone.push(await logitsOf(dialogue, tokens, atOnce));
  }
  const notes: Note[] = [];
  const noted = noting(notes);
  const steps = new Steps(noted, PARALLEL);
  const together = await Promise.all(
    texts.map(async ({ tokens, atOnce }) => {
      using dialogue = new Dialogue(noted, model.cache, steps);
      const state = await dialogue.save();
      await dialogue.step(7, () => {}, STAYS);
      await dialogue.restore(state);
      return await logitsOf(dialogue, tokens, atOnce);
    }),
  );
  together.forEach((rows, i) => {
    assertEquals(rows.length, alone[i].length);
    // Row by row, for a difference between large arrays takes long to print.
    rows.forEach((row, at) =>
      assert(row.every((x, id) => x === alone[i][at][id]), `${i}: ${at}`)
    );
  });
  const batches = notes.filter((note) => typeof note !== "string");
  assert(batches.some((batch) => batch.join() === "1,1,1,1"));
  // A part of a prompt and what others say, in one step.
  assert(batches.some((batch) => batch.includes(1) && batch.includes(BLOCK)));
});

Deno.test("Steps: what does not fit into a step is in the next one, before what came later", async () => {
  const notes: Note[] = [];
  const noted = noting(notes);
  const steps = new Steps(noted, PARALLEL);
  assertEquals(steps.most, BLOCK);
  const caches = [1, 2, 3, 4].map(() => uniformCache(runtime, 64, 0));
  const read = (index: number, count: number) =>
    steps.forward(
      { cache: caches[index], tokens: someTokens(count), logits: "none" },
      () => {},
      STAYS,
    );
  const order: number[] = [];
  const all = [16, 16, 2, 16].map((count, index) =>
    read(index, count).then(() => order.push(index))
  );
  await Promise.all(all);
  assertEquals(notes, [[16, 2], [16], [16]]);
  assertEquals(order, [0, 2, 1, 3]);
  for (const cache of caches) cache.dispose();
});

Deno.test("Steps: a sequence that cannot be run fails alone", async () => {
  const steps = new Steps(runtime, PARALLEL);
  const expected = uniformCache(runtime, 32, 0);
  const [good, small, other] = [32, 4, 32].map((slots) =>
    uniformCache(runtime, slots, 0)
  );
  const tokens = someTokens(5);
  const rows: Float32Array[][] = [[], [], [], []];
  const read = (cache: typeof good, into: Float32Array[]) =>
    steps.forward(
      { cache, tokens, logits: "last" },
      (logits) => into.push(logits.slice()),
      STAYS,
    );
  await read(expected, rows[0]);
  const [first, second, third] = await Promise.allSettled([
    read(good, rows[1]),
    read(small, rows[2]),
    read(other, rows[3]),
  ]);
  assertEquals([first.status, third.status], ["fulfilled", "fulfilled"]);
  assert(second.status === "rejected");
  assert(second.reason instanceof RangeError);
  assertEquals(second.reason.message, "Cannot append 5 tokens: room for 4");
  assertEquals(small.slots.seen, 0);
  assertEquals(rows[2], []);
  assertEquals(rows[1], rows[0]);
  assertEquals(rows[3], rows[0]);
  for (const cache of [expected, good, small, other]) cache.dispose();
});

Deno.test("Steps: what a device fails at, fails for all of the step, and the next one is taken", async () => {
  const notes: Note[] = [];
  let broken = true;
  const steps = new Steps(
    noting(notes, () => {
      if (broken) throw new Error("Cannot go on: broken");
    }),
    PARALLEL,
  );
  const caches = [1, 2].map(() => uniformCache(runtime, 32, 0));
  const read = () =>
    caches.map((cache) =>
      steps.forward(
        { cache, tokens: [5], logits: "none" },
        () => {},
        STAYS,
      )
    );
  for (const step of read()) {
    await assertRejects(() => step, Error, "Cannot go on: broken");
  }
  broken = false;
  await Promise.all(read());
  assertEquals(notes, [[1, 1], [1, 1]]);
  assertEquals(caches.map(({ slots }) => slots.seen), [1, 1]);
  for (const cache of caches) cache.dispose();
});

Deno.test("Steps: who leaves before a step is not in it, and holds nobody up", async () => {
  const notes: Note[] = [];
  const steps = new Steps(noting(notes), PARALLEL);
  const [stays, leaves] = [1, 2].map(() => uniformCache(runtime, 32, 0));
  const leaver = new AbortController();
  const read = (cache: typeof stays, signal: AbortSignal) =>
    steps.forward({ cache, tokens: [5], logits: "none" }, () => {}, signal);
  const gone = read(leaves, leaver.signal);
  const there = read(stays, STAYS);
  leaver.abort(new Error("left"));
  await assertRejects(() => gone, Error, "left");
  await there;
  await assertRejects(() => read(leaves, leaver.signal), Error, "left");
  assertEquals(notes, [[1]]);
  assertEquals([stays.slots.seen, leaves.slots.seen], [1, 0]);
  await read(stays, STAYS);
  assertEquals(stays.slots.seen, 2);
  stays.dispose();
  leaves.dispose();
});

Deno.test("Steps.alone() passes on what its task throws, and goes on", async () => {
  const steps = new Steps(runtime);
  await assertRejects(
    () => steps.alone(() => Promise.reject(new Error("no"))),
    Error,
    "no",
  );
  assertEquals(await steps.alone(() => Promise.resolve(3)), 3);
});
