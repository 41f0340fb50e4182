// The picture: one bar in pieces, an item each, against the line of the card.

import { svg } from "../base/elements.js";
import { count } from "../base/numbers.js";
import { gigabytes } from "./rules.js";

// The pattern of each item; no two of one budget are alike.
export const PATTERNS = {
  weights: 4,
  "KV cache": 7,
  adapters: 2,
  gradients: 3,
  "master copy": 5,
  "optimizer states": 6,
  activations: 1,
};
const WIDEST = 744;
const LETTER = 10; // pixels of a letter, on average
const ROW = { card: 18, names: 42, top: 52, bottom: 100, axis: 108, ticks: 129, height: 136 };

export function picture({ items, total, card, words: said }, width, id) {
  const wide = Math.min(WIDEST, Math.max(280, width));
  const [left, right] = [6, wide - 24];
  const end = 1.04 * Math.max(total / 1e9, card);
  const x = (gb) => left + (gb / end) * (right - left);
  const label = `${gigabytes(total)} GB on a card of ${count(card)} GB, which ${said}`;
  const drawing = svg("svg", { width: wide, height: ROW.height, role: "img", "aria-label": label });
  const box = { x: left, y: ROW.top - 4, width: x(card) - left, height: ROW.bottom - ROW.top + 8, class: "cu-card" };
  drawing.append(svg("rect", box));
  for (const gb of ticks(end, wide < 500 ? 3 : 6)) {
    const words = gb ? count(gb) : "0 GB";
    const place = { x: Math.min(x(gb), wide - (LETTER * words.length) / 2), y: ROW.ticks };
    drawing.append(
      svg("line", { x1: x(gb), x2: x(gb), y1: ROW.axis, y2: ROW.axis + 5, class: "cu-axis" }),
      svg("text", { ...place, "text-anchor": gb ? "middle" : "start" }, words),
    );
  }
  drawing.append(svg("line", { x1: left, x2: right, y1: ROW.axis, y2: ROW.axis, class: "cu-axis" }));
  let from = 0;
  for (const { name, bytes } of items) {
    const [start, length] = [x(from / 1e9), (bytes / 1e9 / end) * (right - left)];
    const size = { x: start, y: ROW.top, width: length, height: ROW.bottom - ROW.top };
    const title = svg("title", {}, `${name}: ${gigabytes(bytes)} GB`);
    drawing.append(svg("rect", { ...size, fill: `url(#${id}-${PATTERNS[name]})`, class: "cu-layer" }, title));
    const [first, last] = longest(start, start + length, x(card));
    if (last - first > LETTER * name.length)
      drawing.append(svg("text", { x: (first + last) / 2, y: ROW.names, "text-anchor": "middle" }, name));
    from += bytes;
  }
  const [anchor, gap] = x(card) < wide / 2 ? ["start", 7] : ["end", -7];
  const words = { x: x(card) + gap, y: ROW.card, "text-anchor": anchor, class: "cu-limit-label" };
  const line = { x1: x(card), x2: x(card), y1: 4, y2: ROW.axis };
  drawing.append(
    svg("line", { ...line, class: "cu-edge" }),
    svg("line", { ...line, class: "cu-limit" }),
    svg("text", words, `card: ${count(card)} GB`),
  );
  return drawing;
}

// The longer side of a piece that a line cuts, or all of it.
function longest(start, end, line) {
  if (line <= start || line >= end) return [start, end];
  return line - start > end - line ? [start, line] : [line, end];
}

// Round numbers from 0 to the end, at most so many steps of 1, 2 or 5.
function ticks(end, most) {
  const power = 10 ** Math.floor(Math.log10(end / most));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => end / size <= most);
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}
