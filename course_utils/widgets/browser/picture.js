// The picture and the words for its numbers.

const count = (n) => n.toLocaleString("en-US");

function percent(p) {
  if (p === 0) return "0 %";
  const x = 100 * p;
  if (x < 0.0001) return "less than 0.0001 %";
  if (x > 99.9) return `${Number(x.toFixed(4))} %`;
  return `${x >= 10 ? x.toFixed(1) : Number(x.toPrecision(2))} %`;
}

function short(p) {
  if (p >= 0.995) return "1.0";
  return p === 0 ? "0" : p < 0.005 ? "<.01" : p.toFixed(2).replace(/^0/, "");
}

function effective(bits) {
  const n = 2 ** bits;
  return n < 100 ? n.toFixed(1) : count(Math.round(n));
}

const tokens = (n) => `${count(n)} ${n === 1 ? "token" : "tokens"}`;

const SVG = "http://www.w3.org/2000/svg";
const PLOT = { top: 48, height: 250, left: 62, right: 8, labels: 104, rest: 168, narrowest: 310, widest: 1200 };
const PHONE = { below: 620, step: 20, rest: 132 }; // least room from bar to bar: their numbers must not touch
const AXES = { 0.05: 0.01, 0.1: 0.02, 0.2: 0.05, 0.3: 0.1, 0.4: 0.1, 0.5: 0.1, 0.6: 0.2, 0.8: 0.2, 1: 0.2 }; // to: by
const CEILINGS = Object.keys(AXES).map(Number).sort((a, b) => a - b); // few, so that the axis seldom moves

