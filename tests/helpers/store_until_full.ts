/**
 * Stores 32 MB in the folder that the first argument names, and prints what went wrong. Run where files may not become so
 * large: to a program that is the same as a disk that is full.
 *
 * @module
 */
import { storeStream } from "../../src/model/sources/store.ts";

async function* megabytes(count: number) {
  await Promise.resolve();
  for (let i = 0; i < count; i++) yield new Uint8Array(1_000_000);
}

if (import.meta.main) {
  const request = {
    target: `${Deno.args[0]}/model.gguf`,
    size: 32_000_000,
    sha256: null,
    log: () => {},
    progress: () => ({ advance() {}, end() {} }),
  };
  try {
    await storeStream(megabytes(32), request);
    console.log("stored");
  } catch (error) {
    console.log(String(error));
  }
}
