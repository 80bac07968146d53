import { assertEquals, assertRejects } from "@std/assert";
import { listBenches, main } from "../../bench/main.ts";

Deno.test("listBenches() names the files that are benches, in order", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of ["main.ts", "report.ts", "b.ts", "a.ts", "README.md"]) {
    await Deno.writeTextFile(`${folder}/${name}`, "");
  }
  await Deno.mkdir(`${folder}/c.ts`);
  assertEquals(await listBenches(new URL(`file://${folder}/`)), ["a", "b"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("main() runs a bench with the options that follow its name", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${folder}/speed.ts`,
    `export const about = "How fast it is";
     export async function run(args) {
       await Deno.writeTextFile("${folder}/ran", args.join());
     }`,
  );
  const benches = new URL(`file://${folder}/`);
  assertEquals(await main(["--help"], benches), 0);
  assertEquals(await main(["speed", "--help"], benches), 0);
  await assertRejects(() => Deno.stat(`${folder}/ran`), Deno.errors.NotFound);

  assertEquals(await main(["speed", "--tokens", "8"], benches), 0);
  assertEquals(await Deno.readTextFile(`${folder}/ran`), "--tokens,8");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("main() gives 2 for a bench that is not there", async () => {
  const folder = new URL("../../bench/", import.meta.url);
  assertEquals(await main(["nothing"], folder), 2);
});
