/**
 * Serves the default model within `--memory`, has two dialogues that overflow their slots, and tells what the process took;
 * run in a process of its own.
 *
 * @module
 */
import { parseConfig } from "../../src/config.ts";
import { Server } from "../../src/server.ts";
import { startEngine } from "../../src/start_engine.ts";
import { realModelPath } from "./real_model.ts";

/** What a bound came to. */
export interface BoundRecord {
  /** What the server said at its start. */
  readonly lines: readonly string[];
  readonly slots: number;
  /** Tokens of the longer dialogue. */
  readonly tokens: number;
  /** Bytes: the most that was seen. */
  readonly peak: number;
}

const TEXT = "bench/texts/persuasion.txt";
/** Characters that the user says at once. */
const QUESTION = 1500;

async function record(memory: string): Promise<BoundRecord> {
  const args = ["--model", realModelPath(), "--memory", memory, "--port", "0"];
  const config = parseConfig(args, {});
  const lines: string[] = [];
  const never = new AbortController().signal;
  const loading = startEngine(config, (line) => lines.push(line), never);
  const server = await Server.open(config, loading);
  let peak = 0;
  const sample = () => peak = Math.max(peak, Deno.memoryUsage().rss);
  const timer = setInterval(sample, 5);
  const { info } = await loading;

  const text = await Deno.readTextFile(TEXT);
  let tokens = 0;
  for (const start of [0, 6000]) {
    const messages: { role: string; content: string }[] = [];
    for (const turn of [0, 1]) {
      const from = start + turn * QUESTION;
      const content = text.slice(from, from + QUESTION);
      messages.push({ role: "user", content });
      const response = await fetch(`${server.url}/v1/chat/completions`, {
        method: "POST",
        body: JSON.stringify({ messages, max_tokens: 24, temperature: 0 }),
      });
      if (!response.ok) throw new Error(await response.text());
      const { choices, usage } = await response.json();
      messages.push(choices[0].message);
      tokens = Math.max(tokens, usage.total_tokens);
      sample();
    }
  }
  clearInterval(timer);
  await server.close(0);
  return { lines, slots: info.slots, tokens, peak };
}

if (import.meta.main) {
  console.log(JSON.stringify(await record(Deno.args[0])));
  Deno.exit();
}
