import { assert, assertEquals, assertRejects } from "@std/assert";
import { METHOD_NAMES } from "../../src/cache/methods.ts";
import { DEFAULT_SLOTS } from "../../src/engine/engine_size.ts";
import { ModelError } from "../../src/engine/errors.ts";
import { answersOf, ask, collect, STAYS } from "../helpers/generation.ts";
import { withLearnedFile } from "../helpers/learned_file.ts";
import { tinyEngine } from "../helpers/tiny_engine.ts";

Deno.test("loadEngine() tells about the model and how it runs", async () => {
  const engine = await tinyEngine();
  const { created, methods, ...info } = engine.info;
  assertEquals(methods.map(({ name }) => name), METHOD_NAMES);
  assertEquals(info, {
    id: "tiny",
    contextLength: 512,
    method: "streaming_llm",
    slots: 32,
    runtime: "simd",
    learned: null,
  });
  assert(Number.isInteger(created) && created > 1e9);
  assertEquals(engine.load, { running: 0, waiting: 0 });
  engine.close();
});

Deno.test("loadEngine() without a number of slots takes the default, under full the model's context", async () => {
  for (const method of METHOD_NAMES) {
    const engine = await tinyEngine({ method, slots: null });
    const expected = method === "full" ? 512 : DEFAULT_SLOTS;
    assertEquals(engine.info.slots, expected);
    engine.close();
  }
});

Deno.test("loadEngine() refuses fewer slots than sinks and window, where the method keeps those", async () => {
  const few = { slots: 11, sinks: 4, window: 8 };
  for (const method of METHOD_NAMES) {
    if (method === "full") {
      (await tinyEngine({ ...few, method })).close();
      continue;
    }
    await assertRejects(
      () => tinyEngine({ ...few, method }),
      RangeError,
      "Cannot keep 4 sinks and a window of 8 tokens in 11 slots",
    );
  }
});

Deno.test("loadEngine() refuses a damaged file", async () => {
  await assertRejects(
    () => tinyEngine({ gguf: { tensors: { "blk.0.attn_q.weight": null } } }),
    ModelError,
    "attn_q.weight",
  );
});

Deno.test("Engine.generate() answers a conversation, and load counts those who run and wait", async () => {
  const engine = await tinyEngine();
  const request = ask({
    prompt: { kind: "chat", messages: [{ role: "user", content: "to it" }] },
  });
  const events = engine.generate(request, STAYS);
  await events.next();
  const waiting = collect(engine.generate(request, STAYS));
  await Promise.resolve();
  assertEquals(engine.load, { running: 1, waiting: 1 });
  const first = answersOf(await collect(events));
  assertEquals(answersOf(await waiting), first);
  assertEquals([first[0].text.length > 7, first[0].reason], [true, "length"]);
  assertEquals(engine.load, { running: 0, waiting: 0 });
  engine.close();
});

Deno.test("Engine.tokenBytes() gives the bytes of a token", async () => {
  const engine = await tinyEngine();
  assertEquals(engine.tokenBytes(3 + 0xc3), Uint8Array.of(0xc3));
  engine.close();
});

Deno.test("Engine.close() refuses those who wait and all who come", async () => {
  const engine = await tinyEngine();
  const running = engine.generate(ask(), STAYS);
  await running.next();
  const waiting = collect(engine.generate(ask(), STAYS));
  const refused = assertRejects(() => waiting, Error, "the engine is closed");
  await Promise.resolve();
  engine.close();
  await refused;
  await assertRejects(
    () => collect(engine.generate(ask(), STAYS)),
    Error,
    "the engine is closed",
  );
  await running.return();
});

Deno.test("Engine.close() ends the requests under way and those that wait", async () => {
  const engine = await tinyEngine();
  const signal = new AbortController().signal;
  const running = engine.generate(ask({ maxTokens: 1000 }), signal);
  await running.next();
  const waiting = engine.generate(ask({}), signal).next();
  engine.close();
  await assertRejects(() => waiting);
  await assertRejects(
    async () => {
      for await (const _ of running);
    },
    Error,
    "the engine is closed",
  );
});

Deno.test("loadEngine() uses a file of learned parts in the methods that know them, and says which", async () => {
  await withLearnedFile(async (learned) => {
    const states = async (learned: string | null) => {
      const engine = await tinyEngine({ learned });
      const { methods, learned: name } = engine.info;
      engine.close();
      const byName = new Map(
        methods.map(({ name, learned }) => [name, learned]),
      );
      return [name, byName.get("locoloop"), byName.get("h2o")];
    };
    assertEquals(await states(null), [null, "missing", "none"]);
    assertEquals(await states("off"), [null, "missing", "none"]);
    assertEquals(await states(learned), [learned, "used", "none"]);
  });
});
