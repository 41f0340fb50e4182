// How numbers are written.

export const tidy = (x) => Math.round(x * 1e6) / 1e6; // a slider sends 1.0999999999999999

export const count = (n) => n.toLocaleString("en-US");

export const counted = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

export function percent(p) {
  if (p === 0) return "0 %";
  const x = 100 * p;
  if (x < 0.0001) return "less than 0.0001 %";
  if (x > 99.9) return `${Number(x.toFixed(4))} %`;
  return `${x >= 10 ? x.toFixed(1) : Number(x.toPrecision(2))} %`;
}

// A probability in the least room: over a bar.
export function short(p) {
  if (p >= 0.995) return "1.0";
  return p === 0 ? "0" : p < 0.005 ? "<.01" : p.toFixed(2).replace(/^0/, "");
}

// Of the share of n draws that fall on something of probability p.
export const standardError = (p, n) => Math.sqrt((p * (1 - p)) / n);
