/**
 * How benches report: tables in Markdown, under a line that tells what they
 * were measured on. Figures of different machines are not to be compared.
 *
 * @module
 */
import os from "node:os";

/** A cell: text goes left, a number right, in the digits that the caller wants. */
export type Cell = string | number;

/** What figures were measured on; neither the host's name nor a path is in it. */
export function machine(): string {
  const { os: system, arch } = Deno.build;
  const model = os.cpus()[0]?.model.trim() || arch;
  const cores = navigator.hardwareConcurrency;
  return `${model}, ${cores} ${cores === 1 ? "core" : "cores"}, ${system}, ` +
    `Deno ${Deno.version.deno}`;
}

/**
 * A Markdown table, aligned for reading as plain text too.
 *
 * @throws {RangeError} If a row has not as many cells as the head.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  for (const row of rows) {
    if (row.length !== head.length) {
      throw new RangeError(
        `Cannot lay out a row of ${row.length} cells: the head has ${head.length}`,
      );
    }
  }
  const isNumeric = head.map((_, column) =>
    rows.length > 0 && rows.every((row) => typeof row[column] === "number")
  );
  const lines = [head, ...rows].map((row) => row.map(escapeCell));
  const widths = head.map((_, column) =>
    Math.max(3, ...lines.map((line) => line[column].length))
  );
  const rule = widths.map((width, column) =>
    isNumeric[column] ? "-".repeat(width - 1) + ":" : "-".repeat(width)
  );
  lines.splice(1, 0, rule);
  return lines.map((line) => {
    const cells = line.map((text, column) =>
      isNumeric[column]
        ? text.padStart(widths[column])
        : text.padEnd(widths[column])
    );
    return `| ${cells.join(" | ")} |`;
  }).join("\n");
}

function escapeCell(cell: Cell): string {
  return String(cell).replaceAll("|", "\\|").replaceAll("\n", " ");
}
