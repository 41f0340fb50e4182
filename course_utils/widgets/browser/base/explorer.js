// An explorer: what all its views on a page share.
//
// Who sets which trait: the sliders (jslink) set NAME_stop of each knob; this class sets the knobs from them, and
// `offline`; a subclass sets what its own buttons change; Python may set all of them, and alone sets the rest.

import { Kernel } from "./kernel.js";
import { placeOf, valueAt } from "./knobs.js";
import { count, tidy } from "./numbers.js";

export class Explorer {
  // traits: those beside the knobs whose change redraws the views.
  constructor(model, traits) {
    this.model = model;
    this.views = new Set(); // functions that redraw a view
    this.knobs = model.get("knobs");
    const knobs = Object.keys(this.knobs);
    for (const name of knobs) {
      model.on(`change:${name}_stop`, () => this.sliderMoved(name));
      model.on(`change:${name}`, () => this.moveSlider(name));
    }
    for (const name of [...knobs, "status", ...traits]) model.on(`change:${name}`, () => this.changed());
    this.kernel = new Kernel(model, () => this.changed());
  }

  get(name) {
    return this.model.get(name);
  }

  set(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  // The value of a knob, or where its slider stands.
  knob(name) {
    const value = this.get(name);
    return typeof value === "number" ? tidy(value) : value;
  }

  // A knob's value as a screen reader says it.
  spoken(name) {
    const value = this.knob(name);
    return this.knobs[name].stops && typeof value === "number" ? count(value) : value;
  }

  // A slider that doesn't stand where its value wants it was moved by hand.
  sliderMoved(name) {
    const place = this.knob(`${name}_stop`);
    const knob = this.knobs[name];
    if (place !== placeOf(knob, this.get(name))) this.set({ [name]: valueAt(knob, place) });
  }

  moveSlider(name) {
    const place = placeOf(this.knobs[name], this.get(name));
    if (place !== this.knob(`${name}_stop`)) this.set({ [`${name}_stop`]: place });
  }

  // What to say while the kernel works and the picture waits for it; "" if the view stays of use meanwhile.
  get busy() {
    return this.kernel.waiting ? "The model is running …" : "";
  }

  // What to say when nothing is wrong; a subclass says here what is missing without a kernel.
  get note() {
    return "";
  }

  changed() {
    for (const redraw of this.views) redraw();
  }

  close() {
    this.kernel.close();
  }
}
