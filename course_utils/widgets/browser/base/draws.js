// Draws that a seed repeats: the box for the seed, and the rule by which a distribution is drawn from.

import { html } from "./elements.js";

const LAST_SEED = 2 ** 32 - 1;

export function seedBox(explorer) {
  const box = Object.assign(html("input", "cu-seed"), { type: "number", min: 0, max: LAST_SEED, step: 1 });
  box.addEventListener("change", () => {
    const seed = Math.min(LAST_SEED, Math.max(0, Math.trunc(Number(box.value)) || 0));
    box.value = seed;
    explorer.set({ seed });
  });
  return box;
}

// The token with the largest log p + noise, the rule of decoding.sample; the numbers are the browser's own.
export function pick(dist, seed, n) {
  const { rank } = best(dist, stream(seed, n), 0, dist.kept);
  return { id: dist.ids[rank], p: dist.weights[rank] / dist.total };
}

// The same among the tokens from start to end.
export function best({ ids, weights }, noise, start, end) {
  let found = { rank: start, sum: -Infinity };
  for (let rank = start; rank < end; rank++) {
    if (weights[rank] === 0) continue;
    const sum = Math.log(weights[rank]) + gumbel(mix(noise + ids[rank]));
    if (sum > found.sum) found = { rank, sum };
  }
  return found;
}

// The noise of the n-th draw of a seed: mix(stream + id) makes a value of its own for each token, whatever the knobs.
export const stream = (seed, n) => mix(mix(seed) + n);

// Gumbel noise from 53 bits, never 0.
export function gumbel(state) {
  const u = (upper(state) * 0x4000000 + (mix(state + 2) >>> 6) + 0.5) / 2 ** 53;
  return -Math.log(-Math.log(u));
}

export const upper = (state) => mix(state + 1) >>> 5; // its first 27 bits

// Spread the bits of a number over 32: the last steps of MurmurHash3 (Austin Appleby, 2011).
export function mix(x) {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
