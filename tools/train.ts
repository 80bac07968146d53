/**
 * Learns the parts of `locoloop` for a model: `deno task train -- --model X.gguf --text DIR`. The learning itself is
 * `training/`, in Python; this finds Python, says what it lacks, and passes everything on.
 *
 * @module
 */

/** Modules that `training/` imports; `--smoke` does without the last two. */
const MODULES = ["torch", "numpy", "safetensors", "gguf", "transformers"];

/** Gives the exit code, 2 where Python or a module is missing. */
export async function main(args: readonly string[]): Promise<number> {
  const given = args.filter((argument) => argument !== "--");
  const needed = given.includes("--smoke") ? MODULES.slice(0, 3) : MODULES;
  const missing = await findMissing(needed);
  if (missing === null) {
    console.error("Cannot train: there is no python3 on the path");
    return 2;
  }
  if (missing.length > 0) {
    console.error(
      `Cannot train: python3 has no ${missing.join(", ")}; ` +
        "pip install -r training/requirements.txt",
    );
    return 2;
  }
  return await runPython(["-m", "training", ...given]);
}

/** Which of `modules` Python does not have; null where there is no Python. */
export async function findMissing(
  modules: readonly string[],
): Promise<string[] | null> {
  const program = "import importlib.util as u, sys; " +
    "print(' '.join(n for n in sys.argv[1:] if u.find_spec(n) is None))";
  try {
    const { code, stdout } = await new Deno.Command("python3", {
      args: ["-c", program, ...modules],
      stderr: "null",
    }).output();
    if (code !== 0) return null;
    const names = new TextDecoder().decode(stdout).trim();
    return names === "" ? [] : names.split(" ");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Runs Python in the checkout's root, with its output on the terminal. */
async function runPython(args: readonly string[]): Promise<number> {
  const { code } = await new Deno.Command("python3", {
    args: [...args],
    cwd: new URL("..", import.meta.url).pathname,
    stdin: "null",
  }).spawn().status;
  return code;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
