// The rules of widgets/ngram_rules.py, which are those of ngram/smoothing.py for one context at a time.
//
// Tables hold one order each, as in ngram/counting.py: row i is the n-gram with id i, and the n-grams that continue one
// context lie side by side, from `first[context]` to `first[context + 1]`.

export const START = 1;
export const END = 2;

// The tables of a buffer that `pack` has written.
export function unpack({ buffer, byteOffset, byteLength }) {
  const bytes = buffer.slice(byteOffset, byteOffset + byteLength);
  const [orders] = new Uint32Array(bytes, 0, 1);
  const sizes = Array.from(new Uint32Array(bytes, 4, orders));
  const rows = sizes.reduce((sum, size) => sum + size);
  let at = 4 + 4 * orders;
  const counts = new Uint32Array(bytes, at, rows);
  const words = new Uint16Array(bytes, (at += 4 * rows), rows);
  const followers = new Uint16Array(bytes, (at += 2 * rows));
  const tables = [];
  let row = 0;
  let context = 0;
  for (const [n, size] of sizes.entries()) {
    const first = new Uint32Array((n ? sizes[n - 1] : 1) + 1);
    for (let c = 0; c + 1 < first.length; c++) first[c + 1] = first[c] + followers[context++];
    tables.push({ first, words: words.subarray(row, row + size), counts: counts.subarray(row, row + size) });
    row += size;
  }
  continueCounts(tables);
  return tables;
}

// The row of the n-gram that continues a context with a word, -1 if there is none.
function find({ first, words }, context, word) {
  let [low, high] = [first[context], first[context + 1]];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (words[middle] < word) low = middle + 1;
    else high = middle;
  }
  return low < first[context + 1] && words[low] === word ? low : -1;
}

// Kneser-Ney's counts below the highest order: in how many different contexts an n-gram was seen.
function continueCounts(tables) {
  let suffixes = new Uint32Array(tables[0].words.length); // of each n-gram, the id of all its words but the first
  let begins = Uint8Array.from(tables[0].words, (word) => word === START);
  tables.forEach((table, n) => {
    const longer = tables[n + 1];
    if (!longer) return;
    const nextSuffixes = new Uint32Array(longer.words.length);
    const nextBegins = new Uint8Array(longer.words.length);
    table.continuations = new Uint32Array(table.words.length);
    for (let context = 0; context < table.words.length; context++) {
      for (let row = longer.first[context]; row < longer.first[context + 1]; row++) {
        nextSuffixes[row] = find(table, n ? suffixes[context] : 0, longer.words[row]);
        nextBegins[row] = begins[context];
        table.continuations[nextSuffixes[row]]++;
      }
    }
    for (let row = 0; row < begins.length; row++) if (begins[row]) table.continuations[row] = table.counts[row];
    [suffixes, begins] = [nextSuffixes, nextBegins];
  });
}

// How much each order adds to the probability of each word after a context: order + 1 rows of V numbers, the uniform
// distribution first. `parameters` has one entry for each order, as ngram_rules.parameters gives them.
export function contributions(tables, smoothing, parameters, context) {
  const order = parameters.length;
  const predicted = tables[0].words.length - 1; // all but <s>
  const shares = parameters.map(() => new Float64Array(predicted + 1));
  shares.unshift(new Float64Array(predicted + 1).fill(1 / predicted));
  for (let n = 1; n <= Math.min(order, context.length + 1); n++) {
    const row = rowOf(tables, context.slice(context.length - n + 1));
    const table = tables[n - 1];
    const [first, end] = row < 0 ? [0, 0] : table.first.subarray(row, row + 2);
    const plain = n === order || !smoothing.endsWith("kneser-ney");
    const counts = (plain ? table.counts : table.continuations).subarray(first, end);
    const total = counts.reduce((sum, c) => sum + c, 0);
    const [own, rest] = RULES[smoothing](parameters[n - 1], counts, total, predicted);
    for (const share of shares.slice(0, n)) for (let id = 0; id <= predicted; id++) share[id] *= rest;
    if (FLAT.has(smoothing)) {
      for (const share of shares.slice(1, n)) share.fill(0);
      shares[0].fill(rest / predicted);
    }
    for (let i = 0; i < counts.length; i++) shares[n][table.words[first + i]] = own(counts[i]);
  }
  for (const share of shares) share[START] = 0;
  return shares;
}

function rowOf(tables, words) {
  return words.reduce((row, word, n) => (row < 0 ? row : find(tables[n], n ? row : 0, word)), 0);
}

const FLAT = new Set(["mle", "add-k"]); // what an order leaves goes to all words alike, not to the order below

// What an order gives to a word of a count, and what it leaves of the probability.
const addK = (k, counts, total, predicted) => {
  const whole = total + k * predicted;
  return whole ? [(c) => c / whole, (k * predicted) / whole] : [() => 0, 0]; // 0/0 has no value
};
const discounted = (discounts, counts, total) => {
  const discount = (c) => (c ? discounts[Math.min(c, 3) - 1] : 0);
  const taken = counts.reduce((sum, c) => sum + discount(c), 0);
  return total ? [(c) => (c - discount(c)) / total, taken / total] : [() => 0, 1];
};
const RULES = {
  mle: addK,
  "add-k": addK,
  interpolated: (weight, counts, total) => (total ? [(c) => (weight * c) / total, 1 - weight] : [() => 0, 1]),
  "kneser-ney": discounted,
  "modified-kneser-ney": discounted,
};
