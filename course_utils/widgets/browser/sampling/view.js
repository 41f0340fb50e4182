// The view: the picture, the words for its numbers, and the buttons.

import { seedBox } from "../base/draws.js";
import { button, html, legend, live, rich, tokens } from "../base/elements.js";
import { count, counted, percent } from "../base/numbers.js";
import { effective, gauge } from "./gauge.js";
import { picture } from "./picture.js";

const MANY = [10, 100, 1000]; // draws at once
const KEYS = [
  ["after", "after"],
  ["before", "before"],
  ["cut", "cut"],
];
const drawnKeys = (n) => [
  ["share", `share of ${count(n)} draws`],
  ["stray", "± 2 standard errors, √(p(1 − p)/n)"],
];
let views = 0;

export function build(explorer, el) {
  const hatch = `cu-hatch-${++views}`; // a page may hold several views
  const steps = live("p", "cu-steps");
  const scale = html("div", "cu-gauge");
  const words = live("p", "cu-words");
  const keys = html("div");
  const scroller = html("div", "cu-picture");
  const sample = button("sample", () => explorer.sample());
  const reset = button("reset", () => explorer.kernel.waiting || explorer.reset(), {
    quiet: true,
    label: "reset the running text and the counts",
  });
  const many = MANY.map((n) =>
    button(count(n), () => explorer.drawMany(n), { quiet: true, label: `draw ${count(n)} times and count` }),
  );
  const seed = seedBox(explorer);
  const text = html("p", "cu-text");
  text.setAttribute("aria-label", "running text");
  const outcome = live("p", "cu-outcome");
  el.classList.add("cu-sampling");
  el.append(
    steps,
    html("div", "cu-row cu-entropy", scale, words),
    keys,
    scroller,
    html("div", "cu-row", sample, html("span", "cu-many", "draw", ...many), reset, html("label", "", "seed ", seed)),
    text,
    outcome,
  );

  return function draw(width, height) {
    const dist = explorer.distribution;
    const drawn = explorer.get("drawn");
    const counts = explorer.draws && { counts: explorer.draws.count(dist), n: explorer.draws.n };
    steps.replaceChildren(...path(explorer.sorted, dist));
    scale.replaceChildren(gauge(2 ** explorer.sorted.before.bits, 2 ** dist.bits, explorer.sorted.logits.length));
    words.replaceChildren(...rich(entropy(explorer.sorted.before.bits, dist.bits)));
    keys.replaceChildren(legend(...KEYS, ...(counts ? drawnKeys(counts.n) : [])));
    scroller.replaceChildren(picture(explorer, dist, counts, [width, height], hatch));
    outcome.replaceChildren(...rich(spoken(explorer, drawn)));
    text.replaceChildren(...running(explorer, drawn));
    sample.setAttribute("aria-disabled", Boolean(explorer.kernel.waiting));
    many.forEach((press, i) => press.setAttribute("aria-pressed", counts?.n === MANY[i]));
    if (document.activeElement !== seed) seed.value = explorer.get("seed");
    Object.assign(el.dataset, {
      steps: dist.steps,
      keptCount: dist.kept,
      keptMass: dist.held,
      kept: Array.from(dist.ids.subarray(0, Math.min(dist.kept, 200))),
      entropy: dist.bits,
      entropyBefore: explorer.sorted.before.bits,
      drawn,
    });
  };
}

// How many tokens are left after each of the knobs, in their order.
function path({ logits }, { steps: [finite, among, kept], held }) {
  return [
    counted(logits.length, "token"),
    `temperature: *${count(finite)}*`,
    `top-k: *${count(among)}*`,
    "renormalise",
    `top-p: *${count(kept)}*, *${percent(held)}* of the mass`,
  ].flatMap((step, i) => [i ? " → " : "", html("span", "cu-step", ...rich(step))]);
}

const entropy = (before, after) =>
  `As uncertain as a fair choice among *${effective(2 ** after)}* tokens, *${after.toFixed(2)} bits*; ` +
  `before: ${effective(2 ** before)}.`;

function spoken(explorer, drawn) {
  if (!drawn.length) return "Nothing is drawn yet.";
  const id = drawn.at(-1);
  const label = explorer.name(id).label.replaceAll("*", "∗");
  const where = explorer.get("shown").some((token) => token.id === id) ? "" : ", one of the others";
  const chance = explorer.last?.id === id ? `, which had probability *${percent(explorer.last.p)}*` : "";
  return `Drawn: *“${label}”*${where}${chance}.`;
}

// A text that grows where a model reads it; else draws that have nothing to do with each other.
function running(explorer, drawn) {
  const lead = (text) => html("span", "cu-lead", text);
  if (explorer.get("has_model") && (explorer.kernel.answers || !explorer.kernel.settled)) {
    const pieces = explorer.pieces.map((piece) => piece.replaceAll("\n", "⏎\n"));
    return [lead("text: "), explorer.get("prompt_shown"), ...tokens(pieces)];
  }
  if (!drawn.length) return [lead("draws: "), lead("none yet")];
  return [lead("draws: "), ...tokens(drawn.map((id) => explorer.name(id).label)).flatMap((token) => [token, " "])];
}
