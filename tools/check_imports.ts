/**
 * Keeps imports going one way: `deno task check` runs it. Reports, with file
 * and line, imports that the table below does not allow, and files that load
 * each other in a circle.
 *
 * @module
 */
import { sourceFiles } from "./source_files.ts";

/**
 * Folder (or file) to the folders that it may import besides itself; what is
 * missing may not be imported. `src` as a key is the files right in it.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "main.ts": ["mod.ts", "routes", "src"],
  "mod.ts": ["routes", "src"],
  "src": ["routes", "src"],
  "routes": ["src/http", "src/openai", "src/engine"],
  "src/http": ["src/openai", "src/engine"],
  "src/openai": ["src/chat", "src/text", "src/engine"],
  "src/engine": [
    "src/chat",
    "src/text",
    "src/sampling",
    "src/model",
    "src/cache",
    "src/store",
  ],
  "src/chat": ["src/text"],
  "src/text": ["src/model"],
  "src/sampling": [],
  "src/store": ["src/model", "src/cache"],
  "src/model": ["src/cache", "src/kernels"],
  "src/cache": ["src/kernels"],
  "src/kernels": [],
};

/** Types and errors that cross the folders: everyone may import them. */
const CONTRACTS: readonly string[] = [
  "src/engine/errors.ts",
  "src/engine/types.ts",
  "src/model/config.ts",
  "src/text/tokenizer.ts",
];

/** One import of a file by a file; paths are relative to the root. */
export interface Import {
  readonly from: string;
  readonly line: number;
  readonly to: string;
  /** Erased when compiled: nothing is loaded for it. */
  readonly typeOnly: boolean;
}

/** Complaints about the imports between `files` (path to text), in order. */
export function checkImports(files: ReadonlyMap<string, string>): string[] {
  const imports = [...files].flatMap(([path, text]) => readImports(path, text));
  return [
    ...imports.filter((edge) => !isAllowed(edge)).map(({ from, line, to }) =>
      `${from}:${line}: ${owner(from)} may not import ${to}`
    ),
    ...findCycles(imports.filter((edge) => !edge.typeOnly)).map((cycle) =>
      `${cycle[0]}: imports itself: ${[...cycle, cycle[0]].join(" → ")}`
    ),
  ];
}

/**
 * The imports of TypeScript in one file. Statements start a line in formatted code,
 * so examples in comments do not count; `import("…")` may stand anywhere.
 */
export function readImports(path: string, text: string): Import[] {
  const statement =
    /^(?:import|export)\b(?:[^"';]*?\bfrom)?\s*"(\.[^"]+\.ts)"|\bimport\(\s*"(\.[^"]+\.ts)"/gm;
  return Array.from(text.matchAll(statement), (match) => ({
    from: path,
    line: text.slice(0, match.index).split("\n").length,
    to: resolve(path, match[1] ?? match[2]),
    typeOnly: /^(?:import|export) type\b/.test(match[0]),
  }));
}

function resolve(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function isAllowed({ from, to }: Import): boolean {
  if (CONTRACTS.includes(to)) return true;
  const source = owner(from);
  const target = owner(to);
  return source === target ||
    (MAY_IMPORT[source] ?? []).some((folder) =>
      target === folder || target.startsWith(folder + "/")
    );
}

/** The key of {@link MAY_IMPORT} that a file falls under: itself or its folder. */
function owner(path: string): string {
  if (Object.hasOwn(MAY_IMPORT, path)) return path;
  return path.split("/").slice(0, -1).slice(0, 2).join("/");
}

/** Circles of files, each as the files on it; one for each import that closes one. */
function findCycles(imports: readonly Import[]): string[][] {
  const targets = Map.groupBy(imports, (edge) => edge.from);
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]) => {
    const at = trail.indexOf(file);
    if (at >= 0) cycles.push(trail.slice(at));
    if (at >= 0 || done.has(file)) return;
    for (const { to } of targets.get(file) ?? []) visit(to, [...trail, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return cycles;
}

if (import.meta.main) {
  const complaints = checkImports(await sourceFiles("."));
  for (const complaint of complaints) console.error(complaint);
  Deno.exitCode = complaints.length > 0 ? 1 : 0;
}
