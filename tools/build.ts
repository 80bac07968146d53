/**
 * Compiles the AssemblyScript kernels, with and without relaxed SIMD, into
 * `build/`: `deno task build`. Does nothing when the outputs stem from these
 * very sources, options and compiler.
 *
 * @module
 */
import project from "../deno.json" with { type: "json" };

/** Folder of the kernels' sources; `index.ts` in it exports all of them. */
const SOURCES = "src/kernels/simd";
const OUTPUTS = "build";
const STAMP = `${OUTPUTS}/kernels.json`;

/** Output file to the WebAssembly features that it needs; with threads, over shared memory. */
const VARIANTS = {
  "kernels_relaxed.wasm": ["simd", "relaxed-simd"],
  "kernels_simd.wasm": ["simd"],
  "kernels_relaxed_shared.wasm": ["simd", "relaxed-simd", "threads"],
  "kernels_simd_shared.wasm": ["simd", "threads"],
};

/**
 * Static data starts at byte 1024; where it ends, `__heap_base` tells a kernel
 * that asks. All above belongs to the host, which also makes the memory.
 */
const OPTIONS = [
  ..."-O3 --converge --noAssert --runtime stub".split(" "),
  ..."--importMemory --memoryBase 1024".split(" "),
];

/** A shared memory must say how far it may grow: 4 GiB. */
const SHARED = "--sharedMemory --maximumMemory 65536".split(" ");

/** A compiler's complaint, in its own words. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

/**
 * Brings the kernels of the project at `root` up to date. Outputs appear whole
 * or not at all, so that builds may overlap.
 *
 * @returns Whether anything had to be compiled.
 * @throws {BuildError} If a kernel does not compile, allocates or can throw.
 */
export async function build(root: string): Promise<boolean> {
  const sources = await readSources(`${root}/${SOURCES}`);
  const inputs = await hash(JSON.stringify([
    [...sources],
    VARIANTS,
    OPTIONS,
    SHARED,
    project.imports.assemblyscript,
  ]));
  if (await isCurrent(root, inputs)) return false;

  await Deno.mkdir(`${root}/${OUTPUTS}`, { recursive: true });
  const outputs: Record<string, string> = {};
  for (const [file, features] of Object.entries(VARIANTS)) {
    const wasm = await compile(sources, features);
    await writeWhole(`${root}/${OUTPUTS}/${file}`, wasm);
    outputs[file] = await hash(wasm);
  }
  const stamp = JSON.stringify({ inputs, outputs }, null, 2) + "\n";
  await writeWhole(`${root}/${STAMP}`, new TextEncoder().encode(stamp));
  return true;
}

/** File name (relative, with `/`) to text, in a fixed order. */
async function readSources(folder: string): Promise<Map<string, string>> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isFile && entry.name.endsWith(".ts")) names.push(entry.name);
  }
  const sources = new Map<string, string>();
  for (const name of names.sort()) {
    sources.set(name, await Deno.readTextFile(`${folder}/${name}`));
  }
  return sources;
}

/** Whether the stamp names these inputs and the outputs are as it says. */
async function isCurrent(root: string, inputs: string): Promise<boolean> {
  try {
    const stamp = JSON.parse(await Deno.readTextFile(`${root}/${STAMP}`));
    if (stamp.inputs !== inputs) return false;
    for (const file of Object.keys(VARIANTS)) {
      const wasm = await Deno.readFile(`${root}/${OUTPUTS}/${file}`);
      if (await hash(wasm) !== stamp.outputs[file]) return false;
    }
    return true;
  } catch (error) {
    const unbuilt = error instanceof Deno.errors.NotFound ||
      error instanceof SyntaxError;
    if (unbuilt) return false;
    throw error;
  }
}

/** Compiles `index.ts` and what it imports; `sources` are all files. */
export async function compile(
  sources: ReadonlyMap<string, string>,
  features: readonly string[],
): Promise<Uint8Array<ArrayBuffer>> {
  // Loaded only here: the compiler takes longer to load than all else together.
  const { default: asc } = await import("assemblyscript/asc");
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main([
    "index.ts",
    ...OPTIONS,
    ...features.flatMap((feature) => ["--enable", feature]),
    ...features.includes("threads") ? SHARED : [],
    "--outFile",
    "kernels.wasm",
  ], {
    readFile: (name) => sources.get(name) ?? null,
    writeFile(_name, contents) {
      wasm = contents as Uint8Array<ArrayBuffer>;
    },
    listFiles: () => null,
  });
  if (error || !wasm) {
    throw new BuildError(
      `Cannot compile ${SOURCES}: ${error?.message}\n${stderr}`,
    );
  }
  requireMemoryOnly(wasm);
  return wasm;
}

/**
 * The host lays out the memory, so a kernel must not bring an allocator of its
 * own. One that allocates or throws shows by importing `env.abort`.
 */
function requireMemoryOnly(wasm: Uint8Array<ArrayBuffer>): void {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm))
    .map(({ module, name }) => `${module}.${name}`);
  const foreign = imports.filter((name) => name !== "env.memory");
  if (foreign.length > 0) {
    throw new BuildError(
      `Cannot use the kernels of ${SOURCES}: they import ${foreign}; ` +
        "a kernel may neither allocate nor throw",
    );
  }
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const partial = `${path}.${Deno.pid}.${crypto.randomUUID()}`;
  await Deno.writeFile(partial, bytes);
  await Deno.rename(partial, path);
}

async function hash(data: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof data === "string"
    ? new TextEncoder().encode(data)
    : data;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

if (import.meta.main) {
  try {
    if (await build(".")) console.log(`Built ${Object.keys(VARIANTS)}`);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    Deno.exitCode = 1;
  }
}
