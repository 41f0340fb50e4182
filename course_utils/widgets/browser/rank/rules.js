// The rules of widgets/rank_rules.py: what is left of an update that is cut down to a rank, as numbers and in words.
//
// Sums are taken in Python's order, so that they are rounded alike. A spectrum is { shape: [d_out, d_in], update,
// control }, the last two singular values, the largest first.

import { count } from "../base/numbers.js";

const MOST_OF_IT = 0.9; // of the squared length: what the table asks a rank for

// Which share of the squared length the best cut to a rank keeps.
export function shareKept(values, rank) {
  const sums = running(values);
  return rank ? sums[rank - 1] / sums.at(-1) : 0;
}

// The length of what is cut away, as a share of the length.
export function relativeError(values, rank) {
  const rest = running(values.toReversed()); // the smallest first: a difference would lose the digits of a small rest
  return rank < values.length ? Math.sqrt(rest[values.length - rank - 1] / rest.at(-1)) : 0;
}

// The smallest rank that keeps at least a share of the squared length.
export function rankFor(values, share = MOST_OF_IT) {
  const sums = running(values);
  return sums.findIndex((sum) => sum / sums.at(-1) >= share) + 1;
}

// What a rank keeps and what it costs; and what the loss is there, if { base, finetuned, at_rank } are known.
export function words({ shape: [d_out, d_in], update }, asked, losses) {
  const full = update.length;
  const rank = Math.min(asked, full);
  const kept = percent(shareKept(update, rank));
  const error = percent(relativeError(update, rank));
  const cost = rank * (d_in + d_out);
  const whole = d_in * d_out;
  let told = asked > full ? `This matrix has no rank above ${count(full)}. ` : "";
  told += `Rank ${count(rank)} of ${count(full)} keeps ${kept} of the update’s squared length: a relative error of ${error}. `;
  told += `A and B hold ${count(rank)} × (${count(d_in)} + ${count(d_out)}) = ${count(cost)} parameters, ${percent(cost / whole)} `;
  told += `of the ${count(d_in)} × ${count(d_out)} = ${count(whole)} of the whole matrix.`;
  if (!losses) return told;
  const measured = lossAt(losses, asked);
  const found = measured === undefined ? "wasn’t measured" : `is ${fixed(measured)}`;
  const ends = `${fixed(losses.base)} for the base model, ${fixed(losses.finetuned)} for the finetuned one`;
  return `${told} The loss at rank ${count(asked)} ${found}; it is ${ends}.`;
}

// undefined where it wasn't measured.
export const lossAt = ({ at_rank }, rank) => at_rank.find(([known]) => known === rank)?.[1];

// A share in percent, never as 0 or 100 what is neither.
export function percent(x) {
  if (x === 0 || x === 1) return `${100 * x} %`;
  if (x < 0.001) return "less than 0.1 %";
  if (x > 0.999 && x < 1) return "more than 99.9 %";
  const [whole, tenths] = (Math.floor(1000 * x + 0.5) / 10).toFixed(1).split(".");
  return `${count(Number(whole))}.${tenths} %`;
}

const fixed = (x) => (Math.floor(1000 * x + 0.5) / 1000).toFixed(3);

// The sums of squares from the first to each.
function running(values) {
  let sum = 0;
  return Array.from(values, (value) => (sum += value * value));
}
