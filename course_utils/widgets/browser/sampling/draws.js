// Many draws at once.

import { best, gumbel, mix, stream, upper } from "../base/draws.js";

// The first n draws of a seed from one sorted row, counted anew in an instant when a knob turns.
//
// No knob makes a token weigh more than one with a larger logit. So it can win a draw only if its noise is larger than
// that of all tokens before it: of V tokens about ln V + 0.6 hold such a record, and only these are remembered.
export class Draws {
  constructor({ order }, seed, n) {
    this.n = n;
    this.order = order;
    this.read = 0; // tokens whose noise is known
    const fresh = (_, i) => ({ noise: stream(seed, i), records: [], bits: 0, highest: -Infinity });
    this.draws = Array.from({ length: n }, fresh);
  }

  // How often each id is drawn.
  count(dist) {
    const sure = inOrder(dist, this.order);
    this.readTo(sure);
    const counts = new Map();
    for (const { noise, records } of this.draws) {
      let found = best(dist, noise, sure, dist.kept);
      for (const { rank, bonus } of records) {
        if (rank >= sure) break;
        const sum = Math.log(dist.weights[rank]) + bonus;
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
      const { noise, records } = known;
      let { bits, highest } = known; // the first bits of the last record, which few come up to, and its bonus
      for (let rank = read; rank < end; rank++) {
        const state = mix(noise + order[rank]);
        if (upper(state) < bits) continue;
        const bonus = gumbel(state);
        if (bonus <= highest) continue;
        [bits, highest] = [upper(state), bonus];
        records.push({ rank, bonus });
      }
      Object.assign(known, { bits, highest });
    }
    this.read = Math.max(read, end);
  }
}

// How many of the kept tokens are the first of the row too. All, but where division by the temperature has made new
// ties and the cut goes through one: that tie is left out, since of its tokens the lower id stays, not the larger logit.
function inOrder({ ids, weights, kept }, order) {
  let start = kept;
  let same = true;
  while (start > 0 && weights[start - 1] === weights[kept - 1]) same = ids[--start] === order[start] && same;
  return same ? kept : start;
}
