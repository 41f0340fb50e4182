// The picture: a bar for each of the most probable words, in layers, one for each order that adds to it.

import { axes, fitting } from "../base/axes.js";
import { bar, label, number, rest } from "../base/bars.js";
import { html, svg } from "../base/elements.js";
import { counted, percent } from "../base/numbers.js";
import { swatch } from "../base/patterns.js";

const SHOWN = 20; // words with a bar of their own
const ROOM = { top: 26, height: 170, labels: 92 };
export const orderName = (n) => (n ? `order ${n}` : "uniform");

// Which order has supplied how much of all words' probability: the longest first, as it lies in the bars.
export function shareKeys({ shares }, id) {
  const whole = (mass) => (mass > 0 && mass < 0.005 ? "<1 %" : `${Math.round(100 * mass)} %`);
  const keys = shares.map((share, n) => {
    const mass = share.reduce((sum, p) => sum + p, 0);
    const words = `${orderName(n)}: ${whole(mass)}`;
    const key = html("span", "cu-key", swatch(id, n), words);
    key.dataset.share = mass;
    return key;
  });
  return [html("span", "", "All mass:"), ...keys.reverse()];
}

// write(id, p) is called for the word whose bar is pressed.
export function picture(explorer, { shares, probs, ids }, width, id, write) {
  const shown = explorer.ended ? [] : Array.from(ids.subarray(0, Math.min(SHOWN, fitting(width)))).filter((word) => probs[word] > 0);
  const others = ids.length - shown.length;
  const plot = axes({
    width,
    bars: Math.max(1, shown.length),
    largest: shown.length ? probs[shown[0]] : 1,
    rest: shown.length > 0 && others > 0,
    label: "The most probable next words: press one to write it",
    role: "group",
    ...ROOM,
  });
  if (!shown.length) {
    const [x, y] = [plot.centre(0), (plot.top + plot.bottom) / 2];
    plot.picture.append(svg("text", { x, y, "text-anchor": "middle", class: "cu-label" }, silence(explorer)));
    return plot.picture;
  }
  shown.forEach((word, i) => plot.picture.append(column(explorer.words[word], word, i)));
  if (others) {
    const mass = ids.subarray(shown.length).reduce((sum, word) => sum + probs[word], 0);
    const words = ["the other", counted(others, "word"), percent(mass)];
    plot.picture.append(rest(plot, { mass, title: words.join(" "), words }));
  }
  return plot.picture;

  // A button in the shape of a bar; its numbers are its name. An empty box makes a low bar easy to hit.
  function column(text, word, i) {
    const layers = svg("g");
    const supplied = [];
    let from = 0;
    for (let n = shares.length - 1; n >= 0; n--) {
      const to = from + shares[n][word];
      if (to === from) continue;
      supplied.push(`${orderName(n)} ${percent(shares[n][word])}`);
      layers.append(bar(plot, i, to, "", { fill: `url(#${id}-${n})`, class: "cu-layer" }, from));
      from = to;
    }
    const name = `${text}: ${percent(probs[word])}, of which ${supplied.join(", ")}`;
    const [x, height] = [plot.centre(i) - plot.step / 2, plot.bottom - plot.top + 26];
    const button = svg(
      "g",
      { class: "cu-column", role: "button", tabindex: i ? -1 : 0, "aria-label": name, "data-word": text },
      svg("title", {}, name),
      svg("rect", { x, y: plot.top - 22, width: plot.step, height, class: "cu-target" }),
      layers,
      label(plot, i, text),
    );
    if (probs[word] >= 0.005) button.append(number(plot.centre(i), plot.y(probs[word]) - 6, probs[word]));
    button.dataset.p = probs[word];
    button.addEventListener("click", () => write(word, probs[word]));
    return button;
  }
}

function silence(explorer) {
  if (explorer.ended) return "The text has ended. Undo takes the end back, reset begins anew.";
  return "These words were never seen in a row: maximum likelihood would divide 0 by 0.";
}
