/**
 * Flags of the command line, and the names of settings in them and in the environment.
 *
 * @module
 */

/** Something in the flags or the environment that cannot be used. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * What flags say, by the name of the setting.
 *
 * @param names Of all settings.
 * @throws {ConfigError} In one line, about the first that is wrong.
 */
export function readFlags<Name extends string>(
  args: readonly string[],
  names: readonly Name[],
): Map<Name, string> {
  const flags = new Map<Name, string>();
  const known = new Map(names.map((name) => [flagName(name), name]));
  for (let at = 0; at < args.length; at++) {
    const [flag, inline] = splitOnce(args[at], "=");
    const name = known.get(flag);
    if (name === undefined) {
      const hint = flag.startsWith("--") ? "no such flag" : "flags start by --";
      throw new ConfigError(`Cannot read ${flag}: ${hint} (see --help)`);
    }
    const value = inline ?? args[++at];
    if (value === undefined) {
      throw new ConfigError(`Cannot read ${flag}: its value is missing`);
    }
    if (flags.has(name)) {
      throw new ConfigError(`Cannot read ${flag}: it is given twice`);
    }
    flags.set(name, value);
  }
  return flags;
}

/** `--max-tokens` for `maxTokens`. */
export function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `LOCOLOOP_MAX_TOKENS` for `maxTokens`. */
export function envName(name: string): string {
  return `LOCOLOOP_${name.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}

/** What is before the first `separator`, and behind it, if there is one. */
export function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0
    ? [text]
    : [text.slice(0, at), text.slice(at + separator.length)];
}
