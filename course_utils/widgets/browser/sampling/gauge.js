// How many tokens a fair choice of the same entropy would have, on a scale of powers of ten: a bar after the sliders, a
// dot before them.

import { svg } from "../base/elements.js";
import { count } from "../base/numbers.js";

const [LEFT, RIGHT, WIDTH] = [6, 226, 232];

export function gauge(before, after, most) {
  const x = (n) => LEFT + ((RIGHT - LEFT) * Math.log(Math.max(1, n))) / Math.log(Math.max(10, most));
  const label = `Effective choices: before ${effective(before)}, after ${effective(after)}.`;
  const picture = svg("svg", { width: WIDTH, height: 34, role: "img", "aria-label": label });
  picture.append(
    svg("rect", { x: LEFT, width: RIGHT - LEFT, y: 5, height: 10, class: "cu-scale" }),
    svg("rect", { x: LEFT, width: x(after) - LEFT + 2, y: 3, height: 14, class: "cu-after" }),
    svg("circle", { cx: x(before), cy: 10, r: 6, class: "cu-dot" }),
  );
  const anchor = (n) => (n === 1 ? "start" : n > most / 2 ? "end" : "middle");
  for (let n = 1; n <= Math.max(10, most); n *= 10)
    picture.append(
      svg("line", { x1: x(n), x2: x(n), y1: 15, y2: 20, class: "cu-axis" }),
      svg("text", { x: x(n), y: 32, "text-anchor": anchor(n), class: "cu-scale-text" }, count(n)),
    );
  return picture;
}

export const effective = (n) => (n < 100 ? n.toFixed(1) : count(Math.round(n)));
