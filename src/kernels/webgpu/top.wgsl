// The highest of VOCAB logits: all from a floor on, which RANK of them reach at least. The floor is the RANK-th highest of the
// lanes' maxima, so that it takes two looks at the logits and few more than RANK come out. One workgroup. Before it stand
// VOCAB, RANK and MOST.

const LANES = 256u;
const LOWEST = -3.40282346e38;

/// [VOCAB]
@group(0) @binding(4) var<storage, read> logits: array<f32>;

struct Top {
  // Whether a logit is no finite number: nothing else means anything then.
  odd: u32,
  // How many reach the floor; of more than MOST, some are missing.
  count: u32,
  floor: f32,
  unused: u32,
  // In no order.
  found: array<Candidate, MOST>,
}

struct Candidate {
  id: u32,
  logit: f32,
}

@group(0) @binding(5) var<storage, read_write> top: Top;

var<workgroup> maxima: array<f32, LANES>;
var<workgroup> lowest: f32;
var<workgroup> odd: atomic<u32>;
var<workgroup> count: atomic<u32>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var most = LOWEST;
  for (var id = lane; id < VOCAB; id += LANES) {
    let logit = logits[id];
    if ((bitcast<u32>(logit) & 0x7f800000u) == 0x7f800000u) {
      atomicStore(&odd, 1u);
    }
    most = max(most, logit);
  }
  maxima[lane] = most;
  workgroupBarrier();

  var higher = 0u;
  for (var other = 0u; other < LANES; other++) {
    let isHigher = maxima[other] > most || (maxima[other] == most && other < lane);
    higher += select(0u, 1u, isHigher);
  }
  if (higher == RANK - 1u) {
    lowest = most;
  }
  workgroupBarrier();

  for (var id = lane; id < VOCAB; id += LANES) {
    let logit = logits[id];
    if (logit >= lowest) {
      let at = atomicAdd(&count, 1u);
      if (at < MOST) {
        top.found[at] = Candidate(id, logit);
      }
    }
  }
  workgroupBarrier();

  if (lane == 0u) {
    top.odd = atomicLoad(&odd);
    top.count = atomicLoad(&count);
    top.floor = lowest;
  }
}
