/**
 * The configuration: one table from which flags, environment variables, help
 * and validation derive. The environment is read nowhere else.
 *
 * @module
 */
import type { Method } from "./cache/method.ts";
import { METHOD_NAMES, METHODS } from "./cache/methods.ts";
import { type OptionValues, readOptions } from "./cache/options.ts";
import { STORE_NAMES } from "./cache/store/stores.ts";
import { ConfigError, envName, flagName, readFlags } from "./config_flags.ts";
import {
  choice,
  integer,
  list,
  type Option,
  readKey,
  readNumbers,
  readOrigin,
  readThreads,
  text,
} from "./config_options.ts";
import { checkKeep, DEFAULT_SLOTS } from "./engine/engine_size.ts";
import { MOST_KEPT } from "./engine/memory_plan.ts";
import { DEFAULT_LIMITS } from "./http/limits.ts";

export { ConfigError };

const OPTIONS = {
  model: text({
    placeholder: "SOURCE",
    help: "a GGUF file, or hf:OWNER/REPO/FILE.gguf on the Hugging Face hub",
    fallback: null,
    fallbackText: "SmolLM2-135M-Instruct, downloaded once",
  }),
  host: text({
    placeholder: "ADDRESS",
    help: "address to listen on; 0.0.0.0 for all",
    fallback: "127.0.0.1",
  }),
  port: integer(0, 65_535, {
    placeholder: "N",
    help: "port to listen on; 0 for any that is free",
    fallback: 8000,
  }),
  runtime: choice(["auto", "simd", "webgpu"], {
    placeholder: "NAME",
    help: "what computes",
    fallback: "auto",
  }),
  threads: {
    placeholder: "N",
    help: "threads that compute, or auto for one a core, up to 8",
    fallback: 1,
    fallbackText: undefined,
    read: readThreads,
  } satisfies Option<number | "auto">,
  learned: text({
    placeholder: "FILE",
    help: "learned parts for the model, or off",
    fallback: null,
    fallbackText: "those in models/, where there are any",
  }),
  method: choice(METHOD_NAMES, {
    placeholder: "NAME",
    help: "how the cache is kept to its size",
    fallback: "locoloop",
  }),
  methodOptions: {
    placeholder: "NAME=N,…",
    help: "numbers that adjust the method; /v1/models lists them",
    fallback: {},
    fallbackText: "as measured best",
    read: readNumbers,
  } satisfies Option<OptionValues>,
  kv: choice(STORE_NAMES, {
    placeholder: "NAME",
    help: "precision of the slots",
    fallback: null,
    fallbackText: "int8; f32 for heads that it cannot hold",
  }),
  prefill: choice(["all", "lines"], {
    placeholder: "NAME",
    help:
      "what the tokens of a prompt look at, where there are many slots: all of them, or lines that cover most of their attention",
    fallback: "all",
  }),
  slots: integer(1, 1_048_576, {
    placeholder: "N",
    help: "tokens that the cache holds",
    fallback: null,
    fallbackText: `${DEFAULT_SLOTS}; the model's context under method full`,
  }),
  sinks: integer(0, 65_536, {
    placeholder: "N",
    help: "first tokens that are never evicted",
    fallback: 4,
  }),
  window: integer(1, 65_536, {
    placeholder: "N",
    help: "newest tokens that are never evicted",
    fallback: 32,
  }),
  block: integer(1, 4096, {
    placeholder: "N",
    help: "tokens between two compactions of the cache",
    fallback: 64,
  }),
  maxTokens: integer(1, 1_048_576, {
    placeholder: "N",
    help: "most tokens of an answer where the request names no bound",
    fallback: DEFAULT_LIMITS.maxTokens,
  }),
  queue: integer(0, 65_536, {
    placeholder: "N",
    help: "requests that may wait for their turn",
    fallback: 16,
  }),
  parallel: integer(1, 64, {
    placeholder: "N",
    help: "requests that are answered at once, each with slots of its own",
    fallback: 1,
  }),
  keep: integer(0, 1024, {
    placeholder: "N",
    help:
      "dialogues kept between requests, running ones included, so that a turn reads only what is new; 0, or at least --parallel",
    fallback: null,
    fallbackText:
      `as many as --parallel; with --memory what fits, up to ${MOST_KEPT}`,
  }),
  memory: integer(1, 1_048_576, {
    placeholder: "MB",
    help:
      "most memory of the whole process; decides on slots and kept dialogues where they are not given, and refuses what does not fit",
    fallback: null,
    fallbackText: "no bound",
  }),
  timeout: integer(1, 86_400, {
    placeholder: "SECONDS",
    help: "longest that a request may take, waiting included",
    fallback: DEFAULT_LIMITS.timeout,
  }),
  bodyLimit: integer(1024, 1_073_741_824, {
    placeholder: "BYTES",
    help: "largest body of a request",
    fallback: DEFAULT_LIMITS.bodyLimit,
  }),
  apiKey: list(readKey, {
    placeholder: "KEY,…",
    help: "keys of which requests must show one; safer in the environment",
    fallback: [],
    fallbackText: "none needed",
  }),
  corsOrigin: list(readOrigin, {
    placeholder: "ORIGIN,…",
    help: "origins whose web pages may call, or * for all",
    fallback: [],
    fallbackText: "none",
  }),
  cacheDir: text({
    placeholder: "FOLDER",
    help: "where downloaded models are kept",
    fallback: ".cache/models",
  }),
};

