/**
 * The cache methods by name: the one list from which flags, request schema, tests, bench and documents are derived.
 *
 * @module
 */
import { adaptive } from "./budget/adaptive.ts";
import { profile } from "./budget/profile.ts";
import smollm2 from "./budget/profiles/smollm2_135m.json" with { type: "json" };
import { pyramid } from "./budget/pyramid.ts";
import { uniform } from "./budget/uniform.ts";
import { drop } from "./fuse/drop.ts";
import { lococo } from "./fuse/lococo.ts";
import { merge } from "./fuse/merge.ts";
import { LOCOLOOP_OPTIONS, locoloopForm } from "./locoloop.ts";
import type { Method } from "./method.ts";
import { POOL } from "./options.ts";
import { cacheIndex, original } from "./positions.ts";
import { dualScore } from "./score/dual.ts";
import { h2oScore } from "./score/h2o.ts";
import { keydiffScore } from "./score/keydiff.ts";
import { loopserveScore } from "./score/loopserve.ts";
import { maxDecayScore } from "./score/max_decay.ts";
import { randomScore } from "./score/random.ts";
import { snapkvScore } from "./score/snapkv.ts";
import { tovaScore } from "./score/tova.ts";
import { windowScore } from "./score/window.ts";

/** What most methods do with what does not stay, and with how many slots. */
const EVICTION = {
  budget: uniform(),
  fuse: drop(),
  positions: cacheIndex,
} as const;

/** Slots where the default model needs them; even ones for other models. */
const TUNED = profile(smollm2, uniform());

const SNAPKV_OPTIONS = {
  queries: {
    summary:
      "Queries at the end of a block that vote; fewer are more of the moment.",
    fallback: 64,
    least: 1,
    most: 4096,
    kind: "whole",
  },
  pool: POOL,
} as const;

const LOCOCO_OPTIONS = {
  ratio: {
    summary: "Share of the slots that hold mixtures; the others hold tokens.",
    fallback: 0.5,
    least: 0,
    most: 1,
  },
  blend: {
    summary:
      "How much of a mixture is made by the convolution; 0 is plain eviction.",
    fallback: null,
    least: 0,
    most: 1,
  },
} as const;

const MAX_DECAY_OPTIONS = {
  decay: {
    summary: "What is left of a slot's best moment after each block.",
    fallback: 0.98,
    least: 0,
    most: 1,
  },
  pool: POOL,
} as const;

/** Every method that a dialogue can choose. */
export const METHODS = {
  full: {
    summary:
      "Keeps every token; a dialogue ends when its slots are full. Exact.",
    paper: null,
    score: null,
    ...EVICTION,
    positions: original,
  },
  streaming_llm: {
    summary: "Keeps the first few tokens and the newest.",
    paper: "arXiv 2309.17453",
    score: windowScore,
    ...EVICTION,
  },
  random: {
    summary: "Keeps a fair sample of all tokens: the null.",
    paper: null,
    score: randomScore,
    options: {
      seed: {
        summary: "Another sample.",
        fallback: 1,
        least: 0,
        most: 4294967295,
        kind: "whole",
      },
    },
    ...EVICTION,
  },
  h2o: {
    summary: "Keeps what got the most attention so far.",
    paper: "arXiv 2306.14048",
    score: h2oScore,
    options: {
      mean: {
        summary:
          "1: attention per query that could see the token; 0: its sum, as in the paper.",
        fallback: 1,
        least: 0,
        most: 1,
        kind: "whole",
      },
    },
    ...EVICTION,
  },
  tova: {
    summary: "Keeps what the newest token looks at, the same in all heads.",
    paper: "arXiv 2401.06104",
    score: tovaScore,
    share: "layer",
    ...EVICTION,
  },
  keydiff: {
    summary: "Keeps the keys that differ most from the rest.",
    paper: "arXiv 2504.15364",
    score: keydiffScore,
    ...EVICTION,
  },
  snapkv: {
    summary: "Keeps what the last queries look at, with its surroundings.",
    paper: "arXiv 2404.14469",
    score: snapkvScore,
    options: SNAPKV_OPTIONS,
    ...EVICTION,
  },
  pyramidkv: {
    summary: "SnapKV with slots that fall from layer to layer.",
    paper: "arXiv 2406.02069",
    score: snapkvScore,
    options: SNAPKV_OPTIONS,
    ...EVICTION,
    budget: pyramid(),
  },
  adakv: {
    summary: "SnapKV whose heads compete for the slots of their layer.",
    paper: "arXiv 2407.11550",
    score: snapkvScore,
    options: SNAPKV_OPTIONS,
    ...EVICTION,
    budget: adaptive(),
  },
  loopserve: {
    summary: "Chooses anew after every block by the newest tokens' attention.",
    paper: "arXiv 2507.13681",
    score: loopserveScore,
    ...EVICTION,
  },
  dual: {
    summary:
      "Most by the attention so far, some by the newest tokens'; more where it counts.",
    paper: null,
    score: dualScore,
    options: {
      newest: {
        summary: "Slots of a head, at most, that go by the newest tokens.",
        fallback: 72,
        least: 0,
        most: 65_536,
        kind: "whole",
      },
      pool: POOL,
    },
    ...EVICTION,
    budget: TUNED,
  },
  lococo: {
    summary:
      "Half of the slots for what the newest tokens look at, half for learned mixtures of the rest.",
    paper: "arXiv 2406.05317",
    score: loopserveScore,
    options: LOCOCO_OPTIONS,
    ...EVICTION,
    learned: ({ lococo: weights }, values) =>
      weights && { fuse: lococo(weights, values) },
  },
  locoloop: {
    summary:
      "Keeps what the next tokens would be worse off without, as learned from the model.",
    paper: null,
    score: dualScore,
    options: LOCOLOOP_OPTIONS,
    ...EVICTION,
    budget: TUNED,
    learned: locoloopForm,
  },
  maxdecay: {
    summary:
      "Keeps what was once looked at hard, fading; more where it counts.",
    paper: null,
    score: maxDecayScore,
    options: MAX_DECAY_OPTIONS,
    ...EVICTION,
    budget: TUNED,
  },
  maxdecay_even: {
    summary: "As maxdecay, with the same number of slots in all layers.",
    paper: null,
    score: maxDecayScore,
    options: MAX_DECAY_OPTIONS,
    ...EVICTION,
  },
  maxdecay_merge: {
    summary:
      "As maxdecay; what does not stay joins the kept slot most like it.",
    paper: "arXiv 2406.13035",
    score: maxDecayScore,
    options: MAX_DECAY_OPTIONS,
    ...EVICTION,
    budget: TUNED,
    fuse: merge(),
  },
} satisfies Record<string, Method>;

/** The name of a cache method. */
export type MethodName = keyof typeof METHODS;

/** All names, in the order of the registry. */
export const METHOD_NAMES = Object.keys(METHODS) as MethodName[];
