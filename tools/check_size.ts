/**
 * Points out long files and functions: `deno task check` runs it. A warning,
 * not an error; a comment that starts with `Long:` and gives the reason, in the
 * file's head or right at the function, silences it.
 *
 * @module
 */
import { sourceFiles } from "./source_files.ts";

/** Lines past which a file, or a function, wants a reason. */
const LIMITS = { file: 300, function: 60 };

/** Lines above a function, and at the head of a file, where a reason may stand. */
const REASON_WITHIN = 20;

/** Warnings about one file; `text` is formatted by `deno fmt`. */
export function checkSize(path: string, text: string): string[] {
  const lines = text.trimEnd().split("\n");
  const warnings: string[] = [];
  if (lines.length > LIMITS.file && !hasReason(lines, 0, REASON_WITHIN)) {
    warnings.push(`${path}:1: ${lines.length} lines in a file`);
  }
  for (const { start, end } of functions(lines)) {
    const length = end - start + 1;
    if (
      length > LIMITS.function && !hasReason(lines, start - REASON_WITHIN, end)
    ) {
      warnings.push(`${path}:${start + 1}: ${length} lines in a function`);
    }
  }
  return warnings;
}

/** First and last line (from 0) of the functions and methods that have a name. */
function functions(lines: readonly string[]) {
  const opening =
    /^(?:(?:export|default|async) )*function\b|^ {2}(?:(?:static|async|override|private|get|set) )*[#*\w]+(?:<.*>)?\(.*[{(,]$/;
  return lines.flatMap((line, start) => {
    if (!opening.test(line)) return [];
    const indent = line.search(/\S/);
    const end = lines.findIndex((text, at) =>
      at > start && /^\s*}/.test(text) && text.search(/\S/) <= indent
    );
    const closes = end >= 0 && lines[end] === " ".repeat(indent) + "}";
    return closes ? [{ start, end }] : [];
  });
}

function hasReason(
  lines: readonly string[],
  start: number,
  end: number,
): boolean {
  return lines.slice(Math.max(0, start), end)
    .some((line) => /^\s*(?:\/\/|\/?\*+) Long: \S/.test(line));
}

if (import.meta.main) {
  for (const [path, text] of await sourceFiles(".")) {
    for (const warning of checkSize(path, text)) {
      console.warn(`warning: ${warning}`);
    }
  }
}
