import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { METHOD_NAMES } from "../src/cache/methods.ts";
import {
  type Config,
  ConfigError,
  ENV_NAMES,
  helpText,
  parseConfig,
} from "../src/config.ts";

const DEFAULTS: Config = {
  model: null,
  host: "127.0.0.1",
  port: 8000,
  runtime: "auto",
  threads: 1,
  learned: null,
  method: "locoloop",
  methodOptions: {},
  kv: null,
  prefill: "all",
  slots: null,
  sinks: 4,
  window: 32,
  block: 64,
  maxTokens: 2048,
  queue: 16,
  parallel: 1,
  keep: null,
  memory: null,
  timeout: 600,
  bodyLimit: 1048576,
  apiKey: [],
  corsOrigin: [],
  cacheDir: ".cache/models",
};

/** Every setting with a flag that changes it. */
const CHANGES: {
  [K in keyof Config]: [flag: string, env: string, text: string, Config[K]];
} = {
  model: ["--model", "LOCOLOOP_MODEL", "hf:a/b/c.gguf", "hf:a/b/c.gguf"],
  host: ["--host", "LOCOLOOP_HOST", "0.0.0.0", "0.0.0.0"],
  port: ["--port", "LOCOLOOP_PORT", "0", 0],
  runtime: ["--runtime", "LOCOLOOP_RUNTIME", "simd", "simd"],
  threads: ["--threads", "LOCOLOOP_THREADS", "auto", "auto"],
  learned: ["--learned", "LOCOLOOP_LEARNED", "a.safetensors", "a.safetensors"],
  method: ["--method", "LOCOLOOP_METHOD", "full", "full"],
  methodOptions: [
    "--method-options",
    "LOCOLOOP_METHOD_OPTIONS",
    "share=0.3, budgets=0",
    { share: 0.3, budgets: 0 },
  ],
  kv: ["--kv", "LOCOLOOP_KV", "int8", "int8"],
  prefill: ["--prefill", "LOCOLOOP_PREFILL", "lines", "lines"],
  slots: ["--slots", "LOCOLOOP_SLOTS", "256", 256],
  sinks: ["--sinks", "LOCOLOOP_SINKS", "0", 0],
  window: ["--window", "LOCOLOOP_WINDOW", "64", 64],
  block: ["--block", "LOCOLOOP_BLOCK", "128", 128],
  maxTokens: ["--max-tokens", "LOCOLOOP_MAX_TOKENS", "7", 7],
  queue: ["--queue", "LOCOLOOP_QUEUE", "0", 0],
  parallel: ["--parallel", "LOCOLOOP_PARALLEL", "4", 4],
  keep: ["--keep", "LOCOLOOP_KEEP", "3", 3],
  memory: ["--memory", "LOCOLOOP_MEMORY", "300", 300],
  timeout: ["--timeout", "LOCOLOOP_TIMEOUT", "5", 5],
  bodyLimit: ["--body-limit", "LOCOLOOP_BODY_LIMIT", "2048", 2048],
  apiKey: ["--api-key", "LOCOLOOP_API_KEY", "a, b", ["a", "b"]],
  corsOrigin: [
    "--cors-origin",
    "LOCOLOOP_CORS_ORIGIN",
    "https://a.example,http://localhost:3000",
    ["https://a.example", "http://localhost:3000"],
  ],
  cacheDir: ["--cache-dir", "LOCOLOOP_CACHE_DIR", "/models", "/models"],
};

Deno.test("parseConfig() gives every setting its default, deeply frozen", () => {
  const config = parseConfig([], {});
  assertEquals(config, DEFAULTS);
  assert(Object.isFrozen(config));
  assert(Object.isFrozen(config.apiKey));
  assert(Object.isFrozen(parseConfig(["--api-key", "a,b"], {}).apiKey));
});

for (const [name, [flag, env, text, value]] of Object.entries(CHANGES)) {
  Deno.test(`parseConfig() takes ${flag} and ${env}, and the flag wins`, () => {
    const changed = { ...DEFAULTS, [name]: value };
    assertEquals(parseConfig([flag, text], {}), changed);
    assertEquals(parseConfig([`${flag}=${text}`], {}), changed);
    assertEquals(parseConfig([], { [env]: text }), changed);
    assertEquals(parseConfig([flag, text], { [env]: "wrong\n" }), changed);
  });
}

Deno.test("ENV_NAMES has the variables that are looked at, and no others", () => {
  const names = Object.values(CHANGES).map(([, env]) => env);
  assertEquals([...ENV_NAMES].sort(), names.sort());
});

Deno.test("parseConfig() takes an empty variable as unset and ignores foreign ones", () => {
  const env = { LOCOLOOP_PORT: "", LOCOLOOP_MODEL: undefined, PORT: "1" };
  assertEquals(parseConfig([], env), DEFAULTS);
});

Deno.test("parseConfig() takes a value with '=' in it, and one like a flag after '='", () => {
  assertEquals(parseConfig(["--model=a=b"], {}).model, "a=b");
  assertEquals(parseConfig(["--model=--x"], {}).model, "--x");
});

