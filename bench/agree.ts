/**
 * Whether the GPU says what the CPU says, and how far each is from transformers: `deno task bench agree`. The chats and texts
 * are those that `tests/oracles` recorded.
 *
 * @module
 */
import { Dialogue } from "../src/engine/dialogue.ts";
import {
  createRuntime,
  type RuntimeChoice,
} from "../src/model/create_runtime.ts";
import { readGguf } from "../src/model/gguf.ts";
import type { Runtime } from "../src/model/runtime.ts";
import { Agreement } from "../tests/helpers/kl.ts";
import {
  type GreedyChat,
  type KlText,
  readGreedySet,
  readKlSet,
} from "../tests/helpers/oracle.ts";
import { argmax, run as read, uniformCache } from "../tests/helpers/stream.ts";
import { type Departure, findDeparture } from "./agree/departure.ts";
import { describeAdapter } from "./adapter.ts";
import { readOptions } from "./arguments.ts";
import { findModel, usualCache } from "./model.ts";
import { type Cell, table } from "./report.ts";

export const about =
  "whether simd and webgpu say the same, and how far both are from transformers";

export const options = [
  "--prompts N   that are answered, up to 10; default: 10",
  "--tokens N    of an answer; default: 32",
  "--texts N     of 256 tokens whose distributions are compared, up to 10; default: 2",
].join("\n");

/** Logits apart within which either of two tokens is as good. */
const NEAR_TIE = 0.3;
/** Nats that a runtime may be from transformers. */
const MOST_KL = 0.01;
const NEVER = new AbortController().signal;
const CHOICES = ["simd", "webgpu"] as const;

/** Measures and prints; the exit code is 1 if the runtimes disagree by more than rounding. */
export async function run(args: readonly string[]): Promise<void> {
  const given = readOptions(args, { prompts: 10, tokens: 32, texts: 2 });
  console.log(`adapter: ${await describeAdapter() ?? "none"}\n`);
  const path = await findModel(null);
  const load = async (choice: RuntimeChoice) =>
    await createRuntime(choice, readGguf(path), {
      maxTokens: 64,
      store: "f32",
    });
  const runtimes = [await load(CHOICES[0]), await load(CHOICES[1])] as const;
  const chats = (await readGreedySet()).slice(0, given.prompts);
  const same = await compareAnswers(runtimes, chats, given.tokens);
  const texts = (await readKlSet()).slice(0, given.texts);
  const near = await compareTexts(runtimes, texts);
  for (const runtime of runtimes) runtime.dispose();
  if (!same || !near) Deno.exitCode = 1;
}

/** Prints where the answers part; gives whether that is at near ties only. */
async function compareAnswers(
  [simd, webgpu]: readonly [Runtime, Runtime],
  chats: readonly GreedyChat[],
  tokens: number,
): Promise<boolean> {
  const rows: Cell[][] = [];
  let same = true;
  for (const { messages, prompt } of chats) {
    const departure = findDeparture(
      await answer(simd, prompt, tokens),
      await answer(webgpu, prompt, tokens),
    );
    const question = messages.at(-1)!.content.slice(0, 40);
    rows.push([question, ...describe(departure, tokens)]);
    // A software adapter takes a minute for each.
    console.error(rows.at(-1)!.join(" | "));
    same &&= departure === null || Math.max(...departure.leads) <= NEAR_TIE;
  }
  const head = ["prompt", "same greedy tokens", "simd's lead", "webgpu's lead"];
  console.log(table(head, rows));
  console.log(
    `\nA lead is how far a runtime's token is above the other's where they part; up to ${NEAR_TIE} is a near tie.\n`,
  );
  return same;
}

function describe(departure: Departure | null, tokens: number): Cell[] {
  if (!departure) return [`all ${tokens}`, "", ""];
  const leads = departure.leads.map((lead) => lead.toFixed(3));
  return [`${departure.step} of ${tokens}`, ...leads];
}

/** [step][vocab] the logits of so many greedy tokens behind a prompt. */
async function answer(
  runtime: Runtime,
  prompt: readonly number[],
  tokens: number,
): Promise<Float32Array[]> {
  const slots = prompt.length + tokens;
  const options = usualCache("full", null, { slots, store: "f32" });
  using dialogue = new Dialogue(runtime, options);
  const steps: Float32Array[] = [];
  const keep = (logits: Float32Array) => void steps.push(logits.slice());
  await dialogue.prefill(prompt, "last", keep, NEVER);
  while (steps.length < tokens) {
    await dialogue.step(argmax(steps.at(-1)!), keep, NEVER);
  }
  return steps;
}

/** Prints how far the distributions are from those of transformers; gives whether they are near. */
async function compareTexts(
  runtimes: readonly Runtime[],
  texts: readonly KlText[],
): Promise<boolean> {
  const rows: Cell[][] = [];
  let near = true;
  for (const runtime of runtimes) {
    const agreement = new Agreement();
    for (const { tokens, next } of texts) {
      const cache = uniformCache(runtime, tokens.length, 0);
      await read(
        runtime,
        cache,
        tokens,
        (logits, i) => agreement.add(next, i, logits),
      );
      cache.dispose();
    }
    const { positions, meanKl, worstKl, sameBest } = agreement;
    rows.push([
      runtime.kind,
      positions,
      meanKl.toExponential(1),
      worstKl.toExponential(1),
      `${(100 * sameBest).toFixed(1)} %`,
    ]);
    console.error(rows.at(-1)!.join(" | "));
    near &&= meanKl < MOST_KL;
  }
  const head = ["runtime", "positions", "mean KL, nats", "worst", "same best"];
  console.log(table(head, rows));
  return near;
}
