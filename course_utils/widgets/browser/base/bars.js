// What stands on the axes: bars, their labels and numbers, a line to compare with, one bar for all the rest.

import { svg } from "./elements.js";
import { short, standardError } from "./numbers.js";

// The i-th bar, or the piece of it above `from`; `title` is what a hand resting on it reads.
export function bar({ step, y, centre }, i, p, title, attributes, from = 0) {
  const place = { x: centre(i) - step * 0.38, width: step * 0.76, y: y(p), height: y(from) - y(p) };
  return svg("rect", { ...place, ...attributes }, svg("title", {}, title));
}

export function label({ bottom, centre }, i, text, className = "cu-label") {
  const place = `translate(${centre(i) + 5} ${bottom + 18}) rotate(-52)`;
  const shortened = text.length > 10 ? `${text.slice(0, 9)}…` : text;
  return svg("text", { transform: place, "text-anchor": "end", class: className }, shortened);
}

export function number(x, y, p) {
  return svg("text", { x, y, "text-anchor": "middle", class: "cu-number" }, short(p));
}

// A marker over a bar; its word keeps clear of what stands left of the chart.
export function arrow(x, y, word, left = 0) {
  return svg(
    "g",
    { class: "cu-arrow" },
    svg("path", { d: `M${x - 8},${y - 3}h16l-8,11z` }),
    svg("text", { x: Math.max(x, left + 28), y: y - 8, "text-anchor": "middle" }, word),
  );
}

// Other probabilities of the same bars, to compare with.
export function line({ y, centre }, masses) {
  const points = Array.from(masses, (p, i) => [centre(i), y(p)]);
  return svg(
    "g",
    {},
    svg("polyline", { points: points.join(" "), class: "cu-before" }),
    ...points.map(([cx, cy]) => svg("circle", { cx, cy, r: 4, class: "cu-dot" })),
  );
}

// The share of n draws that fell on a probability, and how far chance alone strays from it, 19 times of 20.
export function observed({ y }, x, p, share, n) {
  const stray = 2 * standardError(p, n);
  const [low, high] = [y(Math.max(0, p - stray)), y(p + stray)];
  const whisker = svg("line", { x1: x, x2: x, y1: low, y2: high, class: "cu-stray" });
  const diamond = svg("path", { d: `M${x},${y(share) - 6}l6,6l-6,6l-6,-6z`, class: "cu-share" });
  return { picture: svg("g", { "data-share": share }, whisker, diamond), top: Math.min(high, y(share) - 6) };
}

// One bar for all that have none of their own, with up to four lines of words below it. A bar that dwarfs the others is
// torn off at the top, its number written. Optional: `before`, to compare with; `share` of `draws`, what was observed;
// `mark`, the word of an arrow over it.
export function rest({ top, bottom, end, ceiling, y }, { mass, before, share, draws, title, words, mark }) {
  const width = 52;
  const x = end + 28;
  const middle = x + width / 2;
  const torn = mass > ceiling;
  const edge = torn ? top - 8 : y(mass);
  const box = svg("rect", { x, width, y: edge, height: bottom - edge, class: "cu-rest" }, svg("title", {}, title));
  const group = svg("g", { "data-rest-after": mass }, box);
  if (torn) {
    const corner = (_, i) => `${x - 5 + (i * (width + 10)) / 8},${edge + 20 + (i % 2 ? -6 : 6)}`;
    group.append(svg("polyline", { points: Array.from({ length: 9 }, corner).join(" "), class: "cu-tear" }));
  }
  let above = edge;
  if (before !== undefined) {
    const off = before > ceiling;
    const dot = off ? top - 8 : y(before);
    above = Math.min(edge, dot);
    group.dataset.restBefore = before;
    group.append(
      off
        ? svg("path", { d: `M${middle - 7},${dot + 8}h14l-7,-13z`, class: "cu-dot" })
        : svg("circle", { cx: middle, cy: dot, r: 5, class: "cu-dot" }),
    );
  }
  if (draws && mass > 0 && !torn) {
    const mark = observed({ y }, middle, mass, share, draws);
    above = Math.min(above, mark.top);
    group.append(mark.picture);
  }
  if (mass > 0) group.append(number(middle, torn ? edge + 46 : above - 9, mass));
  if (mark) {
    box.classList.add("cu-drawn");
    group.append(arrow(middle, Math.max(22, torn ? above - 8 : above - 29), mark));
  }
  words.forEach((text, i) => {
    group.append(svg("text", { x: x - 12, y: bottom + 24 + 21 * i, class: i ? "" : "cu-label" }, text));
  });
  group.append(svg("line", { x1: x - 14, x2: x + width + 14, y1: bottom, y2: bottom, class: "cu-axis" }));
  return group;
}
