import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { METHOD_NAMES } from "../../src/cache/methods.ts";
import type { Engine, KvChoice } from "../../src/engine/types.ts";
import {
  answersOf,
  ask,
  collect,
  someTokens,
  tokensPrompt,
  usageOf,
} from "../helpers/generation.ts";
import { withLearnedFile } from "../helpers/learned_file.ts";
import { tinyEngine } from "../helpers/tiny_engine.ts";

function answer(engine: Engine, fields = {}) {
  const { signal } = new AbortController();
  return collect(engine.generate(ask(fields), signal));
}

Deno.test("Engine.generate() runs a request in the cache that it asks for", async () => {
  const engine = await tinyEngine();
  for (const method of METHOD_NAMES) {
    const kv = { method, slots: 30 };
    const usage = usageOf(await answer(engine, { kv }));
    assertEquals([usage.kv.method, usage.kv.slots], [method, 30]);
  }
  const usage = usageOf(await answer(engine));
  assertEquals([usage.kv.method, usage.kv.slots], ["streaming_llm", 32]);
  engine.close();
});

Deno.test("Engine.checkKv() refuses what a request cannot have, naming the field and what is valid", async () => {
  const engine = await tinyEngine({ slots: 32, sinks: 4, window: 8 });
  const names = METHOD_NAMES.join(", ");
  const bad: [KvChoice, string][] = [
    [{ method: "best" }, `kv.method best: expected one of ${names}`],
    [{ method: "constructor" }, "kv.method constructor: expected one of"],
    [{ slots: 33 }, "kv.slots 33: expected a whole number from 12 to 32"],
    [{ slots: 11 }, "kv.slots 11: expected a whole number from 12 to 32"],
    [
      { method: "full", slots: 0 },
      "kv.slots 0: expected a whole number from 1",
    ],
    [
      { options: { decay: 1 } },
      "kv.options.decay: the method's options are: none",
    ],
    [
      { method: "maxdecay", options: { decay: 2 } },
      "kv.options.decay 2: expected a number from 0 to 1",
    ],
    [
      { method: "maxdecay", options: { pool: 4 } },
      "kv.options.pool 4: expected an odd number from 1 to 63",
    ],
    [
      { method: "snapkv", options: { queries: 1.5 } },
      "kv.options.queries 1.5: expected a whole number from 1 to 4096",
    ],
    [{ method: "maxdecay", options: { toString: 1 } as never }, "toString"],
  ];
  for (const [choice, message] of bad) {
    assertThrows(() => engine.checkKv(choice), RangeError, message);
  }
  engine.checkKv({});
  engine.checkKv({ method: "maxdecay", slots: 12, options: { decay: 0 } });
  engine.close();
});

Deno.test("a request switches each learned part off by an option, and all of them give the form without", async () => {
  await withLearnedFile(async (learned) => {
    const engine = await tinyEngine({ learned });
    const say = async (method: string, options: KvChoice["options"]) => {
      const events = await answer(engine, {
        prompt: tokensPrompt(someTokens(150)),
        maxTokens: 24,
        kv: { method, options },
      });
      return answersOf(events)[0].text;
    };
    const none = { score: 0, budgets: 0, fusion: 0, corrections: 0 };
    const dual = await say("dual", {});
    assertEquals(await say("locoloop", none), dual);
    const all = await say("locoloop", {});
    for (const part of Object.keys(none)) {
      const [only, without] = [{ ...none, [part]: 1 }, { [part]: 0 }];
      assertNotEquals(await say("locoloop", only), dual, `only ${part}`);
      assertNotEquals(await say("locoloop", without), all, `without ${part}`);
    }
    engine.close();
  });
});
