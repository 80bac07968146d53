/**
 * The GPU that benches run on.
 *
 * @module
 */
import { adapterName, findAdapter } from "../src/model/webgpu/adapter.ts";

/** What the adapter calls itself, marked where it is a CPU in disguise; null where there is none. */
export async function describeAdapter(): Promise<string | null> {
  const adapter = await findAdapter().catch(() => null);
  if (!adapter) return null;
  const { isFallbackAdapter } = adapter.info;
  return adapterName(adapter) + (isFallbackAdapter ? " (fallback)" : "");
}
