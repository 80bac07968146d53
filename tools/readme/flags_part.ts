/**
 * The table of flags in README.md.
 *
 * @module
 */
import { table } from "../../bench/report.ts";
import { helpText } from "../../src/config.ts";

/** The flags, as `--help` explains them. */
export function flagsPart(): string {
  const flag = /^ {2}(--[a-z-]+)(?: (\S+))? +(.*?)(?: \(default: (.*)\))?$/gm;
  const rows = Array.from(
    helpText().matchAll(flag),
    ([, name, placeholder, meaning, fallback = ""]) => [
      `\`${[name, placeholder].filter(Boolean).join(" ")}\``,
      meaning.replaceAll("*", "\\*"),
      fallback,
    ],
  );
  return table(["flag", "meaning", "default"], rows);
}
