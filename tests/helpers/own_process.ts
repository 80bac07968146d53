/**
 * Scripts whose memory must be their own: tests that run side by side share theirs.
 *
 * @module
 */

/** Runs a script of this folder, which may read the checkout and nothing else, and parses what it prints. */
export async function recordOf<T>(
  script: string,
  flags: readonly string[] = [],
  args: readonly string[] = [],
): Promise<T> {
  const { pathname } = new URL(script, import.meta.url);
  // Packages resolve by the lock alone; a copy, so that the checkout's stays as it is.
  const lock = await Deno.makeTempFile({ prefix: "lock_" });
  await Deno.copyFile(new URL("../../deno.lock", import.meta.url), lock);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--cached-only",
      `--lock=${lock}`,
      "--allow-read=.",
      ...flags,
      pathname,
      ...args,
    ],
  }).output();
  await Deno.remove(lock);
  const [out, error] = [stdout, stderr].map((b) => new TextDecoder().decode(b));
  if (!success) throw new Error(`Cannot run ${script}: ${error}`);
  return JSON.parse(out);
}
