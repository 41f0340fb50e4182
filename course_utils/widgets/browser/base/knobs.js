// Knobs and where their sliders stand; widgets/knobs.py does the same in Python.
//
// A slider has fewer places than its knob has values: Python may set a value between two of them, or beyond its ends.

import { tidy } from "./numbers.js";

// The place of the slider: the number of the nearest stop, the lower of two, or a number between its ends; that of a box
// is its value.
export function placeOf({ stops, min, max }, value) {
  if (typeof value === "boolean") return value;
  return stops ? nearest(stops, value) : Math.min(max, Math.max(min, tidy(value)));
}

export function valueAt({ stops }, place) {
  return stops ? stops[place] : place;
}

export function nearest(stops, value) {
  const same = stops.indexOf(value); // a stop may be a word
  if (same >= 0) return same;
  let best = 0;
  stops.forEach((stop, i) => {
    if (Math.abs(stop - value) < Math.abs(stops[best] - value)) best = i;
  });
  return best;
}

// Standard widgets say too little: the handle of a slider has no name, and its value is the number of a stop or
// 0.9000000000000001; of buttons that choose a word, only the colour tells which one is pressed.
export function nameControls(box, explorer) {
  const known = new Map(Object.entries(explorer.knobs).map(([name, knob]) => [knob.label, [name, knob.stops]]));
  for (const control of box.querySelectorAll(".widget-slider, .widget-toggle-buttons")) {
    const label = control.querySelector(".widget-label")?.textContent;
    if (!known.has(label)) continue;
    const [name, stops] = known.get(label);
    const handle = control.querySelector(".noUi-handle");
    handle?.setAttribute("aria-label", label);
    handle?.setAttribute("aria-valuetext", explorer.spoken(name));
    control
      .querySelectorAll("button")
      .forEach((button, i) => button.setAttribute("aria-pressed", stops[i] === explorer.knob(name)));
  }
}
