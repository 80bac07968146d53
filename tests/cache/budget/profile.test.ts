import { assertEquals, assertThrows } from "@std/assert";
import {
  type BudgetProfile,
  profile,
} from "../../../src/cache/budget/profile.ts";
import { uniform } from "../../../src/cache/budget/uniform.ts";
import { tinyGguf } from "../../helpers/tiny_gguf.ts";

const { config } = tinyGguf({ layers: 3, kvHeads: 2 });
const { name, layers, kvHeads, hidden, vocab } = config;
const BY_LAYER: BudgetProfile = {
  model: { name, layers, kvHeads, hidden, vocab },
  method: "maxdecay",
  sizes: [16, 32],
  losses: [[0.04, 0.02], [0.01, 0.005], [0.001, 0.0005]],
};

Deno.test("profile() gives all heads of a layer what the layer gets", () => {
  const slots = profile(BY_LAYER).divide(config, 24, 8);
  assertEquals([...slots], [40, 40, 24, 24, 8, 8]);
});

Deno.test("profile() gives each head its own where it was measured by head", () => {
  const losses = [0, 1, 2].flatMap((
    layer,
  ) => [BY_LAYER.losses[layer], BY_LAYER.losses[2 - layer]]);
  const slots = profile({ ...BY_LAYER, losses }).divide(config, 24, 8);
  assertEquals([...slots], [40, 8, 24, 24, 8, 40]);
});

Deno.test("profile() refuses a model that it was not made for, by what differs", () => {
  const other = { ...config, hidden: 128 };
  assertThrows(
    () => profile(BY_LAYER).divide(other, 24, 8),
    RangeError,
    "Cannot use a budget profile of tiny: its hidden is 64, the model's 128",
  );
});

Deno.test("profile() divides for another model as it was told to", () => {
  const other = { ...config, name: "another" };
  const slots = profile(BY_LAYER, uniform()).divide(other, 24, 8);
  assertEquals([...slots], Array(6).fill(24));
});
