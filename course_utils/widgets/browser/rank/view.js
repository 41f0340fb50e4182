// The view: the picture, what the rank keeps in words, and the update beside the random one as a table.

import { html, live, svg } from "../base/elements.js";
import { count } from "../base/numbers.js";
import { DOT, picture } from "./picture.js";

const COLUMNS = ["", "squared length kept", "relative error", "rank that keeps 90 %"];

export function build(explorer, el) {
  const scroller = html("div", "cu-picture");
  const said = live("p", "cu-said");
  const table = html("table", "cu-table");
  table.setAttribute("aria-label", "the finetuned update and a random one, cut at this rank");
  el.append(legend(), scroller, said, table);

  let shown = ""; // what picture and table depend on: a reader may be marking a number
  return function draw(width) {
    const state = explorer.state;
    const now = JSON.stringify([state, width]);
    if (now === shown) return;
    shown = now;
    if (said.textContent !== state.words) said.textContent = state.words; // said once is enough
    scroller.replaceChildren(picture(state, width));
    const head = html("tr", "", ...COLUMNS.map((words) => cell(words, "col")));
    table.replaceChildren(html("thead", "", head), html("tbody", "", ...state.rows.map(row)));
  };
}

function legend() {
  const key = (name, state, words) => html("span", "cu-key", mark(name, state), words);
  return html(
    "div",
    "cu-legend",
    key("update", "kept", "finetuned update"),
    key("control", "kept", "random, of the same size"),
    html("span", "cu-key", mark("update", "kept"), mark("control", "kept"), "kept"),
    html("span", "cu-key", mark("update", "cut"), mark("control", "cut"), "cut"),
  );
}

function mark(name, state) {
  const path = svg("path", { d: `M8,8${DOT[name]}`, class: `cu-${name} cu-is-${state}` });
  return svg("svg", { width: 16, height: 16, "aria-hidden": true }, path);
}

function row({ name, title, share, error, needed }) {
  const words = html("span", "cu-key", mark(name, "kept"), title);
  const line = html("tr", "", cell(words, "row"), ...[share, error, count(needed)].map((number) => html("td", "", number)));
  line.dataset.name = name;
  return line;
}

const cell = (words, scope) => Object.assign(html("th", "", words), { scope });
