// The view: who supplied the mass, the picture, the buttons, the lamp of the grammar and the text.

import { seedBox } from "../base/draws.js";
import { button, html, live, tokens } from "../base/elements.js";
import { patterns } from "../base/patterns.js";
import { picture, shareKeys } from "./picture.js";

const GLYPHS = { possible: "✓", impossible: "✗", unknown: "?", asking: "…" };
let views = 0;

export function build(explorer, el) {
  const id = `cu-orders-${++views}`; // a page may hold several views
  const keys = html("div", "cu-legend");
  const scroller = html("div", "cu-picture");
  const undo = button("undo", () => explorer.undo(), { quiet: true, label: "undo the last word" });
  const lamp = live("span", "cu-lamp");
  const text = html("p", "cu-text");
  text.setAttribute("role", "group");
  text.setAttribute("aria-label", "running text");
  text.tabIndex = 0; // a long text scrolls
  el.classList.add("cu-ngram");
  el.append(
    patterns(id, "order"),
    keys,
    scroller,
    html(
      "div",
      "cu-row",
      button("sample", () => explorer.sample()),
      html("label", "", "seed ", seedBox(explorer)),
      undo,
      button("reset", () => explorer.reset(), { quiet: true, label: "reset the running text" }),
      lamp,
    ),
    text,
  );
  const seed = el.querySelector(".cu-seed");
  scroller.addEventListener("keydown", walk);
  el.addEventListener("keydown", (event) => {
    if (event.key !== "Backspace" || event.target === seed) return;
    event.preventDefault();
    explorer.undo();
  });

  let shown = ""; // what the picture depends on: an answer of the grammar must not replace a bar under a hand
  return function draw(width) {
    const now = JSON.stringify([explorer.knob("order"), explorer.knob("smoothing"), explorer.get("written"), width]);
    if (now !== shown) {
      shown = now;
      const dist = explorer.distribution;
      const hadFocus = scroller.contains(document.activeElement);
      keys.replaceChildren(...shareKeys(dist, id));
      scroller.replaceChildren(picture(explorer, dist, width, id, (word, p) => explorer.write(word, p)));
      if (hadFocus) (scroller.querySelector(".cu-column") ?? undo).focus({ preventScroll: true });
    }
    text.replaceChildren(...running(explorer));
    text.scrollTop = text.scrollHeight;
    light(explorer, lamp);
    if (document.activeElement !== seed) seed.value = explorer.get("seed");
    el.dataset.written = explorer.get("written").join(" ");
  };
}

// One bar at a time is reached by Tab; the arrow keys walk along the others, Enter and Space write the word.
function walk(event) {
  const bars = [...event.currentTarget.querySelectorAll(".cu-column")];
  const now = bars.indexOf(event.target.closest(".cu-column"));
  const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: bars.length - 1 }[event.key];
  if (now < 0 || (to === undefined && event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  if (to === undefined) event.target.dispatchEvent(new MouseEvent("click"));
  else if (bars[to]) {
    bars[now].tabIndex = -1;
    bars[to].tabIndex = 0;
    bars[to].focus();
  }
}

function light(explorer, lamp) {
  if (!explorer.get("has_grammar")) return;
  const [state, words] = explorer.lamp;
  if (lamp.dataset.lamp === state && lamp.lastChild.textContent === words) return; // said once is enough
  lamp.dataset.lamp = state;
  const glyph = html("span", "cu-glyph", GLYPHS[state]);
  glyph.setAttribute("aria-hidden", true);
  lamp.replaceChildren(glyph, html("span", "", words));
}

function running(explorer) {
  const written = explorer.get("written");
  const lead = html("span", "cu-lead", written.length ? "text: " : "text: press a bar to write its word");
  const words = tokens(written);
  if (explorer.get("has_grammar") && explorer.lamp[0] === "impossible")
    words[explorer.get("verdict").possible].classList.add("cu-breaks");
  return [lead, ...words.flatMap((word, i) => (i && !/^[.,:;?!]$/.test(written[i]) ? [" ", word] : [word]))];
}