type Name = keyof typeof OPTIONS;

/** All settings of a server. */
export type Config = {
  readonly [K in Name]: (typeof OPTIONS)[K] extends Option<infer T> ? T : never;
};

const NAMES = Object.keys(OPTIONS) as Name[];

/** Environment variables that are looked at, and no others. */
export const ENV_NAMES: readonly string[] = NAMES.map(envName);

/**
 * The configuration that flags and environment make; a flag wins.
 *
 * @param args `--name value` or `--name=value`, each name once.
 * @param env By the names of {@link ENV_NAMES}; an empty one counts as unset.
 * @throws {ConfigError} In one line, about the first thing that is wrong.
 */
export function parseConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Config {
  const flags = readFlags(args, NAMES);
  const values: Partial<Record<Name, unknown>> = {};
  for (const name of NAMES) {
    const flag = flags.get(name);
    values[name] = flag !== undefined
      ? readValue(name, flag, flagName(name))
      : readValue(name, env[envName(name)] || undefined, envName(name));
  }
  const config = Object.freeze(values) as Config;
  checkTogether(config);
  return config;
}

/** The variables of {@link ENV_NAMES} that are set for this process. */
export function readEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(
    ENV_NAMES.map((name) => [name, Deno.env.get(name)]),
  );
}

/** What `--help` prints. */
export function helpText(): string {
  const usages = NAMES.map((name) =>
    `${flagName(name)} ${OPTIONS[name].placeholder}`
  );
  const width = Math.max(...usages.map((usage) => usage.length));
  const lines = NAMES.map((name, at) => {
    const { help, fallback, fallbackText } = OPTIONS[name];
    const meaning = `${help} (default: ${fallbackText ?? fallback})`;
    return `  ${usages[at].padEnd(width)}  ${meaning}`;
  });
  return [
    "Serves a language model over the OpenAI API, in a fixed amount of memory.",
    "",
    "Usage: deno task serve [--FLAG VALUE]…",
    "",
    ...lines,
    `  ${"--help".padEnd(width)}  print this`,
    `  ${"--version".padEnd(width)}  print the version`,
    "",
    "Each is also read from the environment: --max-tokens from " +
    `${envName("maxTokens")}.`,
  ].join("\n");
}

function readValue(name: Name, value: string | undefined, source: string) {
  const option: Option<unknown> = OPTIONS[name];
  if (value === undefined) return Object.freeze(option.fallback);
  try {
    return Object.freeze(option.read(value));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError(`Cannot read ${source}: ${error.message}`);
  }
}

function checkTogether(config: Config): void {
  const { method, methodOptions, slots, sinks, window } = config;
  const { options = {} }: Method = METHODS[method];
  try {
    readOptions(options, methodOptions, "--method-options");
    checkKeep(config.keep, config.parallel);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError(error.message);
  }
  const room = slots ?? DEFAULT_SLOTS;
  if (METHODS[method].score === null || sinks + window <= room) return;
  throw new ConfigError(
    `Cannot keep ${sinks} sinks and a window of ${window} in ${room} slots`,
  );
}
