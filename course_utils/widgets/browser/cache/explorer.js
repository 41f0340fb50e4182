// What a reader can do with the stepper, beside its knobs: go a step back or on, or let it walk by itself.

import { Explorer } from "../base/explorer.js";
import { counts, heldAndNew, states, totals, words } from "./rules.js";

const PACE = 1600; // ms from step to step while it walks

export class CacheStepper extends Explorer {
  constructor(model) {
    super(model, ["labels", "last_step"]);
    this.timer = 0; // while it walks
    this.reached = 0; // the step that it has walked to
    model.on("change:prompt_length", () => this.keepInRange());
  }

  get state() {
    const knobs = { step: this.knob("step"), prompt_length: this.knob("prompt_length"), cached: this.knob("cached") };
    const labels = this.get("labels");
    const [held, fresh] = heldAndNew(knobs);
    const ways = [true, false].map((cached) => {
      const way = { ...knobs, cached };
      return { cached, now: counts(way), all: totals(way) };
    });
    return { ...knobs, labels, held, fresh, last: this.last, ways, states: states(knobs, labels.length), words: words(knobs, labels) };
  }

  // The step after which all tokens are held.
  get last() {
    return this.get("labels").length - this.knob("prompt_length");
  }

  get playing() {
    return this.timer !== 0;
  }

  // The slider's end is the last step; a step beyond it becomes the last.
  keepInRange() {
    this.set({ step: Math.min(this.knob("step"), this.last), last_step: this.last });
  }

  // A step back or on, by hand.
  go(by) {
    this.pause();
    this.set({ step: Math.min(this.last, Math.max(0, this.knob("step") + by)) });
  }

  // Walk on, from the beginning if the end was reached.
  play() {
    this.pause();
    if (this.knob("step") === this.last) this.set({ step: 0 });
    this.reached = this.knob("step");
    this.timer = setInterval(() => this.walk(), PACE);
    this.changed();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
    this.changed();
  }

  // One step; a hand on a slider ends the walk, as the last step does.
  walk() {
    if (this.knob("step") !== this.reached || this.reached >= this.last) return this.pause();
    this.reached++;
    this.set({ step: this.reached });
    if (this.reached === this.last) this.pause();
  }

  close() {
    this.pause();
    super.close();
  }
}

// Why the picture is as it is: what the rows are needed for, here and in the next layer.
export function remark({ step, cached }) {
  if (step === 0)
    return "All outputs are needed, for the next layer makes its keys and values from them; in the last layer the last row would do.";
  if (cached) return "No later row looks at an old query, so queries are not kept: the cache holds keys and values only.";
  return "In the last layer the last row would do. In each layer below, all are needed: from their outputs the next layer makes its keys and values again.";
}
