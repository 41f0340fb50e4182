// The picture: bars after the sliders, a line before them, hatched where a token is cut.

import { axes, barRoom, fitting } from "../base/axes.js";
import { arrow, bar, label, line, number, observed, rest } from "../base/bars.js";
import { svg } from "../base/elements.js";
import { counted, percent } from "../base/numbers.js";
import { keptAmong, massOf } from "./rules.js";

// `many`: how often each id was drawn, in a number of draws; null where there are none.
export function picture(explorer, dist, many, [width, height], hatch) {
  const shown = explorer.get("shown").slice(0, fitting(width));
  const ids = shown.map((token) => token.id);
  const after = massOf(dist, ids);
  const before = massOf(explorer.sorted.before, ids);
  const kept = keptAmong(dist, ids);
  const others = explorer.sorted.logits.length - ids.length;
  const drawn = explorer.get("drawn").at(-1);
  const shares = many ? ids.map((id) => (many.counts.get(id) ?? 0) / many.n) : [];
  const plot = axes({
    width,
    height: barRoom(height),
    bars: ids.length,
    largest: Math.max(...after.masses, ...before.masses, ...shares),
    rest: others > 0,
    label: description(shown, after, before, others, kept),
  });
  plot.picture.append(hatching(hatch));

  const bars = svg("g");
  const marks = svg("g");
  shown.forEach((token, i) => {
    const [p, was, cut] = [after.masses[i], before.masses[i], !kept.has(token.id)];
    const title = `${token.label}: before ${percent(was)}, after ${cut ? "cut" : percent(p)}`;
    const data = { "data-id": token.id, "data-after": p, "data-before": was, "data-cut": cut };
    const look = cut ? { class: "cu-cut", fill: `url(#${hatch})` } : { class: "cu-after" };
    const box = bar(plot, i, cut ? was : p, title, { ...data, ...look });
    bars.append(box);
    marks.append(label(plot, i, token.label, cut ? "cu-cut-label" : "cu-label"));
    const gap = plot.y(p) - plot.y(was);
    let top = gap > 0 && gap < 28 ? plot.y(was) : plot.y(p); // above the bar, clear of a marker just over it
    if (many && !cut) {
      const mark = observed(plot, plot.centre(i), p, shares[i], many.n);
      marks.append(mark.picture);
      top = Math.min(top, mark.top);
    }
    if (!cut && p >= 0.005) marks.append(number(plot.centre(i), top - 9, p));
    if (token.id === drawn) {
      box.classList.add("cu-drawn");
      marks.append(arrow(plot.centre(i), top - 29, "drawn", plot.left));
    }
  });
  plot.picture.append(bars, line(plot, before.masses), marks);
  if (others) {
    const [mass, was] = [after.others, before.others];
    const words = [counted(others, "other"), `before ${percent(was)}`, `after ${percent(mass)}`];
    const title = `${words[0]}: ${words[1]}, ${words[2]}`;
    const mark = drawn !== undefined && !ids.includes(drawn) ? "drawn" : "";
    const share = many ? Math.max(0, 1 - shares.reduce((sum, one) => sum + one, 0)) : undefined;
    plot.picture.append(rest(plot, { mass, before: was, share, draws: many?.n, title, words, mark }));
  }
  return plot.picture;
}

function hatching(id) {
  const stripes = svg(
    "pattern",
    { id, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("rect", { width: 7, height: 7, class: "cu-cut-ground" }),
    svg("rect", { width: 2.5, height: 7, class: "cu-cut-line" }),
  );
  return svg("defs", {}, stripes);
}

function description(shown, after, before, others, kept) {
  const named = shown.slice(0, 5).map((token, i) => {
    const now = kept.has(token.id) ? percent(after.masses[i]) : "cut";
    return `${token.label} before ${percent(before.masses[i])}, after ${now}`;
  });
  const rest = `the other ${counted(others, "token")} before ${percent(before.others)}, after ${percent(after.others)}`;
  return `Next-token probabilities, the most probable first: ${[...named, ...(others ? [rest] : [])].join("; ")}.`;
}
