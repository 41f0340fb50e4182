// The view: the picture, what the step does in words, buttons, and how much work it is with a cache and without.

import { button, html, live } from "../base/elements.js";
import { count } from "../base/numbers.js";
import { patterns, swatch } from "../base/patterns.js";
import { remark } from "./explorer.js";
import { PATTERNS, picture } from "./picture.js";

const KEYS = [
  ["computed", "computed"],
  ["again", "computed again"],
  ["read", "read from the cache"],
  ["absent", "not needed or not there yet"],
];
const COLUMNS = [
  ["computed", "K, V computed"],
  ["read", "K, V read"],
  ["written", "K, V written"],
  ["scores", "scores"],
];
let views = 0;

export function build(explorer, el) {
  const id = `cu-states-${++views}`; // a page may hold several views
  const scroller = html("div", "cu-picture");
  const back = button("back", () => explorer.go(-1), { quiet: true, label: "one step back" });
  const play = button("play", () => (explorer.playing ? explorer.pause() : explorer.play()), { quiet: true });
  const next = button("next", () => explorer.go(1), { label: "next step" });
  const said = live("p", "cu-said");
  const aside = html("p", "cu-aside");
  const table = html("table", "cu-table");
  play.classList.add("cu-play");
  table.setAttribute("aria-label", "work of one head in one layer");
  el.append(
    patterns(id, "state"),
    legend(id),
    scroller,
    html("div", "cu-row", html("div", "cu-buttons", back, play, next), said),
    aside,
    table,
  );

  // noUiSlider's End key goes to where the slider ended when it was made.
  function end(event) {
    if (event.key !== "End" || !event.target.matches(`.noUi-handle[aria-label="${explorer.knobs.step.label}"]`)) return;
    event.preventDefault();
    event.stopPropagation();
    explorer.set({ step: explorer.last });
  }

  let shown = ""; // what picture and table depend on: a reader may be marking a number
  return function draw(width) {
    const state = explorer.state;
    const { step, last } = state;
    el.closest(".cu-explorer")?.addEventListener("keydown", end, true); // listening twice changes nothing
    back.setAttribute("aria-disabled", step === 0);
    next.setAttribute("aria-disabled", step === last);
    play.textContent = explorer.playing ? "pause" : "play";
    el.dataset.playing = explorer.playing;
    const now = JSON.stringify([state, width]);
    if (now === shown) return;
    shown = now;
    if (said.textContent !== state.words) said.textContent = state.words; // said once is enough
    aside.textContent = remark(state);
    scroller.replaceChildren(picture(state, width, id));
    table.replaceChildren(...rows(state));
  };
}

function legend(id) {
  const keys = KEYS.map(([state, words]) => {
    const sample = state in PATTERNS ? swatch(id, PATTERNS[state]) : html("span", "cu-swatch cu-swatch-absent");
    return html("span", "cu-key", sample, words);
  });
  return html("div", "cu-legend", html("span", "cu-key", "▶ goes in now"), html("span", "cu-key", "▷ next"), ...keys);
}

// A row for each way, the chosen one marked; of each number that of this step, and that of all steps so far.
function rows({ ways, cached }) {
  const corner = Object.assign(head("one head, one layer", "col"), { rowSpan: 2 });
  const columns = COLUMNS.map(([, words]) => Object.assign(head(words, "colgroup", "cu-first"), { colSpan: 2 }));
  const times = COLUMNS.flatMap(() => [head("now", "col", "cu-first"), head("so far", "col")]);
  const body = ways.map((way) => {
    const chosen = way.cached === cached;
    const words = way.cached ? "with a cache" : "without";
    const cells = COLUMNS.flatMap(([name]) => [
      html("td", "cu-first", count(way.now[name])),
      html("td", "", count(way.all[name])),
    ]);
    const row = html("tr", chosen ? "cu-chosen" : "", head(chosen ? `▸\u00a0${words}` : words, "row"), ...cells);
    row.dataset.cached = way.cached;
    return row;
  });
  const names = [html("tr", "", corner, ...columns), html("tr", "", ...times)];
  return [html("thead", "", ...names), html("tbody", "", ...body)];
}

const head = (words, scope, className = "") => Object.assign(html("th", className, words), { scope });
