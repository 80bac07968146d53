/**
 * The product's own TypeScript.
 *
 * @module
 */

/** Compiled by another compiler, under its own rules. */
const ASSEMBLY_SCRIPT = "src/kernels/simd";

/**
 * Path (relative to `root`, with `/`) to text of the files that make up the
 * product: `main.ts`, `mod.ts`, `routes/` and `src/`, in order.
 */
export async function sourceFiles(root: string): Promise<Map<string, string>> {
  const paths: string[] = [];
  for await (const entry of Deno.readDir(root)) {
    if (entry.isFile && isTypeScript(entry.name)) paths.push(entry.name);
  }
  for (const folder of ["routes", "src"]) {
    paths.push(...await filesBelow(root, folder));
  }
  const files = new Map<string, string>();
  for (const path of paths.sort()) {
    files.set(path, await Deno.readTextFile(`${root}/${path}`));
  }
  return files;
}

async function filesBelow(root: string, folder: string): Promise<string[]> {
  if (folder === ASSEMBLY_SCRIPT) return [];
  const paths: string[] = [];
  for await (const entry of Deno.readDir(`${root}/${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) paths.push(...await filesBelow(root, path));
    if (entry.isFile && isTypeScript(path)) paths.push(path);
  }
  return paths;
}

function isTypeScript(path: string): boolean {
  return /\.tsx?$/.test(path);
}
