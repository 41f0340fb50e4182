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
const LETTER = 9; // pixels of a letter, on average
const ROW = { card: 20, names: 46, top: 56, bottom: 116, axis: 126, ticks: 148, unit: 172, height: 180 };

export function picture({ items, total, card, words }, width, id) {
  const wide = Math.min(WIDEST, Math.max(280, width));
  const [left, right] = [6, wide - 24];
  const end = 1.04 * Math.max(total / 1e9, card);
  const x = (gb) => left + (gb / end) * (right - left);
  const label = `${gigabytes(total)} GB on a card of ${count(card)} GB, which ${words}`;
  const drawing = svg("svg", { width: wide, height: ROW.height, role: "img", "aria-label": label });
  const box = { x: left, y: ROW.top - 4, width: x(card) - left, height: ROW.bottom - ROW.top + 8, class: "cu-card" };
  drawing.append(svg("rect", box));
  for (const gb of ticks(end, wide < 500 ? 3 : 6)) {
    drawing.append(
      svg("line", { x1: x(gb), x2: x(gb), y1: ROW.axis, y2: ROW.axis + 6, class: "cu-axis" }),
      svg("text", { x: x(gb), y: ROW.ticks, "text-anchor": gb ? "middle" : "start" }, count(gb)),
    );
  }
  drawing.append(
    svg("line", { x1: left, x2: right, y1: ROW.axis, y2: ROW.axis, class: "cu-axis" }),
    svg("text", { x: (left + right) / 2, y: ROW.unit, "text-anchor": "middle" }, "gigabytes of 10⁹ bytes"),
  );
  let from = 0;
  for (const { name, bytes } of items) {
    const [start, length] = [x(from / 1e9), (bytes / 1e9 / end) * (right - left)];
    const size = { x: start, y: ROW.top, width: length, height: ROW.bottom - ROW.top };
    const title = svg("title", {}, `${name}: ${gigabytes(bytes)} GB`);
    drawing.append(svg("rect", { ...size, fill: `url(#${id}-${PATTERNS[name]})`, class: "cu-layer" }, title));
    if (length > LETTER * name.length)
      drawing.append(svg("text", { x: start + length / 2, y: ROW.names, "text-anchor": "middle" }, name));
    from += bytes;
  }
  const said = `card: ${count(card)} GB`;
  const half = (LETTER * said.length) / 2;
  const middle = Math.min(wide - half, Math.max(half, x(card)));
  const line = { x1: x(card), x2: x(card), y1: ROW.card + 6, y2: ROW.axis };
  drawing.append(
    svg("line", { ...line, class: "cu-edge" }),
    svg("line", { ...line, class: "cu-limit" }),
    svg("text", { x: middle, y: ROW.card, "text-anchor": "middle", class: "cu-limit-label" }, said),
  );
  return drawing;
}

// Round numbers from 0 to the end, at most so many steps of 1, 2 or 5.
function ticks(end, most) {
  const power = 10 ** Math.floor(Math.log10(end / most));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => end / size <= most);
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}
