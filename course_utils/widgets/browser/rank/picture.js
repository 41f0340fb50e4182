// The picture: two spectra over the number of the singular value, cut at the rank; below them the loss at each rank.

import { svg } from "../base/elements.js";
import { count } from "../base/numbers.js";

const PLOT = { left: 74, right: 14, top: 26, widest: 744, narrowest: 300 };
const HIGH = { alone: 224, spectra: 148, gap: 14, loss: 90, below: 48 };
const NAMES = 96; // pixels for the names of the lines, right of the losses
const FIRST = 0.5; // where the axis begins: what keeps nothing is cut there
const APART = 5; // pixels between two marks, at least
const ROOM = { tick: 40, word: 56, line: 20 }; // pixels
export const DOT = { update: "m-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z", control: "m0,-5l5,5l-5,5l-5,-5z" };

export function picture({ matrix, rank, kept, spectrum, losses, loss, rows, largest, words }, width) {
  const wide = Math.min(PLOT.widest, Math.max(PLOT.narrowest, width));
  const [left, right] = [PLOT.left, wide - (losses ? NAMES : PLOT.right)];
  const high = losses ? HIGH.spectra : HIGH.alone;
  const bottom = PLOT.top + high;
  const end = losses ? bottom + HIGH.gap + HIGH.loss : bottom;
  const scale = (right - left) / Math.log((largest + 1) / FIRST);
  const x = (n) => left + Math.log(Math.max(n, FIRST) / FIRST) * scale;
  const others = rows[1].share;
  const label = `Singular values of the update of ${matrix} and of a random one. ${words} Of the random update it keeps ${others}.`;
  const drawing = svg("svg", { width: wide, height: end + HIGH.below, role: "img", "aria-label": label });
  const draw = (name, attributes, ...children) => drawing.append(svg(name, attributes, ...children));

  // What is kept, in both pictures.
  const cut = x(rank + 0.5);
  const frames = losses ? [[PLOT.top, bottom], [bottom + HIGH.gap, end]] : [[PLOT.top, bottom]];
  for (const [top, foot] of frames)
    draw("rect", { x: left, y: top, width: cut - left, height: foot - top, class: "cu-kept-ground" });

  const most = Math.max(spectrum.update[0], spectrum.control[0]);
  const y = yAxis(PLOT.top, bottom, 0, 1.04 * most, "singular value", 5);
  for (const name of ["control", "update"]) {
    const points = thinned(spectrum[name], x);
    for (const [state, some] of Object.entries({ kept: points.filter((i) => i < kept), cut: points.filter((i) => i >= kept) })) {
      const d = some.map((i) => `M${x(i + 1).toFixed(1)},${y(spectrum[name][i]).toFixed(1)}${DOT[name]}`).join("");
      draw("path", { d, class: `cu-${name} cu-is-${state}`, "data-marks": some.length });
    }
  }
  if (losses) lossPicture(...frames[1]);
  draw("line", { x1: cut, x2: cut, y1: PLOT.top - 22, y2: end, class: "cu-cut" });
  if (cut - left > ROOM.word) write(cut - 8, PLOT.top - 8, "end", "cu-side", "kept");
  if (right - cut > ROOM.word) write(cut + 8, PLOT.top - 8, "start", "cu-side", "cut");
  ranks();
  return drawing;

  function write(at, line, anchor, name, ...text) {
    draw("text", { x: at, y: line, "text-anchor": anchor, class: name }, ...text);
  }

  // An axis for numbers between two ends; returns where a number stands.
  function yAxis(top, foot, least, most, title, steps) {
    const place = (value) => foot - ((value - least) / (most - least)) * (foot - top);
    for (const tick of ticks(least, most, steps)) {
      draw("line", { x1: left, x2: right, y1: place(tick), y2: place(tick), class: "cu-grid" });
      write(left - 8, place(tick) + 5, "end", "", String(tick));
    }
    draw("line", { x1: left, x2: left, y1: top, y2: foot, class: "cu-axis" });
    draw("line", { x1: left, x2: right, y1: foot, y2: foot, class: "cu-axis" });
    draw("text", { transform: `translate(16 ${(top + foot) / 2}) rotate(-90)`, "text-anchor": "middle" }, title);
    return place;
  }

  // Powers of 2 as far as there is room, and the end.
  function ranks() {
    const powers = Array.from({ length: Math.floor(Math.log2(largest)) + 1 }, (_, i) => 2 ** i);
    let free = -Infinity;
    if (losses) write(left, end + 21, "middle", "", "0"); // what keeps nothing stands where the axis begins
    for (const n of [...powers.filter((power) => x(largest) - x(power) > ROOM.tick), largest]) {
      draw("line", { x1: x(n), x2: x(n), y1: end, y2: end + 5, class: "cu-axis" });
      if (x(n) < free) continue;
      free = x(n) + ROOM.tick * 0.8;
      write(x(n), end + 21, "middle", "", count(n));
    }
    const title = wide < 500 ? "number" : "number of the singular value";
    write((left + right) / 2, end + 42, "middle", "", losses ? `${title}, or rank r` : title);
  }

  // The losses that were measured, the one at this rank with a ring, between those of the models without and with it all.
  function lossPicture(top, foot) {
    const all = [losses.base, losses.finetuned, ...losses.at_rank.map(([, measured]) => measured)];
    const [least, greatest] = [Math.min(...all), Math.max(...all)];
    const pad = 0.12 * (greatest - least) || 0.1;
    const place = yAxis(top, foot, least - pad, greatest + pad, "loss (nats)", 3);
    const points = losses.at_rank.map(([n, measured]) => [x(n), place(measured)]);
    draw("polyline", { points: points.join(" "), class: "cu-losses" });
    for (const [cx, cy] of points) draw("circle", { cx, cy, r: 4.5, class: "cu-loss" });
    const lines = [["base", losses.base], ["finetuned", losses.finetuned]].sort(([, a], [, b]) => b - a);
    const apart = Math.max(0, ROOM.line - Math.abs(place(losses.base) - place(losses.finetuned))) / 2;
    lines.forEach(([name, value], i) => {
      draw("line", { x1: left, x2: right, y1: place(value), y2: place(value), class: `cu-line-${name}` });
      write(right + 14, place(value) + 5 + (i ? apart : -apart), "start", "", name);
    });
    if (loss !== undefined) draw("circle", { cx: x(rank), cy: place(loss), r: 8, class: "cu-ring", "data-loss": loss });
  }
}

// Indices of the marks that don't stand too close to one before.
function thinned(values, x) {
  let free = -Infinity;
  return [...values.keys()].filter((i) => {
    if (x(i + 1) < free) return false;
    free = x(i + 1) + APART;
    return true;
  });
}

// Round numbers between two ends, at most so many steps of 1, 2 or 5.
function ticks(least, most, steps) {
  const power = 10 ** Math.floor(Math.log10((most - least) / steps));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => (most - least) / size <= steps);
  const first = Math.ceil(least / step);
  return Array.from({ length: Math.floor(most / step) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}
