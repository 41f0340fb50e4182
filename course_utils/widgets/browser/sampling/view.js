// The view: the picture, the words for its numbers, and the buttons.

import { seedBox } from "../base/draws.js";
import { button, html, legend, live, rich, tokens } from "../base/elements.js";
import { count, counted, percent } from "../base/numbers.js";
import { picture } from "./picture.js";

let views = 0;

export function build(explorer, el) {
  const hatch = `cu-hatch-${++views}`; // a page may hold several views
  const scroller = html("div", "cu-picture");
  const words = live("p", "cu-words");
  const sample = button("sample", () => explorer.sample());
  const reset = button("reset", () => explorer.kernel.waiting || explorer.reset(), {
    quiet: true,
    label: "reset the running text",
  });
  const seed = seedBox(explorer);
  const outcome = live("span", "cu-outcome");
  const text = html("p", "cu-text");
  text.setAttribute("aria-label", "running text");
  el.append(
    legend(
      ["after", "after the sliders"],
      ["before", "before"],
      ["cut", "cut, as it was before"],
      ["rest", "all others, after"],
    ),
    scroller,
    words,
    html("div", "cu-row", sample, html("label", "", "seed ", seed), reset, outcome),
    text,
  );

  return function draw(width) {
    const dist = explorer.distribution;
    const drawn = explorer.get("drawn");
    scroller.replaceChildren(picture(explorer, dist, width, hatch));
    words.replaceChildren(...rich(numbers(explorer.sorted, dist)));
    outcome.replaceChildren(...rich(spoken(explorer, drawn)));
    text.replaceChildren(...running(explorer, drawn));
    sample.setAttribute("aria-disabled", Boolean(explorer.kernel.waiting));
    if (document.activeElement !== seed) seed.value = explorer.get("seed");
    Object.assign(el.dataset, {
      keptCount: dist.kept,
      keptMass: dist.held,
      kept: Array.from(dist.ids.subarray(0, Math.min(dist.kept, 200))),
      entropy: dist.bits,
      entropyBefore: explorer.sorted.before.bits,
      drawn,
    });
  };
}

function numbers({ logits, before }, dist) {
  return (
    `Kept: *${count(dist.kept)}* of ${counted(logits.length, "token")}; before renormalising they held ` +
    `*${percent(dist.held)}* of the mass. ` +
    `Entropy: ${before.bits.toFixed(2)} bits before, *${dist.bits.toFixed(2)} bits* after: as uncertain as a fair ` +
    `choice among *${effective(dist.bits)}* tokens (before: ${effective(before.bits)}).`
  );
}

function effective(bits) {
  const n = 2 ** bits;
  return n < 100 ? n.toFixed(1) : count(Math.round(n));
}

function spoken(explorer, drawn) {
  if (!drawn.length) return "";
  const id = drawn.at(-1);
  const label = explorer.name(id).label.replaceAll("*", "∗");
  const where = explorer.get("shown").some((token) => token.id === id) ? "" : ", one of the others";
  const chance = explorer.last?.id === id ? `, which had probability *${percent(explorer.last.p)}*` : "";
  return `Drawn: *«${label}»*${where}${chance}.`;
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