function node(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function html(name, className, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

function picture(explorer, dist, width, hatch) {
  const restWidth = width < PHONE.below ? PHONE.rest : PLOT.rest;
  // On a phone the least probable of the bars join «the others».
  const fitting = Math.floor((width - PLOT.left - PLOT.right - restWidth) / PHONE.step);
  const shown = explorer.get("shown").slice(0, fitting);
  const ids = shown.map((token) => token.id);
  const V = explorer.sorted.logits.length;
  const after = massOf(dist, ids);
  const before = massOf(explorer.sorted.before, ids);
  const kept = new Set(keptAmong(dist, ids));
  const others = V - ids.length;
  const largest = Math.max(...after.masses, ...before.masses);
  const ceiling = CEILINGS.find((top) => largest <= top) ?? 1;
  const drawn = explorer.get("drawn").at(-1);

  const bottom = PLOT.top + PLOT.height;
  const end = width - PLOT.right - (others ? restWidth : 0);
  const step = (end - PLOT.left) / ids.length;
  const y = (p) => bottom - (Math.min(p, ceiling) / ceiling) * PLOT.height;
  const centre = (i) => PLOT.left + (i + 0.5) * step;
  const svg = node("svg", {
    width,
    height: bottom + PLOT.labels,
    role: "img",
    "aria-label": description(shown, after, before, others, kept),
  });
  svg.append(
    node(
      "defs",
      {},
      node(
        "pattern",
        { id: hatch, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        node("rect", { width: 7, height: 7, class: "cu-se-cut-ground" }),
        node("rect", { width: 2.5, height: 7, class: "cu-se-cut-line" }),
      ),
    ),
  );

  for (let i = 0; i <= Math.round(ceiling / AXES[ceiling]); i++) {
    const p = i * AXES[ceiling];
    const tick = i ? p.toFixed(ceiling < 0.3 ? 2 : 1).replace(/^0/, "") : "0";
    svg.append(
      node("line", { x1: PLOT.left, x2: end, y1: y(p), y2: y(p), class: i ? "cu-se-grid" : "cu-se-axis" }),
      node("text", { x: PLOT.left - 8, y: y(p) + 5, "text-anchor": "end" }, tick),
    );
  }
  const side = `translate(18 ${PLOT.top + PLOT.height / 2}) rotate(-90)`;
  svg.append(node("text", { transform: side, "text-anchor": "middle" }, "probability"));

  const bars = node("g");
  const line = node("g");
  const marks = node("g");
  shown.forEach((token, i) => {
    const p = after.masses[i];
    const cut = !kept.has(token.id);
    const height = cut ? before.masses[i] : p;
    const bar = node("rect", {
      x: centre(i) - step * 0.38,
      width: step * 0.76,
      y: y(height),
      height: bottom - y(height),
      class: cut ? "cu-se-cut" : "cu-se-after",
      "data-id": token.id,
      "data-after": p,
      "data-before": before.masses[i],
      "data-cut": cut,
      ...(cut ? { fill: `url(#${hatch})` } : {}),
    });
    bar.append(
      node("title", {}, `${token.label}: before ${percent(before.masses[i])}, after ${cut ? "cut" : percent(p)}`),
    );
    bars.append(bar);
    const label = token.label.length > 12 ? `${token.label.slice(0, 11)}…` : token.label;
    const at = `translate(${centre(i) + 5} ${bottom + 18}) rotate(-52)`;
    marks.append(
      node("text", { transform: at, "text-anchor": "end", class: cut ? "cu-se-cut-label" : "cu-se-label" }, label),
    );
    const dot = y(before.masses[i]);
    const top = dot < y(p) && y(p) - dot < 28 ? dot : y(p); // above the bar, clear of a marker just over it
    if (!cut && p >= 0.005) marks.append(number(centre(i), top - 9, p));
    if (token.id === drawn) {
      bar.classList.add("cu-se-drawn");
      marks.append(arrow(centre(i), top - 29));
    }
  });
  const points = shown.map((_, i) => `${centre(i)},${y(before.masses[i])}`);
  line.append(node("polyline", { points: points.join(" "), class: "cu-se-before" }));
  shown.forEach((_, i) => {
    line.append(node("circle", { cx: centre(i), cy: y(before.masses[i]), r: 4, class: "cu-se-dot" }));
  });
  svg.append(bars, line, marks);
  if (others) {
    const fromRest = drawn !== undefined && !ids.includes(drawn);
    const masses = { after: after.others, before: before.others };
    svg.append(rest({ x: end + 28, bottom, y, ceiling, others, drawn: fromRest, ...masses }));
  }
  return svg;
}

// Ids that are kept, of those asked for; they are near the front, so the walk is short.
function keptAmong(dist, ids) {
  const wanted = new Set(ids);
  const found = [];
  for (let r = 0; r < dist.kept && wanted.size; r++) if (wanted.delete(dist.ids[r])) found.push(dist.ids[r]);
  return found;
}

// All tokens without a bar of their own. A bar that dwarfs the others is torn off at the top, its number written.
function rest({ x, bottom, y, ceiling, others, after, before, drawn }) {
  const width = 52;
  const torn = after > ceiling;
  const top = torn ? PLOT.top - 8 : y(after);
  const group = node("g", { "data-rest-after": after, "data-rest-before": before });
  const bar = node("rect", { x, width, y: top, height: bottom - top, class: "cu-se-rest" });
  bar.append(node("title", {}, `the other ${tokens(others)}: before ${percent(before)}, after ${percent(after)}`));
  group.append(bar);
  if (torn) {
    const corner = (_, i) => `${x - 5 + (i * (width + 10)) / 8},${top + 20 + (i % 2 ? -6 : 6)}`;
    const zigzag = Array.from({ length: 9 }, corner);
    group.append(node("polyline", { points: zigzag.join(" "), class: "cu-se-tear" }));
  }
  const off = before > ceiling;
  const dot = off ? PLOT.top - 8 : y(before);
  const middle = x + width / 2;
  group.append(
    off
      ? node("path", { d: `M${middle - 7},${dot + 8}h14l-7,-13z`, class: "cu-se-dot" })
      : node("circle", { cx: middle, cy: dot, r: 5, class: "cu-se-dot" }),
  );
  const above = Math.min(top, dot);
  if (after > 0) group.append(number(middle, torn ? top + 46 : above - 9, after));
  if (drawn) {
    bar.classList.add("cu-se-drawn");
    group.append(arrow(middle, Math.max(22, torn ? above - 8 : above - 29)));
  }
  const lines = [`the other`, tokens(others), `before ${percent(before)}`, `after ${percent(after)}`];
  lines.forEach((text, i) => {
    group.append(node("text", { x: x - 12, y: bottom + 24 + 21 * i, class: i < 2 ? "cu-se-label" : "" }, text));
  });
  group.append(node("line", { x1: x - 14, x2: x + width + 14, y1: bottom, y2: bottom, class: "cu-se-axis" }));
  return group;
}

function number(x, y, p) {
  return node("text", { x, y, "text-anchor": "middle", class: "cu-se-number" }, short(p));
}

function arrow(x, y) {
  return node(
    "g",
    { class: "cu-se-arrow" },
    node("path", { d: `M${x - 8},${y - 3}h16l-8,11z` }),
    node("text", { x, y: y - 8, "text-anchor": "middle" }, "drawn"),
  );
}

function description(shown, after, before, others, kept) {
  const named = shown.slice(0, 5).map((token, i) => {
    const now = kept.has(token.id) ? percent(after.masses[i]) : "cut";
    return `${token.label} before ${percent(before.masses[i])}, after ${now}`;
  });
  const all = `the other ${tokens(others)} before ${percent(before.others)}, after ${percent(after.others)}`;
  return `Next-token probabilities, the most probable first: ${[...named, ...(others ? [all] : [])].join("; ")}.`;
}

function legend() {
  const swatch = (className, text) => html("span", "cu-se-key", html("span", `cu-se-swatch ${className}`), text);
  return html(
    "div",
    "cu-se-legend",
    swatch("cu-se-swatch-after", "after the sliders"),
    swatch("cu-se-swatch-before", "before"),
    swatch("cu-se-swatch-cut", "cut, as it was before"),
    swatch("cu-se-swatch-rest", "all others, after"),
  );
}
