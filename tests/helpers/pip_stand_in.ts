/**
 * Takes pip's place where the tests cannot reach a package index: understands the arguments of an installation into a
 * folder. What it "installs" depends on the name of the package.
 *
 * @module
 */

const requirement = Deno.args.at(-1)!;
const target = Deno.args[Deno.args.indexOf("--target") + 1];
const temporary = Deno.env.get("TMPDIR");

if (Deno.args[0] !== "install" || !Deno.args.includes("--no-deps")) {
  throw new Error(`unexpected arguments: ${Deno.args}`);
}
Deno.writeTextFileSync(`${temporary}/unpacking`, "…");
switch (requirement) {
  case "fails==1.0":
    console.error("Collecting fails==1.0\nERROR: No matching distribution");
    Deno.exit(1);
    break;
  case "slow==1.0":
    setTimeout(() => {}, 600_000);
    break;
  default:
    Deno.mkdirSync(`${target}/package/data`, { recursive: true });
    Deno.writeTextFileSync(`${target}/package/__init__.py`, "");
    if (requirement === "model==1.0") {
      const text = "weights ".repeat(1000);
      Deno.writeTextFileSync(`${target}/package/data/some.gguf`, text);
    }
}
