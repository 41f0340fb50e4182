// The picture: a row for each token, with its query, key, value, scores and output.

import { svg } from "../base/elements.js";

// The pattern of each state; what is absent has none.
export const PATTERNS = { computed: 4, again: 3, read: 1 };
const NUMBERS = 8; // in each vector
const ROWS = { title: 15, names: 34, top: 42, all: 216, tallest: 27 };
const [LETTER, BOLD] = [9.5, 11.5]; // pixels of a letter in a wide font
const MOST = 744;
const LEAST = 330;
const WIDE = {
  ...{ mark: 16, label: 118, next: 112, gap: 15, cell: 8, square: 24, scores: 112, end: 70 },
  ...{ titles: { scores: "scores ", outputs: "outputs", cache: "KV cache", next: "next token" } },
};
const NARROW = { ...WIDE, label: 102, next: 88, gap: 13, titles: { ...WIDE.titles, next: "next" } };
const PHONE = {
  ...NARROW,
  ...{ mark: 12, label: 83, next: 0, gap: 6, scores: 66, end: 0 },
  ...{ titles: { scores: "", outputs: "out", cache: "cache" } },
};

export function picture({ labels, states, held, fresh, cached, words, step, last }, width, id) {
  const room = width < 500 ? PHONE : width < 660 ? NARROW : WIDE;
  const wide = Math.min(MOST, Math.max(LEAST, width));
  const count = labels.length;
  const pitch = Math.min(ROWS.tallest, Math.floor(ROWS.all / count));
  const height = pitch - 3;
  const free = wide - room.label - room.next - 4 * room.gap;
  const square = Math.min(room.square, Math.floor((0.46 * free) / count));
  const triangle = Math.max(room.scores, square * count);
  const shared = Math.min((free - triangle) / 4, (free - triangle - room.end) / 3); // the last has its title's width
  const strip = NUMBERS * Math.min(room.cell, Math.floor((2 * shared) / NUMBERS) / 2);
  const y = (i) => ROWS.top + i * pitch;
  const how = cached ? "with a KV cache" : "without a cache";
  const label = `Queries, keys, values, scores and outputs, row by row, step ${step} of ${last}, ${how}. ${words}`;
  const drawing = svg("svg", { width: wide, height: y(count) + 4, role: "img", "aria-label": label });
  const write = (x, line, anchor, name, ...text) =>
    drawing.append(svg("text", { x, y: line, "text-anchor": anchor, class: name }, ...text));

  // The tokens: those that a step reads go in by an arrow.
  const first = cached ? held - fresh : 0;
  for (let i = 0; i <= Math.min(held, count - 1); i++) {
    const middle = y(i) + height / 2;
    const kind = i === held ? "cu-goes-next" : i >= held - fresh ? "cu-fresh" : "cu-old";
    if (i >= first) drawing.append(svg("path", { d: `M1,${middle - 5}l9,5l-9,5z`, class: `cu-arrow-in ${kind}` }));
    const letters = (room.label - room.mark - 30) / (kind === "cu-fresh" ? BOLD : LETTER);
    write(room.mark + 18, middle + 5, "end", "cu-index", i + 1);
    write(room.mark + 24, middle + 5, "start", kind, clip(labels[i], letters));
  }

  // Vectors, each a strip of numbers.
  let x = room.label;
  const lefts = {};
  for (const [name, title] of [["queries", "Q"], ["keys", "K"], ["values", "V"], ["scores"], ["outputs", room.titles.outputs]]) {
    lefts[name] = x;
    if (name === "scores") {
      scores(x);
      x += triangle + room.gap;
      continue;
    }
    const middle = x + (name === "outputs" ? Math.max(strip, room.end) : strip) / 2;
    write(middle, ROWS.title, "middle", "cu-title", title);
    states[name].forEach((state, i) => part(x, y(i), strip, NUMBERS, state, `${name}-${i}`));
    x += strip + room.gap;
  }
  if (cached) frame();
  if (room.next) next(lefts.outputs + Math.max(strip, room.end) + 10);
  return drawing;

  function part(left, top, size, cells, state, place) {
    const fill = PATTERNS[state] === undefined ? "none" : `url(#${id}-${PATTERNS[state]})`;
    const box = { x: left, y: top, width: size, height, fill, class: `cu-part cu-${state}`, "data-place": place, "data-state": state };
    drawing.append(svg("rect", box));
    if (cells === 1) return;
    const cuts = Array.from({ length: cells - 1 }, (_, k) => `M${left + ((k + 1) * size) / cells},${top}v${height}`);
    drawing.append(svg("path", { d: cuts.join(""), class: fill === "none" ? "cu-cuts cu-faint" : "cu-cuts" }));
  }

  function scores(left) {
    const small = (letter, rise) => [svg("tspan", { dy: 4, class: "cu-small" }, letter), svg("tspan", { dy: -4 }, rise)];
    write(left, ROWS.title, "start", "cu-title", `${room.titles.scores}q`, ...small("i", " · k"), svg("tspan", { dy: 4, class: "cu-small" }, "j"));
    const every = Math.ceil(20 / square);
    for (let j = 0; j < held; j += every)
      write(left + (j + 0.5) * square, ROWS.names, "middle", "cu-index", j + 1);
    states.scores.forEach((row, i) =>
      row.forEach((state, j) => part(left + j * square, y(i), square - 2, 1, state, `scores-${i}-${j}`)),
    );
  }

  // What the cache holds after the step.
  function frame() {
    const [left, right] = [lefts.keys - 4, lefts.values + strip + 4];
    const box = { x: left, y: ROWS.top - 4, width: right - left, height: held * pitch + 5, rx: 4, class: "cu-frame" };
    drawing.append(svg("rect", box));
    write((left + right) / 2, ROWS.names - 1, "middle", "cu-title", room.titles.cache);
  }

  function next(left) {
    write(left, ROWS.title, "start", "cu-title", room.titles.next);
    const middle = y(held - 1) + height / 2;
    const d = `M${left},${middle}h12m-5,-4.5l6,4.5l-6,4.5`;
    drawing.append(svg("path", { d, class: "cu-comes-out" }));
    const word = held < count ? clip(labels[held], (wide - left - 20) / BOLD) : "…";
    write(left + 20, middle + 5, "start", "cu-fresh", word);
  }
}

function clip(label, most) {
  const letters = [...label];
  return letters.length <= most ? label : `${letters.slice(0, Math.floor(most) - 1).join("")}…`;
}
