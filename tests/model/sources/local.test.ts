import { assertEquals, assertRejects } from "@std/assert";
import { localSource } from "../../../src/model/sources/local.ts";
import { requestFor } from "../../helpers/model_request.ts";

const NEVER = new AbortController().signal;

Deno.test("localSource() gives a file where it is", async () => {
  await using test = await requestFor(null);
  const path = await Deno.makeTempFile();
  assertEquals(await localSource(path).get(test.request, NEVER), path);
  assertEquals(await test.files(), []);
  await Deno.remove(path);
});

Deno.test("localSource() says what is no file", async () => {
  await using test = await requestFor(null);
  const folder = await Deno.makeTempDir();
  for (
    const [path, why] of [
      [folder, "it is no file"],
      [`${folder}/none.gguf`, "there is no such file"],
    ]
  ) {
    await assertRejects(
      () => localSource(path).get(test.request, NEVER),
      Error,
      why,
    );
  }
  await Deno.remove(folder);
});