const REFUSED: [args: string[], message: string][] = [
  [
    ["--port", "x"],
    "Cannot read --port: 'x' is not a whole number from 0 to 65535",
  ],
  [
    ["--port=65536"],
    "Cannot read --port: '65536' is not a whole number from 0 to 65535",
  ],
  [
    ["--port", "-1"],
    "Cannot read --port: '-1' is not a whole number from 0 to 65535",
  ],
  [
    ["--port", "80.5"],
    "Cannot read --port: '80.5' is not a whole number from 0 to 65535",
  ],
  [["--port="], "Cannot read --port: '' is not a whole number from 0 to 65535"],
  [["--port"], "Cannot read --port: its value is missing"],
  [["--port", "1", "--port", "1"], "Cannot read --port: it is given twice"],
  [["--speed", "1"], "Cannot read --speed: no such flag (see --help)"],
  [["--maxTokens", "1"], "Cannot read --maxTokens: no such flag (see --help)"],
  [["model.gguf"], "Cannot read model.gguf: flags start by -- (see --help)"],
  [["-p", "1"], "Cannot read -p: flags start by -- (see --help)"],
  [["--model", " "], "Cannot read --model: it is empty"],
  [
    ["--runtime", "cuda"],
    "Cannot read --runtime: 'cuda' is none of auto, simd, webgpu",
  ],
  [
    ["--threads", "0"],
    "Cannot read --threads: '0' is neither auto nor a whole number from 1",
  ],
  [
    ["--threads", "many"],
    "Cannot read --threads: 'many' is neither auto nor a whole number from 1",
  ],
  [
    ["--threads", `${navigator.hardwareConcurrency + 1}`],
    `Cannot read --threads: ${
      navigator.hardwareConcurrency + 1
    } are more than the ${navigator.hardwareConcurrency} cores of this machine`,
  ],
  [
    ["--slots", "0"],
    "Cannot read --slots: '0' is not a whole number from 1 to 1048576",
  ],
  [
    ["--api-key", "secret,,b"],
    "Cannot read --api-key: a key is empty or has characters past ASCII",
  ],
  [
    ["--api-key", "schlüssel"],
    "Cannot read --api-key: a key is empty or has characters past ASCII",
  ],
  [
    ["--cors-origin", "https://a.example/"],
    "Cannot read --cors-origin: 'https://a.example/' is no origin " +
    "such as https://example.org, nor *",
  ],
  [
    ["--slots", "35"],
    "Cannot keep 4 sinks and a window of 32 in 35 slots",
  ],
  [
    ["--window", "510"],
    "Cannot keep 4 sinks and a window of 510 in 512 slots",
  ],
  [
    ["--parallel", "0"],
    "Cannot read --parallel: '0' is not a whole number from 1 to 64",
  ],
  [
    ["--parallel", "4", "--keep", "3"],
    "Cannot keep 3 of 4 dialogues that run at once: --keep is 0, or at least --parallel",
  ],
];

for (const [args, message] of REFUSED) {
  Deno.test(`parseConfig() refuses ${args.join(" ")} in one line`, () => {
    const error = assertThrows(() => parseConfig(args, {}), ConfigError);
    assertEquals(error.message, message);
  });
}

Deno.test("parseConfig() names the variable that is wrong", () => {
  const error = assertThrows(
    () => parseConfig([], { LOCOLOOP_MAX_TOKENS: "many" }),
    ConfigError,
  );
  assertEquals(
    error.message,
    "Cannot read LOCOLOOP_MAX_TOKENS: " +
      "'many' is not a whole number from 1 to 1048576",
  );
});

Deno.test("parseConfig() refuses an unknown method and names those there are", () => {
  assertThrows(
    () => parseConfig(["--method", "magic"], {}),
    ConfigError,
    `Cannot read --method: 'magic' is none of ${METHOD_NAMES.join(", ")}`,
  );
});

Deno.test("parseConfig() refuses options that the method does not have, or out of range", () => {
  const refuse = (args: string[], message: string) =>
    assertThrows(() => parseConfig(args, {}), ConfigError, message);
  refuse(
    ["--method-options", "decay"],
    "'decay' is no name with a number, as in decay=0.9",
  );
  refuse(
    ["--method-options", "speed=1"],
    "Cannot use --method-options.speed: the method's options are: share, score",
  );
  refuse(
    ["--method-options", "share=1.5"],
    "Cannot use --method-options.share 1.5: expected a number from 0 to 1",
  );
  refuse(
    ["--method", "tova", "--method-options", "decay=1"],
    "the method's options are: none",
  );
});

Deno.test("parseConfig() asks no room for sinks and window where nothing is evicted", () => {
  const args = ["--method", "full", "--slots", "10"];
  assertEquals(parseConfig(args, {}).slots, 10);
});

Deno.test("parseConfig() takes slots that just hold the sinks and the window", () => {
  assertEquals(parseConfig(["--slots", "36"], {}).slots, 36);
});

Deno.test("helpText() explains every flag with its default, in a line each", () => {
  const help = helpText();
  for (const [flag] of Object.values(CHANGES)) {
    assertMatch(
      help,
      new RegExp(`^  ${flag} \\S+ +\\S.* \\(default: .+\\)$`, "m"),
    );
  }
  assertMatch(help, /^ {2}--help +\S/m);
  assertMatch(help, /^ {2}--version +\S/m);
  assertStringIncludes(help, "LOCOLOOP_MAX_TOKENS");
  assertStringIncludes(help, "(default: 8000)");
});

Deno.test("parseConfig() keeps no dialogue, or no fewer than run", () => {
  for (const keep of ["0", "4", "9"]) {
    const config = parseConfig(["--parallel", "4", "--keep", keep], {});
    assertEquals(config.keep, Number(keep));
  }
});
