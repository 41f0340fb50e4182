// Draws by the Gumbel-max rule of decoding.sample; the numbers are the browser's own.
//
// The noise of a token id in the n-th draw of a seed is a value of its own, whatever the knobs: draws under different
// knobs are coupled.

// The token with the largest log p + noise.
export function pick(dist, seed, n) {
  const draw = mix(mix(seed) + n);
  const { rank } = best(dist, draw, 0, dist.kept);
  return { id: dist.ids[rank], p: dist.weights[rank] / dist.total };
}

function best({ ids, weights }, draw, start, end) {
  let found = { rank: start, sum: -Infinity };
  for (let rank = start; rank < end; rank++) {
    if (weights[rank] === 0) continue;
    const sum = Math.log(weights[rank]) + gumbel(mix(draw + ids[rank]));
    if (sum > found.sum) found = { rank, sum };
  }
  return found;
}

export const noise = (seed, n, id) => gumbel(mix(mix(mix(seed) + n) + id));

// From 53 bits, never 0.
function gumbel(state) {
  const u = (upper(state) * 0x4000000 + (mix(state + 2) >>> 6) + 0.5) / 2 ** 53;
  return -Math.log(-Math.log(u));
}

const upper = (state) => mix(state + 1) >>> 5; // its first 27 bits

// Spread the bits of a number over 32: the last steps of MurmurHash3 (Austin Appleby, 2011).
function mix(x) {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

// The first n draws of a seed from one sorted row, counted anew in an instant when a knob turns.
//
// No knob makes a token weigh more than one with a larger logit. So it can win a draw only if its noise is larger than
// that of all tokens before it: of V tokens about ln V + 0.6 hold such a record, and only these are remembered.
export class Draws {
  constructor({ order }, seed, n) {
    this.n = n;
    this.order = order;
    this.read = 0; // tokens whose noise is known
    this.draws = Array.from({ length: n }, (_, i) => ({ draw: mix(mix(seed) + i), top: 0, noise: -Infinity, records: [] }));
  }

  // How often each id is drawn.
  count(dist) {
    const sure = inOrder(dist, this.order);
    this.readTo(sure);
    const counts = new Map();
    for (const { draw, records } of this.draws) {
      let found = best(dist, draw, sure, dist.kept);
      for (const { rank, noise } of records) {
        if (rank >= sure) break;
        const sum = Math.log(dist.weights[rank]) + noise;
        if (sum > found.sum) found = { rank, sum };
      }
      const id = (found.rank < sure ? this.order : dist.ids)[found.rank];
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  }

  readTo(end) {
    const { order, read } = this;
    for (const known of this.draws) {
      const { draw, records } = known;
      let { top, noise } = known; // the last record, and its first bits: few others come so far
      for (let rank = read; rank < end; rank++) {
        const state = mix(draw + order[rank]);
        if (upper(state) < top) continue;
        const mine = gumbel(state);
        if (mine <= noise) continue;
        [top, noise] = [upper(state), mine];
        records.push({ rank, noise });
      }
      Object.assign(known, { top, noise });
    }
    this.read = Math.max(read, end);
  }
}

// How many of the kept tokens are the first of the row too. All, but where division by the temperature has made new ties
// and the cut goes through one: the tokens of that tie are left out, since the lower id stays, not the larger logit.
function inOrder({ ids, weights, kept }, order) {
  let start = kept;
  let same = true;
  while (start > 0 && weights[start - 1] === weights[kept - 1]) same = ids[--start] === order[start] && same;
  return same ? kept : start;
}
