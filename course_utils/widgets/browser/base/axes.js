// The axes of a bar chart of probabilities.

import { svg } from "./elements.js";

const PLOT = { top: 44, labels: 88, left: 62, right: 8, rest: 168, narrowest: 310, widest: 1200 };
const BARS = { lowest: 130, highest: 380 };
const PHONE = { below: 620, step: 24, rest: 132 }; // least room from bar to bar: their numbers must not touch
const AXES = { 0.05: 0.01, 0.1: 0.02, 0.2: 0.05, 0.3: 0.1, 0.4: 0.1, 0.5: 0.1, 0.6: 0.2, 0.8: 0.2, 1: 0.2 }; // to: by
const CEILINGS = Object.keys(AXES).map(Number).sort((a, b) => a - b); // few, so that the axis seldom moves

const between = (width) => Math.min(PLOT.widest, Math.max(PLOT.narrowest, width));
const restRoom = (width) => (width < PHONE.below ? PHONE.rest : PLOT.rest);

// How many bars fit beside one for the rest: on a phone the least probable ones join it.
export function fitting(width) {
  const wide = between(width);
  return Math.floor((wide - PLOT.left - PLOT.right - restRoom(wide)) / PHONE.step);
}

// Height of the bars in a picture that should have so many pixels.
export const barRoom = (pixels) => Math.min(BARS.highest, Math.max(BARS.lowest, pixels - PLOT.top - PLOT.labels));

// An empty chart in so many pixels. The axis fits the largest probability; `rest` keeps room for a bar at the right.
// `height` is that of the bars. Optional: `top` and `labels`, the room above and below them; the role "group" for bars
// to press.
export function axes({ width, bars, largest, rest = false, label, role = "img", ...room }) {
  const wide = between(width);
  const { top, height, labels, left } = { ...PLOT, ...room };
  const bottom = top + height;
  const end = wide - PLOT.right - (rest ? restRoom(wide) : 0);
  const step = (end - left) / bars;
  const ceiling = CEILINGS.find((limit) => largest <= limit) ?? 1;
  const y = (p) => bottom - (Math.min(p, ceiling) / ceiling) * height;
  const centre = (i) => left + (i + 0.5) * step;
  const picture = svg("svg", { width: wide, height: bottom + labels, role, "aria-label": label });
  for (let i = 0; i <= Math.round(ceiling / AXES[ceiling]); i++) {
    const p = i * AXES[ceiling];
    const tick = i ? p.toFixed(ceiling < 0.3 ? 2 : 1).replace(/^0/, "") : "0";
    picture.append(
      svg("line", { x1: left, x2: end, y1: y(p), y2: y(p), class: i ? "cu-grid" : "cu-axis" }),
      svg("text", { x: left - 8, y: y(p) + 5, "text-anchor": "end" }, tick),
    );
  }
  const side = `translate(18 ${top + height / 2}) rotate(-90)`;
  picture.append(svg("text", { transform: side, "text-anchor": "middle" }, "probability"));
  return { picture, top, bottom, left, end, step, ceiling, y, centre };
}
