/**
 * The events of a call: of its requests in turn, as if they were one.
 *
 * @module
 */
import type { Engine, GenerateEvent, KvUsage, Usage } from "../engine/types.ts";
import { promptError } from "./api_error.ts";
import type { Call } from "./request_fields.ts";

/**
 * Runs the requests of a call one after another, each with a turn of its own,
 * so that others get theirs in between. Choices are numbered through, prompt by
 * prompt; there is one `start`, which tells of the first prompt, and one
 * `done`, which tells of all.
 *
 * @throws {ApiError} With status 400 if the engine refuses a prompt.
 * @throws What else {@link Engine.generate} throws.
 */
export async function* runCall(
  engine: Engine,
  { requests, promptParam }: Call,
  signal: AbortSignal,
): AsyncGenerator<GenerateEvent, void, void> {
  let total: Usage | null = null;
  let firstChoice = 0;
  for (const [at, request] of requests.entries()) {
    const events = await started(engine.generate(request, signal))
      .catch((error) => {
        const single = requests.length === 1;
        throw promptError(
          error,
          single ? promptParam : `${promptParam}[${at}]`,
        );
      });
    for await (const event of events) {
      if (event.type === "done") {
        total = total === null ? event.usage : add(total, event.usage);
      } else if (event.type !== "start") {
        yield { ...event, choice: firstChoice + event.choice };
      } else if (firstChoice === 0) {
        yield event;
      }
    }
    firstChoice += request.choices;
  }
  if (total !== null) yield { type: "done", usage: total };
}

function add(a: Usage, b: Usage): Usage {
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    kv: addKv(a.kv, b.kv),
  };
}

function addKv(a: KvUsage, b: KvUsage): KvUsage {
  return {
    ...b,
    seen: a.seen + b.seen,
    resident: a.resident + b.resident,
    fused: a.fused + b.fused,
    evicted: a.evicted + b.evicted,
    recalled: a.recalled + b.recalled,
  };
}

/**
 * Runs `events` up to the first, so that what goes wrong before it is thrown
 * here; gives all of them.
 */
export async function started<T>(
  events: AsyncGenerator<T, void, void>,
): Promise<AsyncIterableIterator<T, void, void>> {
  let first: IteratorResult<T, void> | null = await events.next();
  const all: AsyncIterableIterator<T, void, void> = {
    next() {
      if (first === null) return events.next();
      const result = first;
      first = null;
      return Promise.resolve(result);
    },
    return: () => events.return(),
    [Symbol.asyncIterator]: () => all,
  };
  return all;
}
