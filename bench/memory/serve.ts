/**
 * A server with one dialogue that goes on and on.
 *
 * @module
 */
import { type Memory, type Message, Server } from "./process.ts";

/** What the server took at some point. */
export interface Stage extends Memory {
  readonly name: string;
}

/** Characters that the user says at once, and the tokens of each answer. */
const QUESTION = 4000;
const ANSWER = 32;

/**
 * Talks to a server until the dialogue has `tokens` tokens.
 *
 * @param args Flags of the server.
 * @param text What the user says, piece by piece, again and again.
 */
export async function measureServer(
  args: readonly string[],
  text: string,
  tokens: number,
): Promise<Stage[]> {
  await using server = await Server.start(args);
  const stages: Stage[] = [{ name: "ready", ...await server.memory() }];
  const messages: Message[] = [];
  for (let read = 0, at = 0; read < tokens; at += QUESTION) {
    const from = at % (text.length - QUESTION);
    const content = text.slice(from, from + QUESTION);
    messages.push({ role: "user", content });
    const answer = await server.ask(messages, ANSWER);
    messages.push(answer.message);
    const before = read;
    read = answer.tokens;
    const passed = [1, tokens / 2, tokens].some((n) => before < n && read >= n);
    if (passed) {
      stages.push({ name: `${read} tokens`, ...await server.memory() });
    }
  }
  return stages;
}
