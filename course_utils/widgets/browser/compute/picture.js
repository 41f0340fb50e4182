// Two pictures: the loss of all models that spend the compute, over their size, and a map of parameters and tokens.

import { svg } from "../base/elements.js";
import { curve, optimum, scientific, size, three, trainingFlops } from "./rules.js";

const WIDEST = 744;
const NARROWEST = 300;
const BESIDE = 600; // pixels from which on the two stand side by side
const PLOT = { left: 74, right: 14, top: 28, high: 182, below: 46 };
const LETTERS = [[/[MWm]/, 14], [/[ ijl.,]/, 5]]; // pixels of a letter; of another one 9.6
const LINE = 18; // pixels of a line of text
const PADDING = 0.06; // of an axis, at its ends
const EVERY = [1, 2, 3, 6, 9]; // decades from one number of an axis to the next
export const MARKS = {
  best: "m0,-8l8,8l-8,8l-8,-8z",
  chosen: "m-9,0a9,9 0 1,0 18,0a9,9 0 1,0 -18,0z",
  model: "m0,-7l6,11h-12z",
};

export function picture(state, width) {
  const wide = Math.min(WIDEST, Math.max(NARROWEST, width));
  const beside = wide >= BESIDE;
  const each = beside ? wide / 2 : wide;
  const high = PLOT.top + PLOT.high + PLOT.below;
  const frame = { width: wide, height: beside ? high : 2 * high };
  const drawing = svg("svg", { ...frame, role: "img", "aria-label": label(state) });
  const second = beside ? { x: each, y: 0 } : { x: 0, y: high };
  drawing.append(
    svg("g", {}, ...lossPicture(state, each)),
    svg("g", { transform: `translate(${second.x} ${second.y})` }, ...map(state, each)),
  );
  return drawing;
}

function label({ law, best, chosen, flops, said, facts }) {
  const lowest = `${three(best.loss)} nats at ${size(best.n_params)} parameters and ${size(best.n_tokens)} tokens`;
  const others = facts.models.map(([name]) => name).join(", ");
  return (
    `The loss that ${law.name} predicts at ${scientific(flops)} FLOPs, over the parameters: lowest with ${lowest}. ` +
    `${said} Beside it a map of parameters and tokens with this compute, the best model of each compute` +
    `${others ? ` and ${others}` : ""}; the chosen model is at ${size(chosen.n_params)} and ${size(chosen.n_tokens)}.`
  );
}

function lossPicture({ law, flops, ratio, best, chosen, facts: { shown_ratio } }, wide) {
  const shown = curve(law, flops, Math.min(ratio, 1 / shown_ratio), Math.max(ratio, shown_ratio));
  const losses = shown.map(({ loss }) => loss);
  const x = logarithmic([shown[0].n_params, shown.at(-1).n_params], PLOT.left, wide - PLOT.right);
  const y = linear([best.loss, Math.max(...losses)], PLOT.top + PLOT.high, PLOT.top);
  const points = shown.map(({ n_params, loss }) => `${x(n_params).toFixed(1)},${y(loss).toFixed(1)}`);
  const foot = PLOT.top + PLOT.high;
  const drop = { x1: x(chosen.n_params), x2: x(chosen.n_params), y1: y(chosen.loss) + 9, y2: foot };
  return [
    ...frame(wide, "parameters N", "loss (nats per token)", `all models of ${scientific(flops)} FLOPs`),
    ...sideTicks(wide, y),
    ...bottomTicks(x, wide),
    svg("polyline", { points: points.join(" "), class: "cu-spent" }),
    svg("line", { ...drop, class: "cu-drop" }),
    mark("best", x(best.n_params), y(best.loss)),
    mark("chosen", x(chosen.n_params), y(chosen.loss)),
  ];
}

function map(state, wide) {
  const { law, flops, best, chosen, facts } = state;
  const [sizes, tokens] = ranges(state);
  const x = logarithmic(sizes, PLOT.left, wide - PLOT.right);
  const y = logarithmic(tokens, PLOT.top + PLOT.high, PLOT.top);
  const line = (points, name) => {
    const [[x1, y1], [x2, y2]] = points.map(([n, d]) => [x(n), y(d)]);
    return svg("line", { x1, y1, x2, y2, class: name });
  };
  // All of this compute that is on the map.
  const products = trainingFlops(best.n_params, best.n_tokens) / trainingFlops(1, 1);
  const ends = [Math.max(x.ends[0], products / y.ends[1]), Math.min(x.ends[1], products / y.ends[0])];
  const models = facts.models.map(([name, n, d]) => ({ name, x: x(n), y: y(d) }));
  return [
    ...frame(wide, "parameters N", "tokens D", "the same models on a map"),
    ...sideTicks(wide, y),
    ...bottomTicks(x, wide),
    line(facts.flops_range.map((end) => optimum(law, end)), "cu-frontier"),
    line(ends.map((n) => [n, products / n]), "cu-spent"),
    ...models.map(({ name, x, y }) => mark("model", x, y, name)),
    ...named(models, wide),
    mark("best", x(best.n_params), y(best.n_tokens)),
    mark("chosen", x(chosen.n_params), y(chosen.n_tokens)),
  ];
}

// What parameters and tokens the map has to hold: the best of any law, the published models, and what is chosen now.
function ranges({ facts, best, chosen }) {
  const points = [best, chosen].map(({ n_params, n_tokens }) => [n_params, n_tokens]);
  points.push(...facts.laws.flatMap((law) => facts.flops_range.map((flops) => optimum(law, flops))));
  points.push(...facts.models.map(([, n, d]) => [n, d]));
  return [0, 1].map((i) => points.map((point) => point[i])).map((all) => [Math.min(...all), Math.max(...all)]);
}

