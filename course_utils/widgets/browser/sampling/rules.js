// The rules of decoding/knobs.py, for one row that is sorted once.

const SLACK = 1e-6; // as TOP_P_SLACK in decoding/knobs.py

// Sort once for each new row of logits: largest first, equals in the order of their ids.
export function prepare(logits) {
  const order = new Uint32Array(logits.length);
  for (let id = 0; id < order.length; id++) order[id] = id;
  order.sort((a, b) => logits[b] - logits[a] || a - b);
  const top = logits[order[0]];
  const weights = new Float64Array(logits.length);
  for (let r = 0; r < order.length; r++) weights[r] = Math.exp(logits[order[r]] - top);
  return { logits, order, before: summary(order, weights, weights.length) };
}

// Temperature, top-k, renormalise, top-p: every step is a prefix of the sorted tokens. `steps`: how many each keeps.
export function distribution({ logits, order, before }, temperature, topK, topP) {
  if (temperature === 0) return { ...summary(order.slice(0, 1), new Float64Array([1]), 1), held: 1, steps: [1, 1, 1] };
  const { ids, scaled } = scale(logits, order, temperature);
  let finite = scaled.length;
  while (scaled[finite - 1] === -Infinity) finite--;
  const weights = new Float64Array(scaled.length);
  let everything = 0;
  for (let r = 0; r < finite; r++) everything += weights[r] = Math.exp(scaled[r] - scaled[0]);
  const among = Math.min(topK, finite);
  let kept = among;
  if (topP < 1) {
    let total = 0;
    for (let r = 0; r < kept; r++) total += weights[r];
    let cumulative = 0;
    let r = 0;
    for (; r < kept; r++) {
      const p = weights[r] / total;
      cumulative += p;
      if (r > 0 && cumulative - p >= topP - SLACK) break;
    }
    kept = r;
  }
  const after = summary(ids, weights, kept);
  return { ...after, held: after.total / everything, steps: [finite, among, kept] };
}

// Divide by the temperature in float32, as a tensor does; rounding can make new ties, so equals are put in order again.
function scale(logits, order, temperature) {
  const t = Math.fround(temperature);
  const scaled = new Float32Array(order.length);
  let overflow = false;
  for (let r = 0; r < order.length; r++) {
    scaled[r] = logits[order[r]] / t;
    overflow ||= Math.abs(scaled[r]) === Infinity && logits[order[r]] !== -Infinity;
  }
  if (overflow) for (let r = 0; r < order.length; r++) scaled[r] = Math.fround(logits[order[r]] - logits[order[0]]) / t;
  let ids = order;
  for (let start = 0, r = 1; r <= ids.length; r++) {
    if (r < ids.length && scaled[r] === scaled[start]) continue;
    if (r - start > 1 && !ascending(ids, start, r)) {
      if (ids === order) ids = order.slice();
      ids.subarray(start, r).sort();
    }
    start = r;
  }
  return { ids, scaled };
}

function ascending(ids, start, end) {
  for (let r = start + 1; r < end; r++) if (ids[r] < ids[r - 1]) return false;
  return true;
}

// The first `kept` of the sorted tokens as a distribution: weights, their total, the entropy in bits.
function summary(ids, weights, kept) {
  let total = 0;
  let surprise = 0;
  for (let r = 0; r < kept; r++) {
    total += weights[r];
    if (weights[r] > 0) surprise -= weights[r] * Math.log(weights[r]);
  }
  const bits = Math.max(0, (surprise / total + Math.log(total)) / Math.LN2);
  return { ids, weights, kept, total, bits };
}

// Probability of each of the ids, and of all other tokens together.
export function massOf(dist, wanted) {
  const place = new Map(wanted.map((id, i) => [id, i]));
  const masses = new Float64Array(wanted.length);
  let others = 0;
  for (let r = 0; r < dist.kept; r++) {
    const i = place.size ? place.get(dist.ids[r]) : undefined;
    if (i === undefined) others += dist.weights[r];
    else {
      masses[i] = dist.weights[r] / dist.total;
      place.delete(dist.ids[r]);
    }
  }
  return { masses, others: others / dist.total };
}

// Ids that are kept, of those asked for; they are near the front, so the walk is short.
export function keptAmong(dist, ids) {
  const wanted = new Set(ids);
  const found = new Set();
  for (let r = 0; r < dist.kept && wanted.size; r++) if (wanted.delete(dist.ids[r])) found.add(dist.ids[r]);
  return found;
}
