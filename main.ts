/**
 * The process: flags and environment in, an exit code out.
 *
 * @module
 */
import project from "./deno.json" with { type: "json" };
import {
  type Config,
  ConfigError,
  helpText,
  parseConfig,
  readEnvironment,
} from "./src/config.ts";
import { describeError } from "./src/describe_error.ts";
import type { Engine } from "./src/engine/types.ts";
import { atMost, Server } from "./src/server.ts";
import { startEngine } from "./src/start_engine.ts";

/** Seconds for requests under way when the process is asked to end. */
const GRACE_SECONDS = 10;
/** Seconds for a download to remove what it has half done. */
const CLEANUP_SECONDS = 2;

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];

/** Exit codes: what ended the process. */
const EXIT = { done: 0, failed: 1, misconfigured: 2, interrupted: 130 };

async function main(args: readonly string[]): Promise<void> {
  if (args.includes("--help")) return console.log(helpText());
  if (args.includes("--version")) return console.log(project.version);
  await serve(parseConfig(args, readEnvironment()));
}

/** Listens at once, and answers once the model is there. */
async function serve(config: Config): Promise<void> {
  const ending = new AbortController();
  const engine = startEngine(config, console.error, ending.signal);
  // Whatever is thrown until then ends the process anyway.
  engine.catch(() => {});
  const server = await Server.open(config, engine);
  console.error(`Listening on ${server.url}, loading the model`);
  engine.then(
    ({ info }) => console.log(readyLine(server.url, config, info)),
    (error) => ending.signal.aborted || fail(error),
  );
  onSignal(async () => {
    ending.abort();
    await server.close(GRACE_SECONDS);
    const closed = engine.then((engine) => engine.close(), () => {});
    await atMost(CLEANUP_SECONDS, closed);
    Deno.exit(EXIT.done);
  });
}

/** Ends in good order on the first signal, and at once on the second. */
function onSignal(end: () => Promise<void>): void {
  let asked = false;
  const handle = () => {
    if (asked) Deno.exit(EXIT.interrupted);
    asked = true;
    end().catch(fail);
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, handle);
}

function readyLine(
  url: string,
  { apiKey }: Config,
  { id, runtime, method, slots }: Engine["info"],
): string {
  const body = '{"messages":[{"role":"user","content":"Hello"}]}';
  const key = apiKey.length > 0
    ? ' -H "Authorization: Bearer $LOCOLOOP_API_KEY"'
    : "";
  return `Ready at ${url} with ${id} (${runtime}, ${method}, ${slots} slots)` +
    `; try: curl ${url}/v1/chat/completions${key} -d '${body}'`;
}

function fail(error: unknown): never {
  console.error(describeError(error));
  const misconfigured = error instanceof ConfigError;
  Deno.exit(misconfigured ? EXIT.misconfigured : EXIT.failed);
}

if (import.meta.main) {
  await main(Deno.args).catch(fail);
}