// What a mark is called is read by a hand that rests on it.
function mark(kind, x, y, ...name) {
  const title = name.map((words) => svg("title", {}, words));
  return svg("path", { d: `M${x},${y}${MARKS[kind]}`, class: `cu-${kind}` }, ...title);
}

// Each name where it hides nothing: right of its mark, left of it, below or above; else it is left out.
function named(models, wide) {
  const taken = models.map(({ x, y }) => [x - 7, y - 8, x + 7, y + 6]);
  return models.flatMap(({ name, x, y }) => {
    const long = length(name);
    const places = [
      { anchor: "start", at: [x + 12, y + 5], box: [x + 10, y - 8, x + 12 + long, y + 8] },
      { anchor: "end", at: [x - 12, y + 5], box: [x - 12 - long, y - 8, x - 10, y + 8] },
      { anchor: "middle", at: [x, y + 21], box: [x - long / 2, y + 7, x + long / 2, y + 7 + LINE] },
      { anchor: "end", at: [x + 6, y + 21], box: [x + 6 - long, y + 7, x + 6, y + 7 + LINE] },
      { anchor: "middle", at: [x, y - 12], box: [x - long / 2, y - 10 - LINE, x + long / 2, y - 10] },
    ];
    const inside = ({ box: [left, top, right] }) => left > PLOT.left && right < wide && top > PLOT.top - LINE / 2;
    const free = ({ box }) => !taken.some((other) => overlap(box, other));
    const place = places.find((one) => inside(one) && free(one));
    if (!place) return [];
    taken.push(place.box);
    return svg("text", { x: place.at[0], y: place.at[1], "text-anchor": place.anchor, class: "cu-name" }, name);
  });
}

// Pixels of a text, in a wide font.
const length = (text) => [...text].reduce((sum, letter) => sum + letterWidth(letter), 2);

const letterWidth = (letter) => LETTERS.find(([some]) => some.test(letter))?.[1] ?? 9.6;

const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

function frame(wide, below, aside, title) {
  const [right, foot] = [wide - PLOT.right, PLOT.top + PLOT.high];
  const middle = (PLOT.left + right) / 2;
  const turned = `translate(15 ${PLOT.top + PLOT.high / 2}) rotate(-90)`;
  return [
    svg("line", { x1: PLOT.left, x2: PLOT.left, y1: PLOT.top, y2: foot, class: "cu-axis" }),
    svg("line", { x1: PLOT.left, x2: right, y1: foot, y2: foot, class: "cu-axis" }),
    svg("text", { x: middle, y: foot + 41, "text-anchor": "middle" }, below),
    svg("text", { transform: turned, "text-anchor": "middle" }, aside),
    svg("text", { x: middle, y: 16, "text-anchor": "middle", class: "cu-title" }, title),
  ];
}

function bottomTicks(x, wide) {
  const foot = PLOT.top + PLOT.high;
  return x.ticks(74).flatMap(([value, words]) => {
    const at = x(value);
    const half = length(words) / 2;
    return [
      svg("line", { x1: at, x2: at, y1: PLOT.top, y2: foot, class: "cu-grid" }),
      svg("text", { x: Math.min(at, wide - half), y: foot + 20, "text-anchor": "middle" }, words),
    ];
  });
}

function sideTicks(wide, y) {
  return y.ticks(36).flatMap(([value, words]) => [
    svg("line", { x1: PLOT.left, x2: wide - PLOT.right, y1: y(value), y2: y(value), class: "cu-grid" }),
    svg("text", { x: PLOT.left - 7, y: y(value) + 5, "text-anchor": "end" }, words),
  ]);
}

// Scales: where a value stands between two pixels. ticks(room): values and their words, at least so far apart.

function logarithmic([least, most], from, to) {
  const padding = PADDING * Math.log10(most / least);
  const [low, high] = [Math.log10(least) - padding, Math.log10(most) + padding];
  const place = (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
  place.ends = [10 ** low, 10 ** high];
  place.ticks = (room) => {
    const decade = Math.abs(to - from) / (high - low);
    const step = EVERY.find((n) => n * decade >= room) ?? EVERY.at(-1);
    const first = Math.ceil(low / step);
    const powers = Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
    return powers.map((power) => [10 ** power, short(power)]);
  };
  return place;
}

function linear([least, most], from, to) {
  const padding = PADDING * (most - least);
  const [low, high] = [least - padding, most + padding];
  const place = (value) => from + ((value - low) / (high - low)) * (to - from);
  place.ticks = (room) => {
    const fine = ((high - low) / Math.abs(to - from)) * room; // the smallest step that leaves room
    const power = Math.floor(Math.log10(fine));
    const step = [1, 2, 5, 10].map((n) => n * 10 ** power).find((n) => n >= fine);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const first = Math.ceil(low / step);
    const steps = Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
    return steps.map((value) => [value, value.toFixed(digits)]);
  };
  return place;
}

// A power of ten: 100 M, 1 T.
function short(power) {
  if (power < 0) return `1e${power}`;
  const [unit, letter] = [[12, " T"], [9, " B"], [6, " M"], [3, " k"], [0, ""]].find(([unit]) => power >= unit);
  return `${(10 ** (power - unit)).toLocaleString("en-US")}${letter}`;
}
