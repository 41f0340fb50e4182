// The view: the picture, whether it fits, and a table of the items with their formulas.

import { html, live } from "../base/elements.js";
import { count } from "../base/numbers.js";
import { patterns, swatch } from "../base/patterns.js";
import { remarks } from "./explorer.js";
import { PATTERNS, picture } from "./picture.js";
import { gigabytes } from "./rules.js";

let views = 0;

export function build(explorer, el) {
  const id = `cu-items-${++views}`; // a page may hold several views
  const scroller = html("div", "cu-picture");
  const said = live("p", "cu-verdict");
  const table = part("table", "table", "cu-table");
  table.setAttribute("aria-label", "items of memory");
  el.append(patterns(id, "item"), scroller, said, table);

  let shown = ""; // what picture and table depend on: a reader may be marking a number
  return function draw(width) {
    const state = explorer.state;
    const now = JSON.stringify([state.items, state.card, width]);
    say(said, state);
    if (now === shown) return;
    shown = now;
    scroller.replaceChildren(picture(state, width, id));
    const head = ["item", "GB", "bytes, by formula"].map((words) => part("th", "columnheader", "", words));
    const rows = state.items.map((item) => row(item, swatch(id, PATTERNS[item.name])));
    rows.push(row({ name: "total", bytes: state.total, formula: "1 GB is 10⁹ bytes" }));
    table.replaceChildren(
      part("thead", "rowgroup", "", part("tr", "row", "", ...head)),
      part("tbody", "rowgroup", "", ...rows),
    );
    el.dataset.total = state.total;
  };
}

function row({ name, bytes, formula }, ...sample) {
  const cells = part(
    "tr",
    "row",
    name === "total" ? "cu-total" : "",
    part("th", "rowheader", "", html("span", "cu-key", ...sample, name)),
    part("td", "cell", "", gigabytes(bytes)),
    part("td", "cell", "", formula),
  );
  Object.assign(cells.dataset, { item: name, bytes });
  return cells;
}

// On a phone the formula stands below its item: the roles keep the table one to a screen reader.
function part(name, role, className, ...children) {
  const element = html(name, className, ...children);
  element.setAttribute("role", role);
  return element;
}

function say(line, state) {
  const { fits, words, total, card, task, n_devices } = state;
  const where = task === "train" && n_devices > 1 ? `on each of ${count(n_devices)} cards` : "on a card";
  const sizes = ` (${gigabytes(total)} GB ${where} of ${count(card)} GB).`;
  const told = [words, sizes, ...remarks(state).map((remark) => ` ${remark}`)];
  if (line.dataset.said === told.join("")) return; // said once is enough
  Object.assign(line.dataset, { said: told.join(""), fits });
  const glyph = html("span", "cu-glyph", fits ? "✓" : "✗");
  glyph.setAttribute("aria-hidden", true);
  line.replaceChildren(glyph, html("strong", "", told[0]), ...told.slice(1));
}
