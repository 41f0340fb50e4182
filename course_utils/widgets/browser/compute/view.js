// The view: buttons for published models, the pictures, what the compute buys in words, and chosen and best as a table.

import { button, html, live, svg } from "../base/elements.js";
import { MARKS, picture } from "./picture.js";
import { amount, size, three } from "./rules.js";

const COLUMNS = ["", "parameters N", "tokens D", "D ÷ N", "loss (nats)"];
const NEAR = 1e-4; // of a size: a slider's value has fewer digits

export function build(explorer, el) {
  const scroller = html("div", "cu-picture");
  const said = live("p", "cu-said");
  const table = html("table", "cu-table");
  const remarks = html("p", "cu-remarks");
  table.setAttribute("aria-label", "the chosen model and the one with the lowest loss");
  const models = explorer.get("facts").models.map((model) => [...model, modelButton(explorer, model)]);
  const row = html("div", "cu-row cu-models", ...models.map(([, , , press]) => press));
  el.append(...(models.length ? [row] : []), legend(models.length), scroller, said, table, remarks);

  let shown = ""; // what the view depends on: a reader may be marking a number
  return function draw(width) {
    const state = explorer.state;
    const now = JSON.stringify([state.law, state.flops, state.ratio, width]);
    if (now === shown) return;
    shown = now;
    const { best, chosen } = state;
    for (const [, n, d, press] of models)
      press.setAttribute("aria-pressed", near(n, chosen.n_params) && near(d, chosen.n_tokens));
    const words = unbroken(state.said);
    if (said.textContent !== words) said.textContent = words; // said once is enough
    remarks.textContent = unbroken(state.remarks);
    scroller.replaceChildren(picture(state, width));
    const head = html("tr", "", ...COLUMNS.map((words) => heading("col", words)));
    const rows = [line("chosen", "chosen", chosen), line("best", "lowest loss", best)];
    table.replaceChildren(html("thead", "", head), html("tbody", "", ...rows));
    Object.assign(el.dataset, { nParams: chosen.n_params, nTokens: chosen.n_tokens, loss: chosen.loss });
  };
}

function modelButton(explorer, [name, n, d]) {
  const label = `${name}: ${size(n)} parameters, ${size(d)} tokens`;
  const press = button(`${name} · ${size(n)}`, () => explorer.place(n, d), { quiet: true });
  press.title = label;
  return press;
}

// No line ends between a number and its letter.
const unbroken = (words) => words.replace(/(\d) (?=[MBT]\b)/g, "$1\u00a0");

const near = (a, b) => Math.abs(a / b - 1) < NEAR;

function legend(models) {
  const stroke = (name) => svg("line", { x1: 0, x2: 26, y1: 10, y2: 10, class: name });
  const key = (words, ...parts) =>
    html("span", "cu-key", svg("svg", { width: 26, height: 20, "aria-hidden": true }, ...parts), words);
  const mark = (kind) => svg("path", { d: `M13,10${MARKS[kind]}`, class: `cu-${kind}` });
  return html(
    "div",
    "cu-legend",
    key("this compute", stroke("cu-spent")),
    key("lowest loss", mark("best")),
    key("chosen", mark("chosen")),
    key("best of each compute", stroke("cu-frontier")),
    ...(models ? [key("published", mark("model"))] : []),
  );
}

function line(name, words, { n_params, n_tokens, loss }) {
  const sample = svg("path", { d: `M10,10${MARKS[name]}`, class: `cu-${name}` });
  const mark = svg("svg", { width: 20, height: 20, "aria-hidden": true }, sample);
  const numbers = [size(n_params), size(n_tokens), amount(n_tokens / n_params), three(loss)];
  const row = html("tr", "", heading("row", html("span", "cu-key", mark, words)));
  row.append(...numbers.map((number) => html("td", "", number)));
  row.dataset.name = name;
  return row;
}

const heading = (scope, words) => Object.assign(html("th", "", words), { scope });
