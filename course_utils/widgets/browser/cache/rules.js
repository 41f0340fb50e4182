// The rules of widgets/cache_rules.py: what a step computes, reads and writes, as counts, as a picture and in words.

export const [COMPUTED, AGAIN, READ, ABSENT] = ["computed", "again", "read", "absent"];

// Tokens held after a step, and how many of them are new in it.
export function heldAndNew({ step, prompt_length }) {
  return [prompt_length + step, step ? 1 : prompt_length];
}

// How much work a step is.
export function counts({ step, prompt_length, cached }) {
  const [n, m] = heldAndNew({ step, prompt_length });
  if (!cached) return { computed: 2 * n, read: 0, written: 0, scores: (n * (n + 1)) / 2 };
  return { computed: 2 * m, read: 2 * (n - m), written: 2 * m, scores: m * (n - m) + (m * (m + 1)) / 2 };
}

// How much work all steps from 0 to this one are together.
export function totals({ step, ...rest }) {
  const total = counts({ step: 0, ...rest });
  for (let earlier = 1; earlier <= step; earlier++)
    for (const [name, number] of Object.entries(counts({ step: earlier, ...rest }))) total[name] += number;
  return total;
}

// What becomes of each vector and of each score: one word for each token, and for each pair of tokens.
export function states({ step, prompt_length, cached }, tokens) {
  const [n, m] = heldAndNew({ step, prompt_length });
  const before = cached ? ABSENT : AGAIN;
  const rows = Array.from({ length: tokens }, (_, i) => (i >= n ? ABSENT : i < n - m ? before : COMPUTED));
  const held = rows.map((row, i) => (cached && i < n - m ? READ : row));
  const scores = rows.map((row, i) => Array(i + 1).fill(row));
  return { queries: rows, keys: held, values: held, outputs: rows, scores };
}

// What a step does, in two sentences.
export function words({ step, prompt_length, cached }, tokens) {
  const [n, m] = heldAndNew({ step, prompt_length });
  const computed = vectors(cached ? m : n, "query", "key", "value");
  let told;
  if (step === 0) {
    const size = m === 1 ? "one token" : `${m} tokens at once`;
    const own = m === 1 ? "the key and the value" : "the keys and the values";
    const kept = cached ? `${own} are written to the cache` : "none of them is kept";
    told = `Step 0 reads the prompt, ${size}: ${computed} computed, and ${kept}.`;
  } else if (cached) {
    told = `Step ${step} reads one token, “${tokens[n - 1]}”: ${computed} computed; `;
    told += `${vectors(n - 1, "key", "value")} read from the cache.`;
  } else {
    told = `Step ${step} reads all ${n} tokens, although only “${tokens[n - 1]}” is new: ${computed} computed, `;
    told += `${n - 1} of each again, to the same numbers as before.`;
  }
  if (n === tokens.length) return `${told} The logits of the last row would give one more token.`;
  return `${told} The logits of the last row give the next token, “${tokens[n]}”.`;
}

const PLURALS = { query: "queries", key: "keys", value: "values" };

function vectors(n, ...names) {
  const some = names.map((name) => `${n} ${n === 1 ? name : PLURALS[name]}`);
  return `${some.slice(0, -1).join(", ")} and ${some.at(-1)} are`;
}
