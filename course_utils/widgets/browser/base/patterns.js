// Patterns: strokes on a coloured ground, so that the layers of a bar differ without their colours.

import { svg } from "./elements.js";

const RISING = "M-1,1l2,-2M0,8l8,-8M7,9l2,-2";
const FALLING = "M-1,7l2,2M0,0l8,8M7,-1l2,2";
const STROKES = ["", "M4,4h.01", "M0,4h8", RISING, "", "M0,4h8M4,0v8", FALLING, "M4,0v8"];

// The patterns of a view, hidden: `url(#ID-N)` paints with the n-th, whose ground has the class cu-NAME-N.
export function patterns(id, name) {
  const tile = (strokes, i) =>
    svg(
      "pattern",
      { id: `${id}-${i}`, width: 8, height: 8, patternUnits: "userSpaceOnUse" },
      svg("rect", { width: 8, height: 8, class: `cu-${name}-${i}` }),
      svg("path", { d: strokes, class: "cu-strokes" }),
    );
  return svg("svg", { class: "cu-patterns", "aria-hidden": true }, svg("defs", {}, ...STROKES.map(tile)));
}

// A sample of a pattern, for what stands beside a picture.
export function swatch(id, i) {
  const box = svg("rect", { x: 0.5, y: 0.5, width: 25, height: 15, fill: `url(#${id}-${i})`, class: "cu-layer" });
  return svg("svg", { width: 26, height: 16, "aria-hidden": true }, box);
}
