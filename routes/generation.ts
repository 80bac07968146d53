/**
 * What the two generating endpoints share: from a body to an answer, streamed
 * or whole.
 *
 * @module
 */
import type { Context, Handler } from "hono";
import type { Engine, GenerateEvent } from "../src/engine/types.ts";
import { eventStream } from "../src/http/event_stream.ts";
import { clientGone, type RequestScope } from "../src/http/lifecycle.ts";
import { readJson } from "../src/http/read_json.ts";
import {
  type AnswerHead,
  type AnswerOptions,
  createHead,
} from "../src/openai/answer.ts";
import { toApiError } from "../src/openai/api_error.ts";
import { checkCall } from "../src/openai/check_call.ts";
import type { Call, RequestDefaults } from "../src/openai/request_fields.ts";
import { runCall, started } from "../src/openai/run_call.ts";
import type { Services } from "./services.ts";

/** One endpoint's way to read requests and to write answers. */
export interface Dialect<Chunk> {
  /** What the ids of its answers start with. */
  readonly idPrefix: string;
  parse(json: unknown, defaults: RequestDefaults): Call;
  chunks(
    events: AsyncIterable<GenerateEvent>,
    head: AnswerHead,
    options: AnswerOptions,
  ): AsyncGenerator<Chunk, void, void>;
  /** The whole answer, out of chunks with the usage. */
  whole(
    chunks: AsyncIterable<Chunk>,
    options: AnswerOptions,
  ): Promise<unknown>;
}

/** Answers a request from its body to its last chunk. */
export function generation<Chunk>(
  services: Services,
  dialect: Dialect<Chunk>,
): Handler {
  return async (c: Context) => {
    const engine = await services.engine();
    const scope = openScope(c.req.raw, services);
    let streaming = false;
    try {
      const json = await readJson(c.req.raw, services.limits, scope.signal);
      const call = dialect.parse(json, services.limits);
      checkCall(call, engine);
      const { chunks, options } = await start(engine, call, scope, dialect);
      streaming = call.stream;
      return streaming
        ? stream(chunks, scope, services)
        : c.json(await dialect.whole(chunks, options) as object);
    } finally {
      if (!streaming) scope.end();
    }
  };
}

/** A scope that also ends when the client leaves before the answer begins. */
function openScope(request: Request, services: Services): RequestScope {
  const { lifecycle, limits } = services;
  const scope = lifecycle.begin(limits.timeout);
  const leave = () => scope.abort(clientGone());
  if (request.signal.aborted) leave();
  else request.signal.addEventListener("abort", leave, { once: true });
  return scope;
}

/** Runs up to the first event: what is wrong by then still has its status. */
async function start<Chunk>(
  engine: Engine,
  call: Call,
  scope: RequestScope,
  dialect: Dialect<Chunk>,
) {
  const { choices, logprobs } = call.requests[0];
  const options: AnswerOptions = {
    choices: choices * call.requests.length,
    logprobs: logprobs !== null,
    includeUsage: call.includeUsage || !call.stream,
    tokenBytes: (id) => engine.tokenBytes(id),
  };
  const head = createHead(dialect.idPrefix, engine.info);
  const events = await started(runCall(engine, call, scope.signal));
  return { chunks: dialect.chunks(events, head, options), options };
}

function stream(
  chunks: AsyncGenerator<unknown, void, void>,
  scope: RequestScope,
  { limits, report }: Services,
): Response {
  return eventStream(chunks, {
    scope,
    patience: limits.patience,
    toApiError: (error) => toApiError(error, report),
  });
}
