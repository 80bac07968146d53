/**
 * The cache that a request asks for, within what the server allows.
 *
 * @module
 */
import type { LearnedParts } from "../cache/learned_parts.ts";
import { METHOD_NAMES, type MethodName, METHODS } from "../cache/methods.ts";
import { type Method, withLearned } from "../cache/method.ts";
import { methodLayout } from "../cache/method_layout.ts";
import { joinNeeds } from "../cache/needs.ts";
import { readOptions } from "../cache/options.ts";
import type { Runtime } from "../model/runtime.ts";
import type { CacheOptions } from "./dialogue.ts";
import type { KvChoice, MethodInfo } from "./types.ts";

/**
 * The server's cache with what `choice` changes of it. A request can have fewer slots than the server's, never more, so that
 * the memory of a dialogue stays what the server was started with.
 *
 * @throws {RangeError} If a field is unknown or out of range; the message names it and what is valid.
 */
export function chooseCache(
  runtime: Runtime,
  defaults: CacheOptions,
  choice: KvChoice,
): CacheOptions {
  const name = readName(choice.method ?? defaults.methodName);
  const method: Method = METHODS[name];
  const { sinks, window } = defaults;
  const least = method.score ? sinks + window : 1;
  const slots = choice.slots ?? defaults.slots;
  if (!Number.isInteger(slots) || slots < least || slots > defaults.slots) {
    throw new RangeError(
      `Cannot use kv.slots ${slots}: expected a whole number from ${least} to ${defaults.slots}`,
    );
  }
  const same = name === defaults.methodName;
  const values = readOptions(
    method.options ?? {},
    { ...(same ? defaults.values : {}), ...choice.options },
    "kv.options",
  );
  const options: CacheOptions = {
    ...defaults,
    methodName: name,
    method: withLearned(method, defaults.learned ?? null, values),
    slots,
    values,
  };
  checkCache(runtime, options);
  return options;
}

/**
 * Refuses at once what every dialogue would be refused for.
 *
 * @throws {RangeError} If the slots are too few or cannot be shared out, or the runtime lacks what the method needs.
 */
export function checkCache(runtime: Runtime, options: CacheOptions): void {
  const { method, values = {} } = options;
  const score = method.score?.(values) ?? null;
  const layout = methodLayout(method, score, runtime.config, options);
  runtime.check(layout, joinNeeds(method, score));
}

function readName(name: string): MethodName {
  const found = METHOD_NAMES.find((known) => known === name);
  if (found) return found;
  throw new RangeError(
    `Cannot use kv.method ${name}: expected one of ${METHOD_NAMES.join(", ")}`,
  );
}

/** The methods that a request can choose with these learned parts, for those who ask. */
export function describeMethods(learned: LearnedParts | null): MethodInfo[] {
  return METHOD_NAMES.map((name) => {
    const method: Method = METHODS[name];
    const { summary, paper, options = {} } = method;
    const form = learned && method.learned?.(learned, {});
    const state = method.learned ? form ? "used" : "missing" : "none";
    return { name, summary, paper, options, learned: state };
  });
}
