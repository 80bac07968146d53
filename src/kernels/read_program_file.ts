/**
 * Files that come with the program.
 *
 * @module
 */

/**
 * The bytes of a file that lies beside the modules, on a disk or wherever they come from.
 *
 * @throws {Error} If it cannot be read.
 */
export async function readProgramFile(
  location: URL,
): Promise<Uint8Array<ArrayBuffer>> {
  // `fetch` reads a disk as well, but first makes a client for the network: 4 MB.
  if (location.protocol === "file:") return await Deno.readFile(location);
  const response = await fetch(location);
  if (!response.ok) throw new Error(`status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
