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

// Gumbel noise for a token id in the n-th draw of a seed: a value of its own, whatever the knobs.
export function noise(seed, n, id) {
  const state = mix(mix(mix(seed) + n) + id);
  const u = ((mix(state + 1) >>> 5) * 0x4000000 + (mix(state + 2) >>> 6) + 0.5) / 2 ** 53; // 53 bits, never 0
  return -Math.log(-Math.log(u));
}

// Spread the bits of a number over 32: the last steps of MurmurHash3 (Austin Appleby, 2011).
function mix(x) {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

// The token with the largest log p + noise, the rule of decoding.sample; the numbers are the browser's own.
export function pick(dist, seed, n) {
  let best = -Infinity;
  let winner = 0;
  for (let r = 0; r < dist.kept; r++) {
    if (dist.weights[r] === 0) continue;
    const sum = Math.log(dist.weights[r]) + noise(seed, n, dist.ids[r]);
    if (sum > best) [best, winner] = [sum, r];
  }
  return { id: dist.ids[winner], p: dist.weights[winner] / dist.total };
}
